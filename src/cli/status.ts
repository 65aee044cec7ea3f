// `lunaring status`: what a running target is, how it serves, and whether it takes logins.
// Asked over the admin interface; the units and sessions behind the counts are listed by commands of their own.

import { hostPort } from '../base/host-port.ts';
import type { RunningPortal } from '../control/portals.ts';
import type { AdminOptions } from './admin-address.ts';
import type { Received } from './admin-client.ts';
import { administer } from './administer.ts';
import { formatSpan } from './quantities.ts';
import { facts } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** GET /status. */
export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly startedAt: Date;
  readonly uptimeSeconds: number;
  readonly engine: string;
  readonly engineReason: string;
  readonly workers: number;
  readonly portals: readonly RunningPortal[];
  /** Why logins are refused; empty while they are taken. */
  readonly draining: string;
  readonly targets: number;
  readonly sessions: number;
  readonly inFlight: number;
}

/** For people. */
export function formatStatus(status: Received<StatusReport>, url: string): string {
  const { version, pid, uptimeSeconds, engine, engineReason, workers, portals, draining } = status;
  const portal = ({ address, port, tag, advertise }: RunningPortal) =>
    `${hostPort(address, port)},${tag}${advertise === undefined ? '' : ` (advertised as ${advertise})`}`;
  const logins = draining === '' ? 'taken' : `refused with 0301: ${draining} (lunaring drain --off takes them again)`;
  return [
    `lunaring ${version} at ${url}, process ${pid}, up for ${formatSpan(uptimeSeconds)}\n`,
    facts([
      ['engine', engineReason.startsWith(engine) ? engineReason : `${engine}: ${engineReason}`],
      ['workers', String(workers)],
      ['portals', portals.map(portal).join(' ')],
      ['logins', logins],
      ['targets', String(status.targets)],
      ['sessions', String(status.sessions)],
      ['in flight', String(status.inFlight)],
    ]),
  ].join('');
}

/** Runs the command. */
export function status(options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<StatusReport>('/status');
    return { data, text: formatStatus(data, admin.url) };
  });
}
