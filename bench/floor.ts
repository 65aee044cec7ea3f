// The floor: the least work a userspace target can do, a C program that lies beside the repository where it is being developed.
// It stores nothing, sends no R2T and answers a READ with one PDU, so that no I/O may be longer than a burst and a data segment.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { accepts, Daemon } from '../test/support/daemon.ts';
import { repositoryRoot } from '../test/support/repository.ts';
import { succeed } from '../test/support/run.ts';
import { freePort } from '../test/support/scratch.ts';
import { UsageError } from './options.ts';

/** Longest READ or WRITE that it can do, bytes: what it negotiates. */
export const FLOOR_IO_BYTES_MAX = 256 * 1024;

/** Path of its source, or null where it is absent. `named`: where somebody says that it is; throws {@link UsageError} when it isn't. */
export function floorSource(named: string | undefined): string | null {
  const path = named ?? join(repositoryRoot(), '../shared/floor/null_target.c');
  if (existsSync(path)) return path;
  if (named !== undefined) throw new UsageError(`--floor: there is no file ${named}`);
  return null;
}

/** Compiles `source` to `program` and starts it. */
export async function startFloor(
  source: string,
  program: string,
  sizeMiB: number,
  cpus: string | undefined,
): Promise<{ daemon: Daemon; url: string }> {
  await succeed('gcc', ['-O2', '-o', program, source, '-lpthread']);
  const port = await freePort();
  const daemon = await Daemon.start([program, String(port), String(sizeMiB)], { ready: () => accepts(port), cpus });
  return { daemon, url: `iscsi://127.0.0.1:${port}/iqn.2026-11.io.lunaring:floor/0` };
}
