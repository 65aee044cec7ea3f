// The record of a hand-off: with everything in it as long as settings and peers can make it, it still goes through a ring.

import { expect, test } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { ISCSI_NAME_BYTES_MAX, LUNS_PER_TARGET_MAX, PORTALS_MAX } from '../../src/config/limits.ts';
import type { CatalogTarget } from '../../src/control/catalog.ts';
import type { Candidate } from '../../src/control/handoff.ts';
import { handoffRecord } from '../../src/control/handoff-record.ts';
import type { SessionEntry } from '../../src/control/sessions.ts';
import { HELD_BYTES_MAX } from '../../src/login/framer.ts';
import { LOGIN_SEGMENT_BYTES_MAX } from '../../src/login/login-header.ts';
import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { DEFAULT_CONNECTION_PARAMETERS, DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';
import { VALUE_BYTES_MAX } from '../../src/pdu/text.ts';
import { allocateChannel, Channel } from '../../src/ring/channel.ts';
import type { FromWorker, Handoff, ToWorker } from '../../src/ring/messages.ts';

const MOST = 0xffff;
const NAME = 'iqn.'.padEnd(ISCSI_NAME_BYTES_MAX, 'x');
/** An IPv6 address at its longest, with an interface. */
const ADDRESS = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%interface0123456';

test('the longest one fits', () => {
  const identity = { initiatorName: NAME, targetName: NAME, isid: 'f'.repeat(12), portalGroupTag: MOST };
  const grant = {
    claim: { identity, cid: MOST, tsih: MOST },
    endpoint: { localAddress: ADDRESS, peerAddress: ADDRESS },
    // Every byte of it takes six in JSON.
    initiatorAlias: '\x01'.repeat(VALUE_BYTES_MAX),
    expCmdSN: 2 ** 32 - 1,
    statSN: 2 ** 32 - 1,
    expStatSN: 2 ** 32 - 1,
    connection: DEFAULT_CONNECTION_PARAMETERS,
    finalResponse: () => new Uint8Array(BHS_SIZE + LOGIN_SEGMENT_BYTES_MAX),
  };
  const candidate = { grant, fd: MOST, received: new Uint8Array(HELD_BYTES_MAX) } as unknown as Candidate;
  const entry = { tsih: MOST, parameters: DEFAULT_SESSION_PARAMETERS, figures: NONE } as unknown as SessionEntry;
  const luns = Array.from({ length: LUNS_PER_TARGET_MAX }, (_, lun) => [lun, 2 ** 31 + lun] as const);
  const portals = Array.from({ length: PORTALS_MAX }, (_, index) => ({
    address: ADDRESS,
    port: MOST,
    portalGroupTag: MOST,
    advertise: `${index}.`.padEnd(253, 'x'),
  }));
  const record = handoffRecord(2 ** 31, entry, candidate, {
    target: { luns } as unknown as CatalogTarget,
    portals,
    meter: MOST,
    afterPowerOn: true,
    tuning: { queueDepth: MOST, nopIntervalMs: MOST },
  });
  const { toWorker, fromWorker } = allocateChannel();
  const main = new Channel<ToWorker, FromWorker>(toWorker, fromWorker, () => {});
  const worker = new Channel<FromWorker, Handoff>(fromWorker, toWorker, () => {});
  main.send(record);
  const heard: Handoff[] = [];
  worker.receive((message) => heard.push(message));
  expect(heard).toEqual([record]);
});
