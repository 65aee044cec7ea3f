// What a reservation forbids to others, by the tables of SPC-4 (commands allowed in the presence of persistent reservations), SBC-3 and
// SPC-2 (annex B, for RESERVE).

import { describe, expect, it } from 'vitest';
import {
  type NexusName,
  NO_RESERVATIONS,
  type ReservationSnapshot,
  ReservationType,
} from '../../src/ring/reservations.ts';
import type { Nexus } from '../../src/scsi/nexus.ts';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const HOLDER: NexusName = {
  initiatorName: 'iqn.2026-11.io.lunaring:holder',
  isid: '00023d000009',
  portalGroupTag: 1,
};

function held(type: ReservationType): ReservationSnapshot {
  const registrations = [{ nexus: HOLDER, key: '0000000000000001', allTargetPorts: false }];
  return { ...NO_RESERVATIONS, type, holder: 0, registrations };
}

const RESERVE_6: ReservationSnapshot = { ...NO_RESERVATIONS, reservedBy: HOLDER };
const WRITE_EXCLUSIVE = held(ReservationType.WRITE_EXCLUSIVE);
const EXCLUSIVE_ACCESS = held(ReservationType.EXCLUSIVE_ACCESS);

/** Whether others may under RESERVE, WRITE EXCLUSIVE and EXCLUSIVE ACCESS. */
const COMMANDS = [
  { name: 'TEST UNIT READY', cdb: '00 00000000 00', allowed: [false, true, true] },
  { name: 'REQUEST SENSE', cdb: '03 00 0000 ff 00', allowed: [true, true, true] },
  { name: 'INQUIRY', cdb: '12 00 00 00ff 00', allowed: [true, true, true] },
  { name: 'REPORT LUNS', cdb: 'a0 00 00 000000 000000ff 00 00', allowed: [true, true, true] },
  { name: 'LOG SENSE', cdb: '4d 00 40 00 00 0000 00ff 00', allowed: [true, true, true] },
  { name: 'READ CAPACITY(10)', cdb: '25 00 00000000 0000 00 00', allowed: [true, true, true] },
  { name: 'READ CAPACITY(16)', cdb: '9e 10 0000000000000000 000000ff 00 00', allowed: [false, true, true] },
  { name: 'REPORT TARGET PORT GROUPS', cdb: 'a3 0a 00000000 000000ff 00 00', allowed: [false, true, true] },
  { name: 'REPORT TIMESTAMP', cdb: 'a3 0f 00000000 000000ff 00 00', allowed: [false, true, true] },
  {
    name: 'REPORT SUPPORTED OPERATION CODES',
    cdb: 'a3 0c 00 00 0000 000000ff 00 00',
    allowed: [false, true, false],
  },
  { name: 'START STOP UNIT, START', cdb: '1b 00 00 00 01 00', allowed: [true, true, true] },
  { name: 'START STOP UNIT, START and a power condition', cdb: '1b 00 00 00 11 00', allowed: [false, false, false] },
  { name: 'START STOP UNIT without START', cdb: '1b 00 00 00 00 00', allowed: [false, false, false] },
  { name: 'PREVENT ALLOW MEDIUM REMOVAL, allow', cdb: '1e 00 00 00 00 00', allowed: [true, true, true] },
  { name: 'PREVENT ALLOW MEDIUM REMOVAL, prevent', cdb: '1e 00 00 00 01 00', allowed: [false, false, false] },
  { name: 'PERSISTENT RESERVE IN', cdb: '5e 00 0000000000 00ff 00', allowed: [false, true, true] },
  { name: 'MODE SENSE(6)', cdb: '1a 00 3f 00 ff 00', allowed: [false, true, false] },
  { name: 'READ(10)', cdb: '28 00 00000000 00 0001 00', allowed: [false, true, false] },
  { name: 'VERIFY(10)', cdb: '2f 00 00000000 00 0001 00', allowed: [false, true, false] },
  { name: 'SYNCHRONIZE CACHE(10)', cdb: '35 00 00000000 00 0001 00', allowed: [false, false, false] },
  { name: 'RELEASE(6)', cdb: '17 00 000000 00', allowed: [true, true, true] },
] as const;

describe.each([
  { name: 'RESERVE(6)', reservations: RESERVE_6, column: 0 },
  { name: 'WRITE EXCLUSIVE', reservations: WRITE_EXCLUSIVE, column: 1 },
  { name: 'EXCLUSIVE ACCESS', reservations: EXCLUSIVE_ACCESS, column: 2 },
] as const)('$name of another', ({ reservations, column }) => {
  it.each(COMMANDS.map(({ name, cdb, allowed }) => ({ name, cdb, allowed: allowed[column] })))(
    'and $name: $allowed',
    ({ cdb, allowed }) => {
      const bench = new ScsiBench({ removable: true });
      bench.unit.reserve(reservations);
      expect(bench.run(cdb).status).toBe(allowed ? Status.GOOD : Status.RESERVATION_CONFLICT);
    },
  );
});

describe('a registration without an ISID', () => {
  const READ = '28 00 00000000 00 0001 00';
  const WRITE = '2a 00 00000000 00 0001 00';

  it.each([
    ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
    ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY,
    ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS,
    ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
  ])('lets every session of its initiator write and read, and nobody else write, under type %i', (type) => {
    const bench = new ScsiBench();
    const { initiatorName } = bench.nexus.name;
    const stranger = bench.addNexus(2);
    const registrations = [
      { nexus: HOLDER, key: '0000000000000001', allTargetPorts: false },
      { nexus: { initiatorName, isid: '', portalGroupTag: 1 }, key: '0000000000000002', allTargetPorts: false },
    ];
    bench.unit.reserve({ ...NO_RESERVATIONS, type, holder: 0, registrations });
    const write = (nexus: Nexus) => bench.run(WRITE, { data: Buffer.alloc(512), nexus }).status;
    expect([write(bench.nexus), write(stranger)]).toEqual([Status.GOOD, Status.RESERVATION_CONFLICT]);
    expect(bench.run(READ, { expected: 512 }).status).toBe(Status.GOOD);
  });

  it('holds for its target port alone', () => {
    const bench = new ScsiBench({ portalGroups: [1, 2] });
    const { initiatorName } = bench.nexus.name;
    const registrations = [
      { nexus: { initiatorName, isid: '', portalGroupTag: 2 }, key: '0000000000000002', allTargetPorts: false },
    ];
    bench.unit.reserve({ ...NO_RESERVATIONS, type: ReservationType.WRITE_EXCLUSIVE, holder: 0, registrations });
    expect(bench.run(WRITE, { data: Buffer.alloc(512) }).status).toBe(Status.RESERVATION_CONFLICT);
  });
});
