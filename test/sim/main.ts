// `npm run sim`: plays seeds until one fails or the time is over, and makes a failing one smaller.

import { integerOf, numberOf, runCommand, UsageError } from '../support/command.ts';
import { explore, report } from './explore.ts';
import { planOf, simulate } from './simulation.ts';

const USAGE = `usage: npm run sim -- [options]
  --seed N       the seed to play (the time)
  --minutes M    plays that one and those after it for so long; or
  --seconds S    for so long
  --trace        prints the hash of all that happened: the same seed has the same one
ends with 0 when nothing went wrong; prints the seed, the rule, and a smaller plan for each that did
`;

const options = {
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  seconds: { type: 'string' },
  minutes: { type: 'string' },
  trace: { type: 'boolean', default: false },
} as const;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await runCommand(USAGE, options, async ({ seed, seconds, minutes, trace }) => {
  const first = integerOf('seed', seed);
  if (seconds !== undefined && minutes !== undefined) throw new UsageError('--seconds or --minutes, not both');
  const milliseconds =
    seconds === undefined ? numberOf('minutes', minutes ?? '0') * 60_000 : numberOf('seconds', seconds) * 1000;
  if (milliseconds === 0) {
    const outcome = await simulate(planOf(first));
    await report(outcome, print);
    if (trace && outcome.failure === null) print(`hash ${outcome.hash}`);
    return outcome.failure === null;
  }
  const { played, steps, failed } = await explore(first, milliseconds, print);
  print(`${played} seeds from ${first}, ${steps} steps, ${failed} failed`);
  return failed === 0;
});
