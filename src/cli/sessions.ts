// `lunaring session …`: who is logged in, what was negotiated and what passes, and ending a session.
// Which logins are taken is refusals.ts's and target-changes.ts's.

import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionReport } from '../control/reports.ts';
import type { AdminOptions } from './admin-address.ts';
import { type AdminClient, path, type Received } from './admin-client.ts';
import { administer, type Told } from './administer.ts';
import { formatBytes, formatCount, formatMoment, formatSpan, secondsSince } from './quantities.ts';
import { facts, paragraph, table } from './table.ts';
import type { ExitCode, World } from './world.ts';

type Session = Received<SessionReport>;

/** Options of `session list`. */
export interface ListSessionsOptions extends AdminOptions {
  /** Seconds to measure for: rates in the place of totals. */
  readonly rates?: number;
}

/** What passed in a second, on average. */
interface Rates {
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly bytesReadPerSecond: number;
  readonly bytesWrittenPerSecond: number;
}

type Measured = Session & { readonly rates: Rates };

const workerOf = ({ worker }: Pick<Session, 'worker'>): string => (worker < 0 ? 'main' : String(worker));

const origin = ({ connections }: Session): string =>
  [...new Set(connections.map(({ peerAddress }) => peerAddress))].join(', ');

const TOTALS = [
  { heading: 'TSIH', right: true },
  { heading: 'initiator', shortens: true },
  { heading: 'from', shortens: true },
  { heading: 'worker', right: true },
  { heading: 'in flight', right: true },
  { heading: 'read', right: true },
  { heading: 'written', right: true },
  { heading: 'errors', right: true },
  { heading: 'for' },
];

function totals(session: Session): string[] {
  const { bytesRead, bytesWritten, errors } = session.figures;
  return [
    String(session.tsih),
    session.initiatorName,
    origin(session),
    workerOf(session),
    String(session.figures.inFlight),
    formatBytes(bytesRead),
    formatBytes(bytesWritten),
    String(errors),
    formatSpan(secondsSince(session.since)),
  ];
}

/** Without what does not change: a name has more room then. */
const RATES = [
  { heading: 'TSIH', right: true },
  { heading: 'initiator', shortens: true },
  { heading: 'worker', right: true },
  { heading: 'in flight', right: true },
  { heading: 'reads/s', right: true },
  { heading: 'writes/s', right: true },
  { heading: 'read/s', right: true },
  { heading: 'written/s', right: true },
];

function rateCells({ rates, ...session }: Measured): string[] {
  return [
    String(session.tsih),
    session.initiatorName,
    workerOf(session),
    String(session.figures.inFlight),
    formatCount(Math.round(rates.readsPerSecond)),
    formatCount(Math.round(rates.writesPerSecond)),
    formatBytes(Math.round(rates.bytesReadPerSecond)),
    formatBytes(Math.round(rates.bytesWrittenPerSecond)),
  ];
}

/** A table for each target. */
export function formatSessions(sessions: readonly (Session | Measured)[]): string {
  if (sessions.length === 0) return 'no sessions';
  const targets = [...new Set(sessions.map(({ targetName }) => targetName))];
  const measured = sessions.every((session): session is Measured => 'rates' in session);
  return targets
    .map((target) => {
      const own = sessions.filter(({ targetName }) => targetName === target);
      const rows = own.map((session) => ('rates' in session ? rateCells(session) : totals(session)));
      return `${target === '' ? 'discovery' : target}\n${table(measured ? RATES : TOTALS, rows, 2)}`;
    })
    .join('');
}

const yes = (flag: boolean): string => (flag ? 'Yes' : 'No');

/** What holds for the whole session, under the names of the standard. */
function sessionKeys({ parameters }: Session): string {
  return [
    `MaxConnections=${parameters.maxConnections}`,
    `InitialR2T=${yes(parameters.initialR2T)}`,
    `ImmediateData=${yes(parameters.immediateData)}`,
    `MaxBurstLength=${parameters.maxBurstLength}`,
    `FirstBurstLength=${parameters.firstBurstLength}`,
    `MaxOutstandingR2T=${parameters.maxOutstandingR2T}`,
    `DefaultTime2Wait=${parameters.defaultTime2Wait}`,
    `DefaultTime2Retain=${parameters.defaultTime2Retain}`,
    `DataPDUInOrder=${yes(parameters.dataPDUInOrder)}`,
    `DataSequenceInOrder=${yes(parameters.dataSequenceInOrder)}`,
    `ErrorRecoveryLevel=${parameters.errorRecoveryLevel}`,
    `TaskReporting=${parameters.taskReporting}`,
    `iSCSIProtocolLevel=${parameters.iSCSIProtocolLevel}`,
  ].join(' ');
}

