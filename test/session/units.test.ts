import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import {
  type NexusName,
  NO_RESERVATIONS,
  type ReservationNews,
  type ReservationSnapshot,
  ReservationType,
} from '../../src/ring/reservations.ts';
import { FRESH_STATE } from '../../src/ring/unit-state.ts';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { inquiry, read16, reportLuns, testUnitReady, write16 } from '../support/cdbs.ts';
import { copyOfStart, extendedCopy } from '../support/copy-lists.ts';
import { decode } from '../support/header-values.ts';
import { BLOCK_BYTES, naaOf, SessionBench, SimLun, TARGET_NAME } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

/** Bytes before the ASC in a SCSI Response's data: the sense length, and fixed format sense data up to byte 12. */
const ASC_AT = 2 + 12;

/** What the responses that came have to say: additional sense, 0 for none. */
function told(one: SimInitiator): number[] {
  return one.replies().map(({ opcode, data }) => {
    expect(opcode).toBe(Opcode.SCSI_RESPONSE);
    return data.length === 0 ? 0 : data.readUInt16BE(ASC_AT);
  });
}

/** What TEST UNIT READY has to say. */
function attention(bench: SessionBench, one: SimInitiator, lun: number = SimLun.MEMORY): number {
  one.command(testUnitReady(), { lun });
  bench.settle();
  return told(one)[0]!;
}

describe('a unit of which main tells anew', () => {
  it.each([
    { change: { blockCount: 9000 }, told: AdditionalSense.CAPACITY_DATA_HAS_CHANGED },
    { change: { blockCount: 8192 }, told: 0 },
    { change: { portalGroups: [1, 2] }, told: 0 },
    { change: { readOnly: true }, told: 0 },
  ])('with $change: every nexus hears $told, once', ({ change, told }) => {
    const bench = new SessionBench();
    const initiators = [bench.logIn(), bench.logIn()];
    bench.changeUnit(SimLun.MEMORY, change);
    for (const one of initiators) {
      expect(attention(bench, one, SimLun.NULL)).toBe(0);
      expect(attention(bench, one)).toBe(told);
      expect(attention(bench, one)).toBe(0);
    }
  });
});

/** The I_T nexus of an initiator of the bench. */
const nexusOf = ({ tsih }: SimInitiator): NexusName => ({
  initiatorName: `iqn.2026-11.io.lunaring:sim-initiator${tsih}`,
  isid: '80000000000a',
  portalGroupTag: 1,
});

/** Main's request in the tests of this file. */
const REQUEST = 7;

/** Whether main has heard that the request is carried out. */
const isDone = ({ messages }: SessionBench): boolean =>
  messages.some((message) => message.type === 'done' && message.request === REQUEST);

/** Blocks that are copied, with three writes. */
const COPIED = 1536;

/** Sends a copy from MEMORY to FILE to the unit with that LUN; the disk has the first write, and does not answer. */
function beginCopy(bench: SessionBench, one: SimInitiator, lun: number): void {
  bench.memory.fill(0xaa);
  bench.file.stuck = true;
  const data = copyOfStart(naaOf(SimLun.MEMORY), naaOf(SimLun.FILE), COPIED);
  one.command(extendedCopy(data.length), { lun, write: data.length, data });
  bench.settle();
}

/** The disk answers, now and from now on. */
function letWrite(bench: SessionBench): void {
  bench.file.stuck = false;
  bench.settle();
}

const blocksWritten = ({ file }: SessionBench): number =>
  file.bytes.filter((byte) => byte === 0xaa).length / BLOCK_BYTES;

