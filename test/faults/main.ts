// `npm run faults`: failures of the real target, again and again: SIGKILL under writes, workers that fail under sessions.
// Ends with 0 when nothing was lost and everybody came back in time, else with 1.

import { setTimeout as sleep } from 'node:timers/promises';
import { enginesOf, integerOf, runCommand, UsageError } from '../support/command.ts';
import { killRounds } from './kill-rounds.ts';
import { describeLongest, PersistentInitiator, startFailingTarget } from './worker-failure.ts';

const USAGE = `usage: npm run faults -- [options]
  --rounds N     rounds of SIGKILL on each engine (100)
  --failures N   failures of a worker on each engine (20)
  --seed S       when the target is killed in each round (the time)
  --engine E     uring, posix or both (both)
`;

type Engine = 'uring' | 'posix';
/** An initiator whose worker has failed goes on within this time, milliseconds. */
const OUTAGE_MS_MAX = 3000;
const SESSIONS = 4;
const REST_ROUNDS = 100;
/** A worker that fails five times, each time within five seconds of its start, is given up. */
const REST_MS = 6000;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function killAgainAndAgain(engine: Engine, rounds: number, seed: number): Promise<boolean> {
  const progress = (line: string) => print(`${engine}: ${line}`);
  const result = await killRounds({ engine, rounds, seed, progress });
  const { writes, syncedWrites, lost, damaged, unsynced } = result;
  print(
    `${engine}: SIGKILL ${result.rounds} times, seed ${seed}: ${writes} writes acknowledged, ${syncedWrites} of them synced`,
  );
  print(`${engine}: ${lost} synced blocks lost, ${damaged} damaged; ${unsynced} acknowledged but not synced are older`);
  return lost + damaged === 0;
}

async function failAgainAndAgain(engine: Engine, failures: number): Promise<boolean> {
  await using target = await startFailingTarget(engine);
  const initiators: PersistentInitiator[] = [];
  for (let count = 0; count < SESSIONS; count++)
    initiators.push(await PersistentInitiator.start(target.port, count * 16));
  for (let count = 0; count < failures; count++) {
    await initiators[count % SESSIONS]!.failItsWorker();
    for (const initiator of initiators) await initiator.advances(REST_ROUNDS);
    await sleep(REST_MS);
  }
  for (const initiator of initiators) await initiator.stop();
  const outages = initiators.flatMap((initiator) => initiator.outages);
  const times = outages.map(({ ms }) => ms).sort((a, b) => a - b);
  const [middle = 0, longest = 0] = [times[Math.floor(times.length / 2)], times.at(-1)];
  print(
    `${engine}: ${failures} failures of a worker, ${times.length} sessions lost and back, half of them within ${middle.toFixed(0)} ms; the longest: ${describeLongest(outages)}`,
  );
  // Each failure takes one session at least, that of the connection which caused it.
  if (times.length < failures) print(`${engine}: some failures were none, as nobody lost a session`);
  return longest <= OUTAGE_MS_MAX && times.length >= failures;
}

const options = {
  rounds: { type: 'string', default: '100' },
  failures: { type: 'string', default: '20' },
  seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  engine: { type: 'string', default: 'both' },
} as const;

await runCommand(USAGE, options, async (values) => {
  const engines = enginesOf(values.engine);
  const rounds = integerOf('rounds', values.rounds);
  const failures = integerOf('failures', values.failures);
  const seed = integerOf('seed', values.seed);
  if (rounds + failures === 0) throw new UsageError('--rounds 0 --failures 0: nothing would be tested');
  let good = true;
  for (const engine of engines) {
    good = (await killAgainAndAgain(engine, rounds, seed)) && good;
    good = (await failAgainAndAgain(engine, failures)) && good;
  }
  return good;
});
