// From what was being said when something went wrong to the least that makes it go wrong again.
// Each try has a target of its own; what counts as wrong is fuzzed-target.ts's complaint, an end, or no answer.

import { replay, type Transcript } from './conversation.ts';
import { complaint, type FuzzEngine, repairUnits, startFuzzedTarget } from './fuzzed-target.ts';

/** What was found: what it did, and what is to be said so that it does it again. */
export interface Finding {
  readonly about: string;
  readonly transcripts: readonly Transcript[];
}

/** Tries are slow: half a second each. */
const TRIES_MAX = 80;

/** What goes wrong when these are said one after another; empty: nothing does. */
export async function replayAlone(engine: FuzzEngine, transcripts: readonly Transcript[]): Promise<string> {
  const target = await startFuzzedTarget(engine);
  try {
    for (const transcript of transcripts) await replay(target.port, transcript);
    await repairUnits(target.port);
    return target.running ? (complaint(target.log) ?? '') : 'the target has ended';
  } catch (error) {
    return complaint(target.log) ?? (error as Error).message;
  } finally {
    await target.kill();
  }
}

/** Leaves parts out as long as it still goes wrong. Null when no single transcript does it. */
export async function shrink(engine: FuzzEngine, suspects: readonly Transcript[]): Promise<Transcript | null> {
  let guilty: Transcript | null = null;
  // The last to speak are the likeliest.
  for (const suspect of suspects.toReversed()) {
    if ((await replayAlone(engine, [suspect])) === '') continue;
    guilty = suspect;
    break;
  }
  if (guilty === null) return null;
  let { writes } = guilty;
  let tries = 0;
  for (
    let size = Math.ceil(writes.length / 2);
    size >= 1 && tries < TRIES_MAX;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let from = 0; from < writes.length && tries < TRIES_MAX; ) {
      const fewer = [...writes.slice(0, from), ...writes.slice(from + size)];
      tries++;
      if ((await replayAlone(engine, [{ ...guilty, writes: fewer }])) === '') from += size;
      else writes = fewer;
    }
  }
  return { ...guilty, writes };
}