describe('reservations of a unit that have changed', () => {
  const reservation = (
    news: readonly { nexus: NexusName; news: ReservationNews }[],
    abort: readonly NexusName[],
    state = NO_RESERVATIONS,
  ): ToWorker => ({ type: 'reservation', request: REQUEST, unit: 100 + SimLun.FILE, state, news, abort });

  /** WRITE EXCLUSIVE, held by that initiator. */
  const heldBy = (holder: SimInitiator): ReservationSnapshot => ({
    ...NO_RESERVATIONS,
    type: ReservationType.WRITE_EXCLUSIVE,
    holder: 0,
    registrations: [{ nexus: nexusOf(holder), key: '0000000000000001', allTargetPorts: false }],
  });

  it.each([
    ['reservationsPreempted', AdditionalSense.RESERVATIONS_PREEMPTED],
    ['reservationsReleased', AdditionalSense.RESERVATIONS_RELEASED],
    ['registrationsPreempted', AdditionalSense.REGISTRATIONS_PREEMPTED],
  ] as const)('are news to whom they are meant for, and to nobody else: %s', (news, told) => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.tell(reservation([{ nexus: nexusOf(two), news }], []));
    expect([attention(bench, one, SimLun.FILE), attention(bench, two, SimLun.FILE)]).toEqual([0, told]);
    expect([attention(bench, two, SimLun.FILE), attention(bench, two)]).toEqual([0, 0]);
  });

  it('end the tasks of the preempted at that unit, and nobody else’s; main hears when these have ended', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    for (const each of [one, two]) each.command(read16(0, 1), { read: BLOCK_BYTES, lun: SimLun.FILE });
    two.command(testUnitReady(), { lun: SimLun.NULL });
    bench.settle();
    bench.tell(reservation([], [nexusOf(two)]));
    const done = () => bench.messages.filter((message) => message.type === 'done' && message.request === REQUEST);
    expect(done()).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(done()).toHaveLength(1);
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    expect(two.replies().map(({ opcode }) => opcode)).toEqual([Opcode.SCSI_RESPONSE]);
  });

  it('end the copies of the preempted to that unit as well; main hears when their writes have ended', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    beginCopy(bench, two, SimLun.MEMORY);
    bench.tell(reservation([], [nexusOf(two)], heldBy(one)));
    bench.settle();
    expect([isDone(bench), told(two)]).toEqual([false, []]);
    letWrite(bench);
    expect([isDone(bench), blocksWritten(bench)]).toEqual([true, COPIED / 3]);
    expect(told(two)).toEqual([AdditionalSense.THIRD_PARTY_DEVICE_FAILURE]);
  });

  it('don’t wait for the copies of others', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    beginCopy(bench, one, SimLun.MEMORY);
    bench.tell(reservation([], [nexusOf(two)], heldBy(one)));
    bench.settle();
    expect(isDone(bench)).toBe(true);
    letWrite(bench);
    expect([blocksWritten(bench), told(one)]).toEqual([COPIED, [0]]);
  });
});

