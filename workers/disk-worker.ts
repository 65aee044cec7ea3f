// The thread of a disk that is a module: loads it, and runs its functions for the workers that are connected. Composes; decides nothing.
// Main starts it and ends it (src/control/open-disk.ts); what runs in between is src/control/disk-server.ts.

import { type MessagePort, workerData } from 'node:worker_threads';
import { abilitiesOf, type Disk, type DiskAbilities } from '../src/backend/disk.ts';
import { type DiskLink, type DiskReport, DiskServer } from '../src/control/disk-server.ts';

/** What main gives the thread at its start. */
export interface DiskWorkerAssignment {
  /** URL of the module. Its default export makes the disk. */
  readonly module: string;
  /** A copy of what the program gave for it. */
  readonly data: unknown;
  /** Main's messages come here, and go there. The thread's own port is left to the module, and to what it loads. */
  readonly port: MessagePort;
}

/** Main to the thread. */
export type ToDiskWorker = { readonly type: 'connect'; readonly link: DiskLink } | { readonly type: 'close' };

/** The thread to main. */
export type FromDiskWorker =
  | { readonly type: 'ready'; readonly abilities: DiskAbilities }
  /** It could not be loaded, or closed. */
  | { readonly type: 'failed'; readonly error: Error }
  | { readonly type: 'report'; readonly report: DiskReport }
  /** A worker's eventfd is rung no more: main closes it, as it does those of a thread that has ended. */
  | { readonly type: 'unused'; readonly fd: number }
  | { readonly type: 'closed' };

const assignment = workerData as DiskWorkerAssignment;
const { port } = assignment;

function tell(message: FromDiskWorker): void {
  port.postMessage(message);
}

async function load({ module, data }: DiskWorkerAssignment): Promise<Disk> {
  const { default: make }: { default?: (data: unknown) => Disk | Promise<Disk> } = await import(module);
  if (typeof make !== 'function') throw new TypeError('its default export is no function');
  return make(data);
}

/** Tells main how it ended. An error that can't be copied goes as its text. */
function fail(error: unknown): void {
  tell({ type: 'failed', error: new Error(error instanceof Error ? error.message : String(error)) });
}

try {
  const disk = await load(assignment);
  const server = new DiskServer(
    disk,
    (report) => tell({ type: 'report', report }),
    (fd) => tell({ type: 'unused', fd }),
  );
  port.on('message', (message: ToDiskWorker) => {
    if (message.type === 'connect') server.connect(message.link);
    else server.close().then(() => tell({ type: 'closed' }), fail);
  });
  tell({ type: 'ready', abilities: abilitiesOf(disk) });
} catch (error) {
  fail(error);
}
