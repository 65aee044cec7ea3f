// `lunaring save`: has a running target write what it serves now to its configuration file, so that the next start serves the same.
// Single changes are saved as they are made with --save.

import type { AdminOptions } from './admin-address.ts';
import { administer } from './administer.ts';
import type { ExitCode, World } from './world.ts';

/** Runs the command. */
export function save(options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.post<{ readonly path: string }>('/configuration');
    return { data, text: `saved to ${data.path}` };
  });
}
