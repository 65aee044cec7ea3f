// `lunaring settings`: the settings that may change while the target runs: shows them, or changes those that are named.
// All others are read at the start: `lunaring env`, docs/configuration.md.

import type { AdminOptions } from './admin-address.ts';
import { administer } from './administer.ts';
import { facts } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** Options of the command. */
export interface SettingsOptions extends AdminOptions {
  readonly logLevel?: string;
}

/** Runs the command. */
export function settings(options: SettingsOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const { logLevel } = options;
    if (logLevel !== undefined) await admin.put('/settings', { body: { logLevel } });
    const data = await admin.get<Readonly<Record<string, unknown>>>('/settings');
    return {
      data,
      text: facts(
        Object.entries(data).map(([name, value]) => [name, String(value)] as const),
        0,
      ),
    };
  });
}
