// `npm run sim`: plays seeds until one fails or the time is over, and makes a failing one smaller.
// One seed with --seed; --seconds or --minutes play fresh ones for that long, --trace prints how the last one ended.

import { parseArgs } from 'node:util';
import { explore, report } from './explore.ts';
import { planOf, simulate } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string' },
    minutes: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
});
const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const seconds = Number(values.seconds ?? Number(values.minutes ?? 0) * 60);
const first = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);

if (seconds === 0) {
  const outcome = await simulate(planOf(first));
  await report(outcome, write);
  if (values.trace && outcome.failure === null) write(`hash ${outcome.hash}`);
  process.exitCode = outcome.failure === null ? 0 : 1;
} else {
  const { played, steps, failed } = await explore(first, seconds * 1000, write);
  write(`${played} seeds from ${first}, ${steps} steps, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}
