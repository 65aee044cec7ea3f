// `lunaring refusals`: the logins that were refused of late, each with why and what to do; with --follow, those to come as well.
// What a status means in general is explain.ts's.

import { setTimeout as sleep } from 'node:timers/promises';
import type { RefusalReport } from '../control/refusals.ts';
import { findLoginStatus } from '../pdu/login-status.ts';
import type { AdminOptions } from './admin-address.ts';
import type { AdminClient, Received } from './admin-client.ts';
import { administer } from './administer.ts';
import { formatMoment } from './quantities.ts';
import { facts, table } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** Options of the command. */
export interface RefusalsOptions extends AdminOptions {
  readonly count?: number;
  readonly follow?: boolean;
}

type Refusal = Received<RefusalReport>;

/** GET /refusals. */
export interface RefusalsReport {
  /** Logins by status, `0000` among them. */
  readonly counts: Readonly<Record<string, number>>;
  /** Newest first. */
  readonly latest: readonly RefusalReport[];
}

const COUNT_DEFAULT = 10;
/** As many as the target keeps. */
const ALL = '500';
const POLL_MS = 1000;

function formatRefusal(refusal: Refusal): string {
  const { at, status, name, initiatorName, targetName, peerAddress, localAddress } = refusal;
  return [
    `${formatMoment(at)}  ${status} ${name}\n`,
    facts([
      ['initiator', initiatorName ?? ''],
      ['target', targetName ?? ''],
      ['from', `${peerAddress} to ${localAddress}`],
      ['rule', refusal.rule],
      ['received', refusal.received],
      ['expected', refusal.expected],
      ['do', refusal.fixes.join(' ')],
      ['in the log', refusal.correlationId],
    ]),
  ].join('');
}

function formatCounts(counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => [String(count), status, findLoginStatus(status)?.name ?? '']);
  if (rows.length === 0) return 'no logins since the start\n';
  return table([{ heading: 'logins', right: true }, { heading: 'status' }, { heading: '' }], rows);
}

/** Counts by status, then the refusals, the latest last. */
export function formatRefusals({ counts, latest }: Received<RefusalsReport>): string {
  const oldestFirst = [...latest].reverse();
  return [formatCounts(counts), ...oldestFirst.map((refusal) => `\n${formatRefusal(refusal)}`)].join('');
}

/** Prints refusals as they come, until the target ends or the command is interrupted: looked for once a second. */
async function follow(admin: AdminClient, options: RefusalsOptions, world: World, seen: Set<string>): Promise<never> {
  for (;;) {
    await sleep(POLL_MS);
    const { latest } = await admin.get<RefusalsReport>('/refusals', { count: ALL });
    const news = latest.filter((refusal) => !seen.has(keyOf(refusal))).reverse();
    seen.clear();
    for (const refusal of latest) seen.add(keyOf(refusal));
    for (const refusal of news) {
      world.print(options.json === true ? `${JSON.stringify(refusal)}\n` : `\n${formatRefusal(refusal)}`);
    }
  }
}

const keyOf = ({ at, correlationId, status }: Refusal): string => `${at} ${correlationId} ${status}`;

/** Runs the command. */
export function refusals(options: RefusalsOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const { count = COUNT_DEFAULT } = options;
    const whole = await admin.get<RefusalsReport>('/refusals', { count: ALL });
    const data = { ...whole, latest: whole.latest.slice(0, count) };
    if (options.follow !== true) return { data, text: formatRefusals(data) };
    const told = [...data.latest].reverse();
    world.print(
      options.json === true ? told.map((each) => `${JSON.stringify(each)}\n`).join('') : formatRefusals(data),
    );
    return await follow(admin, options, world, new Set(whole.latest.map(keyOf)));
  });
}
