// `lunaring worker list`: the threads that serve sessions, what each has done and has in hand.
// Where they should run `lunaring check` says; /metrics has every figure over time.

import type { AdminOptions } from './admin-address.ts';
import type { Received } from './admin-client.ts';
import { administer } from './administer.ts';
import { formatBytes, formatCount } from './quantities.ts';
import { table } from './table.ts';
import type { ExitCode, World } from './world.ts';

type Shown = 'connections' | 'commands' | 'bytesRead' | 'bytesWritten' | 'errors' | 'slabBytesInUse';

/** GET /workers: one of these a worker. */
export interface WorkerReport {
  readonly index: number;
  readonly running: boolean;
  readonly sessions: number;
  /** Those that people are shown. */
  readonly figures: Readonly<Record<Shown, number>>;
}

/** For people. */
export function formatWorkers(workers: readonly Received<WorkerReport>[]): string {
  const shapes = [
    { heading: 'worker', right: true },
    { heading: 'state' },
    { heading: 'sessions', right: true },
    { heading: 'connections', right: true },
    { heading: 'commands', right: true },
    { heading: 'read', right: true },
    { heading: 'written', right: true },
    { heading: 'errors', right: true },
    { heading: 'memory in use', right: true },
  ];
  const rows = workers.map(({ index, running, sessions, figures }) => [
    String(index),
    running ? 'running' : 'down',
    String(sessions),
    String(figures.connections),
    formatCount(figures.commands),
    formatBytes(figures.bytesRead),
    formatBytes(figures.bytesWritten),
    formatCount(figures.errors),
    formatBytes(figures.slabBytesInUse),
  ]);
  return table(shapes, rows);
}

/** Runs the command. */
export function listWorkers(options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<WorkerReport[]>('/workers');
    return { data, text: formatWorkers(data) };
  });
}
