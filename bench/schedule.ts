// In which order cells and peers are measured, how long that takes, and how far it has come.
// One measurement is measure.ts.

import type { Cell } from './cells.ts';
import { inability } from './instruments.ts';
import { measure, systemCallsPerIo } from './measure.ts';
import type { Measurement, Series } from './measurement.ts';
import type { Options } from './options.ts';
import type { Peer } from './peers.ts';

/** What a measurement takes beside its own time: the client's start, its login, the preparation of the disk. Seconds. */
const OVERHEAD_SECONDS = 0.5;
const WARM_UP_SECONDS = 1;
const SYSTEM_CALLS_SECONDS = 1.5;

/** Seconds that one peer in one cell takes. */
export function pairSeconds(options: Pick<Options, 'seconds' | 'rounds' | 'systemCalls'>): number {
  const rounds = options.rounds * (options.seconds + OVERHEAD_SECONDS);
  return rounds + WARM_UP_SECONDS + OVERHEAD_SECONDS + (options.systemCalls ? SYSTEM_CALLS_SECONDS : 0);
}

/** A B, then B A: whatever gets better or worse while a round lasts favours nobody. */
export function inTurn<T>(peers: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? peers : [...peers].reverse();
}

/** Why `peer` isn't measured in `cell`, or null. */
function exclusion(peer: Peer, cell: Cell): string | null {
  return inability(cell) ?? peer.excludes(cell);
}

/** How many pairs of cell and peer there are to measure. */
export function countPairs(cells: readonly Cell[], peers: readonly Peer[]): number {
  return cells.flatMap((cell) => peers.filter((peer) => exclusion(peer, cell) === null)).length;
}

export interface Listener {
  /** Before every measurement. */
  begins(cell: Cell, peer: Peer, round: number): void;
  /** Whether it was measured or failed. */
  failed(cell: Cell, peer: Peer, error: Error): void;
}

/** All rounds of one cell, the peers taking turns in each. */
export async function measureCell(
  cell: Cell,
  peers: readonly Peer[],
  options: Options,
  listener: Listener,
): Promise<Series[]> {
  const rounds = new Map<Peer, Measurement[]>(peers.map((peer) => [peer, []]));
  const systemCalls = new Map<Peer, number | null>();
  const absent = new Map<Peer, string>();
  for (const peer of peers) {
    const reason = exclusion(peer, cell);
    if (reason !== null) absent.set(peer, reason);
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const peer of inTurn(peers, round)) {
      if (absent.has(peer)) continue;
      listener.begins(cell, peer, round);
      try {
        rounds.get(peer)!.push(await measure(peer, cell, options, round > 0));
      } catch (error) {
        absent.set(peer, 'failed');
        listener.failed(cell, peer, error as Error);
      }
    }
  }
  for (const peer of peers) {
    if (!options.systemCalls || absent.has(peer)) continue;
    systemCalls.set(peer, await systemCallsPerIo(peer, cell, options));
  }
  return peers.map((peer) => {
    const reason = absent.get(peer);
    const { name, group, subject } = peer;
    const series = { cell, peer: name, group, subject, systemCallsPerIo: systemCalls.get(peer) ?? null };
    return reason === undefined ? { ...series, rounds: rounds.get(peer)! } : { ...series, rounds: [], absent: reason };
  });
}