describe('a unit that is removed', () => {
  const remove = (lun: number, replaced = false): ToWorker => {
    return { type: 'unitRemoved', id: 100 + lun, request: REQUEST, replaced };
  };
  const CLEARED = AdditionalSense.COMMANDS_CLEARED_BY_DEVICE_SERVER;
  const data = Buffer.alloc(BLOCK_BYTES, 0xaa);

  it('has the commands under way answered when the disk is done with them, so that nobody waits for ever', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    one.command(read16(0, 1), { read: BLOCK_BYTES });
    two.command(write16(0, 1), { write: BLOCK_BYTES, data });
    bench.settle();
    bench.tell(remove(SimLun.FILE));
    bench.settle();
    expect([isDone(bench), told(one), told(two)]).toEqual([false, [], []]);
    letWrite(bench);
    expect([isDone(bench), told(one), told(two)]).toEqual([true, [CLEARED], [CLEARED]]);
    expect(attention(bench, one, SimLun.FILE)).toBe(AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
  });

  it('has those answered that wait for each other’s turn', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    const compareAndWrite = Buffer.alloc(16);
    compareAndWrite.set([0x89, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    const pair = Buffer.alloc(2 * BLOCK_BYTES);
    for (let count = 0; count < 3; count++) one.command(compareAndWrite, { write: pair.length, data: pair });
    bench.settle();
    bench.tell(remove(SimLun.FILE));
    letWrite(bench);
    expect([isDone(bench), told(one)]).toEqual([true, [CLEARED, CLEARED, CLEARED]]);
  });

  it('has those answered that wait for its limit, each of them', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.changeUnit(SimLun.FILE, { meter: bench.meters.open({ iops: 1, bandwidth: 0, burstMs: 10 }) });
    for (let count = 0; count < 4; count++) one.command(write16(0, 1), { write: BLOCK_BYTES, data });
    bench.settle();
    bench.tell(remove(SimLun.FILE));
    bench.settle();
    expect([isDone(bench), told(one)]).toEqual([true, [0, CLEARED, CLEARED, CLEARED]]);
  });

  it('does not wait for data that initiators owe: it is dropped when it comes, and the command answered behind it', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const before = bench.engine.slab.bytesInUse;
    const tag = one.command(write16(0, 1), { write: BLOCK_BYTES });
    bench.settle();
    const [asked] = one.replies();
    const { targetTransferTag } = decode(R2T, asked!.header);
    bench.tell(remove(SimLun.FILE));
    bench.settle();
    expect([isDone(bench), told(one)]).toEqual([true, []]);
    one.dataOut(tag, data, { targetTransferTag, flags: FINAL_BIT });
    bench.settle();
    expect([told(one), blocksWritten(bench)]).toEqual([[CLEARED], 0]);
    expect(bench.engine.slab.bytesInUse).toBe(before);
  });

  it('leaves nothing behind that outlasts a reset of the unit in its place', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const tag = one.command(write16(0, 1), { write: BLOCK_BYTES });
    bench.settle();
    const { targetTransferTag } = decode(R2T, one.replies()[0]!.header);
    bench.tell(remove(SimLun.FILE));
    bench.changeUnit(SimLun.FILE, {});
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns: [[SimLun.FILE, 100 + SimLun.FILE]], request: REQUEST });
    one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.TASK_MANAGEMENT_RESPONSE]);
    one.dataOut(tag, data, { targetTransferTag, flags: FINAL_BIT });
    bench.settle();
    expect([one.replies(), blocksWritten(bench)]).toEqual([[], 0]);
  });

  it('is not found by a command that came before its turn', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const cmdSN = one.numbers.cmdSN + 1;
    one.command(write16(0, 1), { write: BLOCK_BYTES, data, values: { cmdSN } });
    bench.tell(remove(SimLun.FILE));
    bench.settle();
    expect([isDone(bench), told(one)]).toEqual([true, []]);
    one.command(testUnitReady(), { lun: SimLun.NULL });
    bench.settle();
    expect(told(one)).toEqual([AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED, 0]);
    expect(blocksWritten(bench)).toBe(0);
  });

  it('is busy until another has come under its number, for sessions that are there and those that come', () => {
    const bench = new SessionBench();
    const [one, early] = [bench.logIn(), bench.logIn()];
    const statuses = (initiator: SimInitiator, ...cdbs: readonly Buffer[]) => {
      for (const cdb of cdbs) initiator.command(cdb, { lun: SimLun.FILE, read: 64 });
      bench.settle();
      return initiator.replies().map(({ header, opcode }) => {
        return opcode === Opcode.SCSI_RESPONSE ? decode(ScsiResponse, header).status : Status.GOOD;
      });
    };
    const cmdSN = early.numbers.cmdSN + 1;
    early.command(write16(0, 1), { write: BLOCK_BYTES, data, values: { cmdSN } });
    bench.tell(remove(SimLun.FILE, true));
    expect(statuses(early, testUnitReady())).toEqual([Status.BUSY, Status.BUSY]);
    expect(statuses(one, testUnitReady(), inquiry(64))).toEqual([Status.BUSY, Status.BUSY]);
    const luns = (file: number) =>
      Object.values(SimLun).map((lun) => [lun, lun === SimLun.FILE ? file : 100 + lun] as const);
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns: luns(NONE), request: REQUEST });
    const two = bench.logIn({ luns: luns(NONE) });
    for (const each of [one, two])
      expect(statuses(each, testUnitReady(), inquiry(64), reportLuns(64))).toEqual([
        Status.BUSY,
        Status.BUSY,
        Status.GOOD,
      ]);
    bench.changeUnit(SimLun.FILE, {});
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns: luns(100 + SimLun.FILE), request: REQUEST });
    for (const each of [one, two]) {
      expect(attention(bench, each, SimLun.FILE)).toBe(AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
      expect(attention(bench, each, SimLun.FILE)).toBe(0);
    }
    expect(blocksWritten(bench)).toBe(0);
  });

  it('is done with when the write of a copy to it has ended; the copy goes no further', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    beginCopy(bench, one, SimLun.MEMORY);
    bench.tell(remove(SimLun.FILE));
    bench.settle();
    expect([isDone(bench), told(one)]).toEqual([false, []]);
    letWrite(bench);
    expect([isDone(bench), blocksWritten(bench)]).toEqual([true, COPIED / 3]);
    expect(told(one)).toEqual([AdditionalSense.THIRD_PARTY_DEVICE_FAILURE]);
  });

  it('is not read by a copy any more', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    beginCopy(bench, one, SimLun.FILE);
    bench.tell(remove(SimLun.MEMORY));
    bench.settle();
    expect(isDone(bench)).toBe(true);
    letWrite(bench);
    expect(blocksWritten(bench)).toBe(COPIED / 3);
    expect(told(one)).toEqual([AdditionalSense.THIRD_PARTY_DEVICE_FAILURE]);
  });
});