/** A connection, and what it has of its own. */
function connectionFacts(connection: Session['connections'][number]): (readonly [string, string])[] {
  const { cid, peerAddress, localAddress, since, parameters } = connection;
  const { maxRecvDataSegmentLength: ours, maxXmitDataSegmentLength: theirs } = parameters;
  return [
    [`connection ${cid}`, `${peerAddress} to ${localAddress}, since ${formatMoment(since)}`],
    ['', `HeaderDigest=${parameters.headerDigest} DataDigest=${parameters.dataDigest}`],
    ['', `MaxRecvDataSegmentLength=${ours}, of the initiator: ${theirs}`],
  ];
}

/** All about one session. */
export function formatSession(session: Session): string {
  const { figures, connections } = session;
  const heading = session.targetName === '' ? 'discovery session' : `session with ${session.targetName}`;
  return [
    `TSIH ${session.tsih}: ${heading}, portal group ${session.portalGroupTag}\n`,
    facts([
      ['initiator', session.initiatorName],
      ['alias', session.initiatorAlias],
      ['ISID', session.isid],
      ['since', `${formatMoment(session.since)}, for ${formatSpan(secondsSince(session.since))}`],
      ['worker', session.worker < 0 ? 'none, main serves it' : String(session.worker)],
      ['in flight', String(figures.inFlight)],
      ['read', `${formatBytes(figures.bytesRead)} with ${formatCount(figures.reads)} commands`],
      ['written', `${formatBytes(figures.bytesWritten)} with ${formatCount(figures.writes)} commands`],
      ['others', `${formatCount(figures.others)} commands`],
      ['errors', `${formatCount(figures.errors)} commands ended with another status than GOOD`],
      ['negotiated', sessionKeys(session)],
      ...connections.flatMap(connectionFacts),
    ]),
  ].join('');
}

/** Two looks at the sessions, and what passed between them; those that were there both times. */
async function measure(
  admin: AdminClient,
  query: Record<string, string | undefined>,
  seconds: number,
): Promise<Measured[]> {
  const look = async () => ({ at: performance.now(), sessions: await admin.get<SessionReport[]>('/sessions', query) });
  const before = await look();
  await sleep(seconds * 1000);
  const after = await look();
  const elapsed = (after.at - before.at) / 1000;
  const earlier = new Map(before.sessions.map((session) => [session.tsih, session]));
  return after.sessions.flatMap((session) => {
    const first = earlier.get(session.tsih);
    if (first === undefined || first.since !== session.since) return [];
    const rate = (figure: 'reads' | 'writes' | 'bytesRead' | 'bytesWritten'): number =>
      (session.figures[figure] - first.figures[figure]) / elapsed;
    const rates = {
      readsPerSecond: rate('reads'),
      writesPerSecond: rate('writes'),
      bytesReadPerSecond: rate('bytesRead'),
      bytesWrittenPerSecond: rate('bytesWritten'),
    };
    return [{ ...session, rates }];
  });
}

/** Runs `session list`: of one target, or of all. */
export function listSessions(
  target: string | undefined,
  options: ListSessionsOptions,
  world: World,
): Promise<ExitCode> {
  return administer(options, world, async (admin): Promise<Told> => {
    const { rates } = options;
    const data =
      rates === undefined
        ? await admin.get<SessionReport[]>('/sessions', { target })
        : await measure(admin, { target }, rates);
    // A name that is mistyped has no sessions either: then the target says that there is none.
    if (target !== undefined && data.length === 0) await admin.get(path`/targets/${target}`);
    return { data, text: formatSessions(data) };
  });
}

/** Runs `session show`. */
export function showSession(tsih: number, options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const data = await admin.get<SessionReport>(path`/sessions/${tsih}`);
    return { data, text: formatSession(data) };
  });
}

/** Runs `session end`. */
export function endSession(tsih: number, options: AdminOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    await admin.remove(path`/sessions/${tsih}`);
    const hint = 'its initiator may log in again: take the target offline, or change who is let in, to keep it out';
    return { data: { tsih, ended: true }, text: paragraph(`ended session ${tsih}; ${hint}`) };
  });
}
