// The record that takes a connection to its worker: all that login found out, and what the worker can't know by itself.
// When it is sent, and what comes of it, is handoff.ts's.

import type { TuningSettings } from '../config/settings.ts';
import { type AdvertisedPortal, sendTargetsText } from '../login/discovery.ts';
import type { Handoff } from '../ring/messages.ts';
import type { CatalogTarget } from './catalog.ts';
import type { Candidate } from './handoff.ts';
import type { SessionEntry } from './sessions.ts';

/** The window of the final response: the worker puts the real one in its place. */
const FIRST_WINDOW = 1;

/** What is known of the surroundings. */
export interface RecordContext {
  readonly target: CatalogTarget | undefined;
  readonly portals: readonly AdvertisedPortal[];
  /** The initiator's (ring/meters.ts). */
  readonly meter: number;
  /** The I_T nexus is new since the start. */
  readonly afterPowerOn: boolean;
  readonly tuning: Pick<TuningSettings, 'queueDepth' | 'nopIntervalMs'>;
}

/** The record of hand-off `id`. */
export function handoffRecord(
  id: number,
  entry: SessionEntry,
  { grant, fd, received }: Candidate,
  { target, portals, tuning, meter, afterPowerOn }: RecordContext,
): Handoff {
  const { identity, cid, tsih } = grant.claim;
  const { localAddress, peerAddress } = grant.endpoint;
  return {
    type: 'handoff',
    id,
    fd,
    initiatorName: identity.initiatorName,
    targetName: identity.targetName,
    isid: identity.isid,
    tsih: entry.tsih,
    cid,
    portalGroupTag: identity.portalGroupTag,
    peerAddress,
    expCmdSN: grant.expCmdSN,
    statSN: grant.statSN,
    expStatSN: grant.expStatSN,
    session: entry.parameters,
    connection: grant.connection,
    luns: target?.luns ?? [],
    afterPowerOn,
    sendTargets: sendTargetsText({ name: identity.targetName, portals }, localAddress),
    finalResponse: Buffer.from(grant.finalResponse(entry.tsih, FIRST_WINDOW)).toString('base64'),
    received: Buffer.from(received).toString('base64'),
    joins: tsih !== 0,
    queueDepth: tuning.queueDepth,
    nopIntervalMs: tuning.nopIntervalMs,
    meter,
    figures: entry.figures,
  };
}