describe('a reset of a unit', () => {
  it.each(['logicalUnit', 'clearTaskSet'] as const)(
    'waits for the write of a copy to it, which goes on: %s',
    (kind) => {
      const bench = new SessionBench();
      const one = bench.logIn();
      beginCopy(bench, one, SimLun.MEMORY);
      const reset = { kind, units: [100 + SimLun.FILE], byTsih: 99, closeConnections: false };
      bench.tell({ type: 'reset', request: REQUEST, reset });
      bench.settle();
      expect(isDone(bench)).toBe(false);
      letWrite(bench);
      expect([isDone(bench), blocksWritten(bench)]).toEqual([true, COPIED]);
      expect(told(one)).toEqual([0]);
    },
  );
});

describe('what initiators have made of a unit', () => {
  it('is news to all that see it but the one who did it', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    const { initiatorName, isid, portalGroupTag } = nexusOf(one);
    const by = [...bench.host.sessions].find(({ tsih }) => tsih === one.tsih)!.nexus.reservationKey;
    expect([by.includes(initiatorName), by.includes(isid), by.includes(`${portalGroupTag}`)]).toEqual([
      true,
      true,
      true,
    ]);
    const unit = 100 + SimLun.MEMORY;
    bench.tell({ type: 'unitState', request: 3, unit, state: FRESH_STATE, news: 'modeParametersChanged', by });
    expect([attention(bench, one), attention(bench, two)]).toEqual([0, AdditionalSense.MODE_PARAMETERS_CHANGED]);
    expect(attention(bench, two, SimLun.NULL)).toBe(0);
    expect(bench.messages).toContainEqual({ type: 'done', request: 3 });
  });
});

describe('the LUNs of a target that have changed', () => {
  it('are news to its sessions at every unit, once, and what has no LUN any more is gone', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const luns = [SimLun.FILE, SimLun.NULL].map((lun) => [lun, 100 + lun] as const);
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns, request: 5 });
    bench.tell({ type: 'lunMap', targetName: TARGET_NAME, luns, request: 6 });
    for (const lun of [SimLun.FILE, SimLun.NULL]) {
      expect(attention(bench, one, lun)).toBe(AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
      expect(attention(bench, one, lun)).toBe(0);
    }
    expect(attention(bench, one, SimLun.MEMORY)).toBe(AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
  });

  it('of another target are no news', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.tell({ type: 'lunMap', targetName: `${TARGET_NAME}2`, luns: [], request: 5 });
    expect(attention(bench, one)).toBe(0);
  });
});

describe('a session that has ended', () => {
  it('leaves no unit attention behind, which would keep READs of others from being answered at once', () => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.changeUnit(SimLun.MEMORY, { blockCount: 9000 });
    expect(attention(bench, two)).toBe(AdditionalSense.CAPACITY_DATA_HAS_CHANGED);
    const unit = bench.host.units.find(100 + SimLun.MEMORY)!;
    expect(unit.attentions.size).toBe(1);
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(unit.attentions.size).toBe(0);
  });
});
