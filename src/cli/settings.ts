// `lunaring settings`: the settings that may change while the target runs: shows them, or changes those that are named.
// All others are read at the start: `lunaring env`, docs/configuration.md.

import { administer, type ChangeOptions, changed, given, saving } from './administer.ts';
import { facts } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** Options of the command. */
export interface SettingsOptions extends ChangeOptions {
  readonly logLevel?: string;
  readonly queueDepth?: number;
  readonly maxRecvSegment?: string;
  readonly maxBurst?: string;
  readonly firstBurst?: string;
  readonly immediateData?: boolean;
  readonly initialR2t?: boolean;
  readonly loginTimeoutMs?: number;
  readonly nopIntervalMs?: number;
}

/** What is named, under the names of the interface. */
function named(options: SettingsOptions): Record<string, unknown> {
  const { logLevel, queueDepth, immediateData, loginTimeoutMs, nopIntervalMs } = options;
  return given({
    logLevel,
    queueDepth,
    maxRecvDataSegmentLength: options.maxRecvSegment,
    maxBurstLength: options.maxBurst,
    firstBurstLength: options.firstBurst,
    immediateData,
    initialR2T: options.initialR2t,
    loginTimeoutMs,
    nopIntervalMs,
  });
}

/** Runs the command. */
export function settings(options: SettingsOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const body = named(options);
    const changes = Object.keys(body).length > 0;
    if (changes) await admin.put('/settings', { body, query: saving(options) });
    const data = await admin.get<Readonly<Record<string, unknown>>>('/settings');
    const text = facts(
      Object.entries(data).map(([name, value]) => [name, String(value)] as const),
      0,
    );
    return { data, text: changes ? `${text}${changed('changed', options)}` : text };
  });
}
