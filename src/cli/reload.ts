// `lunaring reload`: has a running target read its configuration file again; --plan says what that would change, and changes nothing.
// What can change while it runs, and what waits for the next start, the target says.

import { formatFinding } from '../config/finding.ts';
import type { ReloadReport } from '../control/reload.ts';
import type { AdminOptions } from './admin-address.ts';
import { administer } from './administer.ts';
import { facts, table } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** Options of the command. */
export interface ReloadOptions extends AdminOptions {
  readonly plan?: boolean;
}

const SHAPES = [{ heading: 'what', shortens: true }, { heading: 'how' }, { heading: 'sessions' }];

/** For people. */
export function formatReload({ warnings, ...rest }: ReloadReport): string {
  return [...warnings.map(formatFinding), formatChanges(rest)].join('\n');
}

function formatChanges({ changes, applied }: Omit<ReloadReport, 'warnings'>): string {
  if (changes.length === 0) return 'the configuration says nothing else than what is served';
  const rows = changes.map(({ path, action, sessions }) => [path, action, sessions.join(' ') || '-']);
  const verdict = applied ? 'applied' : 'nothing was changed: this is the plan, lunaring reload applies it';
  const reasons = changes.flatMap(({ path, reason }) => (reason === undefined ? [] : [[path, reason] as const]));
  const waits = reasons.length === 0 ? '' : `\nrestart: holds from the next start on\n${facts(reasons)}`;
  return `${table(SHAPES, rows)}${verdict}${waits}`;
}

/** Runs the command. */
export function reload(options: ReloadOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const query = options.plan === true ? { plan: 'true' } : {};
    const data = await admin.post<ReloadReport>('/reload', { query });
    return { data, text: formatReload(data) };
  });
}
