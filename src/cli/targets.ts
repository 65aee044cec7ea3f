// `lunaring target list` and `target show`: what is served, and to whom.
// Changing it is target-changes.ts's, the units by themselves are luns.ts's.

import type { TargetReport } from '../control/reports.ts';
import type { AdminOptions } from './admin-address.ts';
import { path, type Received } from './admin-client.ts';
import { administer } from './administer.ts';
import { formatLimits, unitTable } from './luns.ts';
import { formatBytes } from './quantities.ts';
import { facts, table } from './table.ts';
import type { ExitCode, World } from './world.ts';

type Target = Received<TargetReport>;

/** Where logins go: `online`, `offline`, or elsewhere. */
function destination({ state, redirect }: Target): string {
  if (redirect === null) return state;
  return `${redirect.permanent ? 'moved to' : 'sent to'} ${redirect.address}`;
}

/** For people. */
export function formatTargets(targets: readonly Target[]): string {
  if (targets.length === 0) return 'no targets; lunaring target add NAME adds one';
  const shapes = [
    { heading: 'target', shortens: true },
    { heading: 'logins', shortens: true },
    { heading: 'sessions', right: true },
    { heading: 'connections', right: true },
    { heading: 'units', right: true },
    { heading: 'size', right: true },
    { heading: 'auth' },
  ];
  const rows = targets.map((target) => [
    target.name,
    destination(target),
    `${target.sessions}/${target.sessionLimit}`,
    `${target.connections}/${target.connectionLimit}`,
    String(target.units.length),
    formatBytes(target.units.reduce((sum, { bytes }) => sum + bytes, 0)),
    target.auth.method,
  ]);
  return table(shapes, rows);
}

function describeAuth({ auth }: Target): string {
  if (auth.method === 'none') return 'none: anybody may log in';
  return `chap, users ${auth.users.join(', ')}${auth.mutual ? '; the target proves itself as well' : ''}`;
}

/** All about one target. */
export function formatTarget(target: Target): string {
  const { name, alias, acl, portalGroups, maxConnections, digests, errorRecoveryLevel, initiatorLimits, units } =
    target;
  const limits = initiatorLimits.map((entry) => `${entry.initiators.join(', ')}: ${formatLimits(entry)}`);
  const sentAway = target.redirects.map(({ initiators, address, permanent }) => {
    return `${initiators.join(', ')}: to ${address}${permanent ? ', for good' : ''}`;
  });
  return [
    `${name}\n`,
    facts([
      ['alias', alias],
      ['logins', destination(target)],
      ['portal groups', portalGroups.join(', ')],
      ['sessions', `${target.sessions} of at most ${target.sessionLimit}`],
      ['connections', `${target.connections} of at most ${target.connectionLimit}, ${maxConnections} a session`],
      ['digests', `header: ${digests.header}, data: ${digests.data}`],
      ['recovery', errorRecoveryLevel === 0 ? '' : `ErrorRecoveryLevel up to ${errorRecoveryLevel}`],
      ['auth', describeAuth(target)],
      ['initiators', acl.initiators.join(', ')],
      ['networks', acl.networks.join(', ')],
      ['others hear', acl.denial === 'reveal' ? '0202, not allowed' : '0203, no such target'],
      ['sent away', sentAway.join('; ')],
      ['limits', limits.join('; ')],
    ]),
    units.length === 0 ? '  no units; lunaring lun add adds one\n' : unitTable(units),
  ].join('');
}

/** Runs `target list`. */
export function listTargets(options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<TargetReport[]>('/targets');
    return { data, text: formatTargets(data) };
  });
}

/** Runs `target show`. */
export function showTarget(name: string, options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<TargetReport>(path`/targets/${name}`);
    return { data, text: formatTarget(data) };
  });
}
