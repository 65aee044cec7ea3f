// The target is killed while initiators write and sync, started again, and read: round after round on the same file.
// Which writes must be there is durable-writer.ts's to say; a power failure, which also empties the page cache, is the simulator's.

import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../fuzz/random.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';
import { DurableWriter } from './durable-writer.ts';

export interface KillOptions {
  readonly engine: 'uring' | 'posix';
  readonly rounds: number;
  readonly seed: number;
  readonly progress?: (line: string) => void;
}

export interface KillResult {
  readonly rounds: number;
  readonly writes: number;
  readonly syncedWrites: number;
  /** Blocks; see `Inspection`. */
  readonly lost: number;
  readonly unsynced: number;
  readonly damaged: number;
}

const LANES = 4;
/** The target lives for so many writes, and then, so that it does not always die between two, a few milliseconds. */
const LIFE_WRITES = { least: 30, most: 300 };
const LIFE_MS = 5;
const POLL_MS = 2;
const PROGRESS_EVERY = 10;

function start(engine: KillOptions['engine'], path: string): Promise<TargetProcess> {
  return TargetProcess.start({
    tuning: { engine, workers: 2 },
    targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'file', path, size: '2MiB' }] }],
  });
}

/** One life of the target, from a start to SIGKILL; `then` runs in between with a connection for each writer. */
async function live(
  options: KillOptions,
  path: string,
  then: (target: TargetProcess, initiators: RawInitiator[]) => Promise<void>,
): Promise<void> {
  const target = await start(options.engine, path);
  const initiators: RawInitiator[] = [];
  try {
    for (let lane = 0; lane < LANES; lane++) initiators.push(await RawInitiator.logIn(target.port));
    await then(target, initiators);
  } finally {
    await target.kill();
    for (const initiator of initiators) initiator[Symbol.dispose]();
  }
}

/** Runs the rounds. What is lost or damaged is counted, and ends them. Throws when a writer fails while the target should live. */
export async function killRounds(options: KillOptions): Promise<KillResult> {
  using scratch = new Scratch('kill');
  const path = scratch.file('disk');
  const random = new Random(options.seed);
  const writers = Array.from({ length: LANES }, (_, lane) => new DurableWriter(lane));
  let [lost, unsynced, damaged, round] = [0, 0, 0, 0];
  const inspect = async (initiators: RawInitiator[]): Promise<void> => {
    for (const [lane, writer] of writers.entries()) {
      const found = await writer.inspect(initiators[lane]!);
      lost += found.lost;
      unsynced += found.unsynced;
      damaged += found.damaged;
    }
  };
  const sum = (of: (writer: DurableWriter) => number) => writers.reduce((total, writer) => total + of(writer), 0);
  const written = () => sum(({ writes }) => writes);
  while (round < options.rounds && lost + damaged === 0) {
    await live(options, path, async (target, initiators) => {
      await inspect(initiators);
      const killed = new AbortController();
      const writing = Promise.all(writers.map((writer, lane) => writer.write(initiators[lane]!, killed.signal)));
      const enough = written() + LIFE_WRITES.least + random.below(LIFE_WRITES.most - LIFE_WRITES.least);
      // A writer that fails before its time ends the round.
      while (written() < enough) await Promise.race([sleep(POLL_MS), writing]);
      await Promise.race([sleep(random.below(LIFE_MS)), writing]);
      // Writes are under way now.
      killed.abort();
      process.kill(target.pid, 'SIGKILL');
      await writing;
    });
    round++;
    if (round % PROGRESS_EVERY === 0) options.progress?.(`${round} rounds, ${written()} writes`);
  }
  await live(options, path, (_, initiators) => inspect(initiators));
  return {
    rounds: round,
    writes: written(),
    syncedWrites: sum((writer) => writer.syncedWrites),
    lost,
    unsynced,
    damaged,
  };
}
