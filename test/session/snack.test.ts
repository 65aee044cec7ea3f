import { describe, expect, it } from 'vitest';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { ACKNOWLEDGE_BIT, DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { Reject, RejectReason } from '../../src/pdu/reject.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import { Counter } from '../../src/ring/counters.ts';
import { read16, testUnitReady, write16 } from '../support/cdbs.ts';
import { decode, type HeaderValues, lunField } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const SEGMENT = 4096;
const BURST = 16384;
/** Three sequences of four PDUs, the last of them short. */
const BLOCKS = 84;

/** A bench with data on its file unit, and an initiator at ErrorRecoveryLevel 1. */
function begin(): { bench: SessionBench; one: SimInitiator; data: Buffer } {
  const bench = new SessionBench();
  const data = noise(BLOCKS * BLOCK_BYTES, 1);
  bench.file.bytes.set(data);
  const session = { errorRecoveryLevel: 1, maxBurstLength: BURST, firstBurstLength: BURST, initialR2T: true };
  const one = bench.logIn({ session, connection: { maxXmitDataSegmentLength: SEGMENT } });
  return { bench, one, data };
}

type Snack = Partial<HeaderValues<typeof SnackRequest>>;

/** Sends a SNACK and returns what it brought. */
function snack(bench: SessionBench, one: SimInitiator, type: SnackType, values: Snack = {}): Pdu[] {
  one.send(SnackRequest, { flags: FINAL_BIT | type, initiatorTaskTag: RESERVED_TAG, ...values });
  bench.settle();
  return one.replies();
}

/** Has the initiator take segments of another length from now on. */
function declare(bench: SessionBench, one: SimInitiator, length: number): void {
  one.declareSegmentLength(length);
  bench.settle();
  one.replies();
}

/** Reads all there is; returns the tag and the PDUs. */
function read(bench: SessionBench, one: SimInitiator): { tag: number; pdus: Pdu[] } {
  const tag = one.command(read16(0, BLOCKS), { read: BLOCKS * BLOCK_BYTES });
  bench.settle();
  return { tag, pdus: one.replies() };
}

const reasons = (pdus: readonly Pdu[]) =>
  pdus.map(({ opcode, header }) => (opcode === Opcode.REJECT ? decode(Reject, header).reason : `opcode ${opcode}`));
const dataSNs = (pdus: readonly Pdu[]) => pdus.map(({ header }) => decode(DataIn, header).dataSN);

/** Without ExpCmdSN and MaxCmdSN, which are today's. */
function replicaOf({ header, data }: Pdu): Buffer {
  const copy = Buffer.from(header);
  copy.fill(0, 28, 36);
  return Buffer.concat([copy, data]);
}

describe('Data SNACK (RFC 7143 §11.16)', () => {
  it('brings the run again, in exact replicas, as often as it is asked for', () => {
    const { bench, one } = begin();
    const { tag, pdus } = read(bench, one);
    expect(pdus).toHaveLength(11);
    for (const [begRun, runLength] of [
      [0, 0],
      [0, 1],
      [3, 5],
      [7, 0],
      [10, 1],
      [3, 5],
    ] as const) {
      const again = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun, runLength });
      const wanted = pdus.slice(begRun, runLength === 0 ? undefined : begRun + runLength);
      expect(again.map(replicaOf)).toEqual(wanted.map(replicaOf));
    }
  });

  it('is counted by its type, as is what is sent again', () => {
    const { bench, one } = begin();
    const { tag } = read(bench, one);
    snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 2, runLength: 3 });
    snack(bench, one, SnackType.DATA_ACK, {});
    const { counters } = bench.host;
    expect([0, 1, 2, 3].map((type) => counters[Counter.snacks + type])).toEqual([1, 0, 1, 0]);
    expect(counters[Counter.resent]).toBe(3);
  });

  it('carries today’s ExpCmdSN and MaxCmdSN', () => {
    const { bench, one } = begin();
    const { tag } = read(bench, one);
    one.command(testUnitReady());
    bench.settle();
    const expCmdSN = decode(ScsiResponse, one.replies()[0]!.header).expCmdSN;
    const [again] = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 2, runLength: 1 });
    expect(decode(DataIn, again!.header).expCmdSN).toBe(expCmdSN);
  });

  it.each([
    { what: 'beyond what was sent', values: { begRun: 11, runLength: 1 } },
    { what: 'that ends beyond it', values: { begRun: 5, runLength: 7 } },
    { what: 'longer than numbers go', values: { begRun: 5, runLength: 0xffff_ffff } },
    { what: 'of another command', values: { initiatorTaskTag: 0x7777 } },
  ])('is a protocol error for a run $what', ({ values }) => {
    const { bench, one } = begin();
    const { tag } = read(bench, one);
    const replies = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, ...values });
    expect(reasons(replies)).toEqual([RejectReason.PROTOCOL_ERROR]);
  });

  it('of a command whose status is acknowledged is a protocol error', () => {
    const { bench, one } = begin();
    const { tag, pdus } = read(bench, one);
    const { statSN } = decode(DataIn, pdus.at(-1)!.header);
    const values = { initiatorTaskTag: tag, begRun: 0, runLength: 1, expStatSN: statSN + 1 };
    expect(reasons(snack(bench, one, SnackType.DATA_OR_R2T, values))).toEqual([RejectReason.PROTOCOL_ERROR]);
  });

  it('is nothing to a command that has sent nothing yet', () => {
    const { bench, one } = begin();
    const tag = one.command(write16(0, 8), { write: 8 * BLOCK_BYTES, unsolicited: false, values: { cmdSN: 2 } });
    bench.settle();
    expect(one.replies()).toEqual([]);
    expect(snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag })).toEqual([]);
  });

  it('for segments that are too long by now is a protocol error', () => {
    const { bench, one } = begin();
    const { tag } = read(bench, one);
    declare(bench, one, 1024);
    const replies = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 0, runLength: 1 });
    expect(reasons(replies)).toEqual([RejectReason.PROTOCOL_ERROR]);
  });
});

describe('R2T SNACK', () => {
  it('brings the R2T again while its data is owed, with today’s StatSN; after that it is a protocol error', () => {
    const { bench, one } = begin();
    const data = noise(2 * BURST, 3);
    const tag = one.command(write16(0, 64), { write: data.length });
    bench.settle();
    const [first] = one.replies();
    one.command(testUnitReady());
    bench.settle();
    const { statSN } = decode(ScsiResponse, one.replies()[0]!.header);
    const [again] = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 0, runLength: 1 });
    const r2t = decode(R2T, again!.header);
    expect(r2t).toMatchObject({
      ...decode(R2T, first!.header),
      statSN: statSN + 1,
      expCmdSN: 3,
      maxCmdSN: r2t.maxCmdSN,
    });
    one.dataOut(tag, data.subarray(0, BURST), { targetTransferTag: r2t.targetTransferTag });
    bench.settle();
    const [second] = one.replies();
    expect(decode(R2T, second!.header)).toMatchObject({ r2tSN: 1, bufferOffset: BURST });
    const late = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 0, runLength: 1 });
    expect(reasons(late)).toEqual([RejectReason.PROTOCOL_ERROR]);
    const all = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag });
    expect(all.map(({ header }) => decode(R2T, header).r2tSN)).toEqual([1]);
  });
});

describe('Status SNACK', () => {
  it('brings numbered responses again, whatever they are, until ExpStatSN acknowledges them', () => {
    const { bench, one } = begin();
    const tag = one.command(testUnitReady());
    const lost = one.command(testUnitReady(), { lun: 9 });
    bench.settle();
    const first = one.replies();
    const reject = snack(bench, one, SnackType.DATA_ACK, { targetTransferTag: 77 });
    const { pdus } = read(bench, one);
    const sent = [...first, ...reject, pdus.at(-1)!];
    expect(sent.map(({ opcode }) => opcode)).toEqual([0x21, 0x21, 0x3f, 0x25]);
    expect([tag, lost]).toEqual(first.map(({ header }) => decode(ScsiResponse, header).initiatorTaskTag));
    const statSN = decode(ScsiResponse, first[0]!.header).statSN;
    expect(snack(bench, one, SnackType.STATUS).map(replicaOf)).toEqual(sent.map(replicaOf));
    const part = snack(bench, one, SnackType.STATUS, { begRun: statSN + 1, runLength: 2 });
    expect(part.map(replicaOf)).toEqual(sent.slice(1, 3).map(replicaOf));
    const rest = snack(bench, one, SnackType.STATUS, { expStatSN: statSN + 2 });
    expect(rest.map(replicaOf)).toEqual(sent.slice(2).map(replicaOf));
    const gone = snack(bench, one, SnackType.STATUS, { begRun: statSN + 1, runLength: 1 });
    expect(reasons(gone)).toEqual([RejectReason.PROTOCOL_ERROR]);
    const never = snack(bench, one, SnackType.STATUS, { begRun: statSN + 9, runLength: 1 });
    expect(reasons(never)).toEqual([RejectReason.PROTOCOL_ERROR]);
  });

  it('with everything acknowledged has nothing to bring', () => {
    const { bench, one } = begin();
    one.command(testUnitReady());
    bench.settle();
    const { statSN } = decode(ScsiResponse, one.replies()[0]!.header);
    expect(snack(bench, one, SnackType.STATUS, { expStatSN: statSN + 1 })).toEqual([]);
  });

  it('an ExpStatSN beyond what was sent acknowledges nothing', () => {
    const { bench, one } = begin();
    one.command(testUnitReady());
    bench.settle();
    const sent = one.replies();
    expect(snack(bench, one, SnackType.STATUS, { expStatSN: 1000 }).map(replicaOf)).toEqual(sent.map(replicaOf));
  });
});

describe('Status SNACK after a new MaxRecvDataSegmentLength (§11.16.3)', () => {
  it('brings a status that rode on more data than that alone; the data come by R-Data', () => {
    const { bench, one, data } = begin();
    const { tag, pdus } = read(bench, one);
    const { statSN } = decode(DataIn, pdus.at(-1)!.header);
    declare(bench, one, 1024);
    const [status, ...others] = snack(bench, one, SnackType.STATUS, { begRun: statSN, runLength: 1 });
    expect(others).toEqual([]);
    const expected = { opcode: Opcode.SCSI_RESPONSE, initiatorTaskTag: tag, statSN, status: 0, snackTag: 0 };
    expect(decode(ScsiResponse, status!.header)).toMatchObject({ ...expected, expDataSN: pdus.length });
    const again = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 7 });
    expect(Buffer.concat(again.slice(0, -1).map((pdu) => pdu.data)).equals(data)).toBe(true);
    const tagged = { ...expected, snackTag: 7, expDataSN: again.length - 1 };
    expect(decode(ScsiResponse, again.at(-1)!.header)).toMatchObject(tagged);
    expect(snack(bench, one, SnackType.STATUS, { begRun: statSN, runLength: 1 }).map(replicaOf)).toEqual(
      again.slice(-1).map(replicaOf),
    );
  });

  it('does not bring an echo that is longer than that', () => {
    const { bench, one, data } = begin();
    one.send(NopOut, {}, { data: data.subarray(0, 1024) });
    bench.settle();
    const [echo] = one.replies();
    const { statSN } = decode(NopIn, echo!.header);
    const again = () => snack(bench, one, SnackType.STATUS, { begRun: statSN, runLength: 1 });
    expect(again().map(replicaOf)).toEqual([replicaOf(echo!)]);
    declare(bench, one, 1023);
    expect(reasons(again())).toEqual([RejectReason.PROTOCOL_ERROR]);
    declare(bench, one, 1024);
    expect(again().map(replicaOf)).toEqual([replicaOf(echo!)]);
  });

  it('lets go of all of it once it is acknowledged', () => {
    const { bench, one } = begin();
    const { left } = bench.host.sentBudget;
    const { pdus } = read(bench, one);
    const { statSN } = decode(DataIn, pdus.at(-1)!.header);
    declare(bench, one, 1024);
    snack(bench, one, SnackType.STATUS, { begRun: statSN, runLength: 1 });
    expect(bench.host.sentBudget.left).toBeLessThan(left);
    snack(bench, one, SnackType.STATUS, { expStatSN: statSN + 2 });
    expect(bench.host.sentBudget.left).toBe(left);
  });
});

describe('DataACK (§11.7.2, §11.16.2)', () => {
  it('is asked for at the end of each sequence but the last, with one tag and the LUN', () => {
    const { bench, one } = begin();
    const tag = one.command(read16(0, BLOCKS), { read: BLOCKS * BLOCK_BYTES, lun: SimLun.MEMORY });
    bench.settle();
    const headers = one.replies().map(({ header }) => decode(DataIn, header));
    const asking = headers.filter(({ flags }) => (flags & ACKNOWLEDGE_BIT) !== 0);
    expect(asking.map(({ dataSN }) => dataSN)).toEqual([3, 7]);
    for (const each of asking) {
      expect(each).toMatchObject({ initiatorTaskTag: tag, targetTransferTag: asking[0]!.targetTransferTag });
      expect([...each.lun]).toEqual([...lunField(SimLun.MEMORY)]);
      expect(each.flags & FINAL_BIT).toBe(FINAL_BIT);
    }
    expect(asking[0]!.targetTransferTag).not.toBe(RESERVED_TAG);
  });

  it('lets go of the data before ExpDataSN, and of nothing else', () => {
    const { bench, one } = begin();
    const { tag, pdus } = read(bench, one);
    const { targetTransferTag } = decode(DataIn, pdus[3]!.header);
    expect(snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, begRun: 8 })).toEqual([]);
    expect(dataSNs(snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag }))).toEqual([8, 9, 10]);
    const gone = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 7, runLength: 1 });
    expect(reasons(gone)).toEqual([RejectReason.PROTOCOL_ERROR]);
  });

  it('for a command whose status is acknowledged by the same request says nothing new', () => {
    const { bench, one } = begin();
    const { pdus } = read(bench, one);
    const { targetTransferTag } = decode(DataIn, pdus[3]!.header);
    const expStatSN = decode(DataIn, pdus.at(-1)!.header).statSN + 1;
    expect(snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, begRun: 4, expStatSN })).toEqual([]);
  });

  it('for a command that has been aborted meanwhile says nothing new', () => {
    const { bench, one } = begin();
    const blocks = 8192;
    const tag = one.command(read16(0, blocks), { read: blocks * BLOCK_BYTES });
    let pdus: Pdu[] = [];
    for (let turn = 0; pdus.length === 0 && turn < 10; turn++) {
      bench.engine.turn();
      pdus = one.replies();
    }
    bench.file.stuck = true;
    one.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag });
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    expect(one.replies().at(-1)!.opcode).toBe(Opcode.TASK_MANAGEMENT_RESPONSE);
    const { targetTransferTag } = decode(DataIn, pdus[3]!.header);
    expect(snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, begRun: 4 })).toEqual([]);
  });

  it.each([
    { what: 'an unknown tag', values: { targetTransferTag: 0xc123_4567, begRun: 4 } },
    { what: 'data that was not sent', values: { begRun: 12 } },
    { what: 'data that was acknowledged before', values: { begRun: 3 } },
    { what: 'a run', values: { begRun: 8, runLength: 1 } },
  ])('for $what is rejected as an invalid acknowledgement', ({ values }) => {
    const { bench, one } = begin();
    const { pdus } = read(bench, one);
    const { targetTransferTag } = decode(DataIn, pdus[3]!.header);
    snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, begRun: 4 });
    const replies = snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, ...values });
    expect(reasons(replies)).toEqual([RejectReason.INVALID_DATA_ACK]);
  });
});

describe('R-Data SNACK (§11.16.3)', () => {
  it.each([1024, 3000, 16384])(
    'cuts what is not acknowledged into segments of %i, the tagged status after it',
    (length) => {
      const { bench, one, data } = begin();
      const { tag, pdus } = read(bench, one);
      const last = decode(DataIn, pdus.at(-1)!.header);
      const { targetTransferTag } = decode(DataIn, pdus[3]!.header);
      snack(bench, one, SnackType.DATA_ACK, { targetTransferTag, begRun: 4 });
      declare(bench, one, length);
      const values = { initiatorTaskTag: tag, targetTransferTag: 0x5ac };
      const again = snack(bench, one, SnackType.R_DATA, values);
      const cut = again.slice(0, -1).map((pdu) => ({ ...decode(DataIn, pdu.header), data: pdu.data }));
      expect(Buffer.concat(cut.map((pdu) => pdu.data)).equals(data.subarray(BURST))).toBe(true);
      let offset = BURST;
      for (const [index, pdu] of cut.entries()) {
        expect(pdu).toMatchObject({ dataSN: 4 + index, bufferOffset: offset, initiatorTaskTag: tag });
        expect(pdu.data.length).toBeLessThanOrEqual(length);
        offset += pdu.data.length;
        expect(pdu.flags & STATUS_BIT).toBe(0);
        expect((pdu.flags & FINAL_BIT) !== 0).toBe(offset % BURST === 0 || offset === data.length);
      }
      const response = decode(ScsiResponse, again.at(-1)!.header);
      expect(response).toMatchObject({
        opcode: Opcode.SCSI_RESPONSE,
        statSN: last.statSN,
        status: 0,
        snackTag: 0x5ac,
        expDataSN: 4 + cut.length,
      });
      // A lost response comes with its latest content.
      const status = snack(bench, one, SnackType.STATUS, { begRun: last.statSN, runLength: 1 });
      expect(decode(ScsiResponse, status[0]!.header)).toMatchObject({ snackTag: 0x5ac, statSN: last.statSN });
      const rest = snack(bench, one, SnackType.DATA_OR_R2T, { initiatorTaskTag: tag, begRun: 4, runLength: 1 });
      expect(rest.map(({ data }) => data)).toEqual([cut[0]!.data]);
    },
  );

  it('cuts no longer than the largest slot, whatever the initiator takes', () => {
    const bench = new SessionBench();
    const data = noise(2 * SLOT_BYTES_MAX, 1);
    bench.file.bytes.set(data);
    const session = { errorRecoveryLevel: 1, maxBurstLength: data.length };
    const one = bench.logIn({ session, connection: { maxXmitDataSegmentLength: data.length } });
    const tag = one.command(read16(0, data.length / BLOCK_BYTES), { read: data.length });
    bench.settle();
    one.replies();
    const again = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 5 });
    expect(again.map((pdu) => pdu.data.length)).toEqual([SLOT_BYTES_MAX, SLOT_BYTES_MAX, 0]);
    expect(Buffer.concat(again.map((pdu) => pdu.data)).equals(data)).toBe(true);
  });

  it('while the command runs keeps its status off the last Data-In', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    const tag = one.command(read16(0, BLOCKS), { read: BLOCKS * BLOCK_BYTES });
    bench.settle();
    expect(one.replies()).toEqual([]);
    expect(snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 5 })).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    const pdus = one.replies();
    expect(pdus).toHaveLength(12);
    expect(decode(DataIn, pdus[10]!.header).flags & STATUS_BIT).toBe(0);
    expect(decode(ScsiResponse, pdus[11]!.header)).toMatchObject({ opcode: 0x21, snackTag: 5, expDataSN: 11 });
  });

  it('while the command runs has what follows go on behind the numbers of the new cut', () => {
    const { bench, one, data } = begin();
    const length = 2 ** 21;
    const tag = one.command(read16(0, length / BLOCK_BYTES), { read: length });
    let sent: Pdu[] = [];
    while (sent.length === 0) {
      bench.engine.turn();
      sent = one.replies();
    }
    // The rest is with the disk.
    bench.file.stuck = true;
    bench.settle();
    declare(bench, one, 1000);
    const again = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 5 });
    bench.file.stuck = false;
    bench.settle();
    // What is sent again waits for memory, and may come behind what is read by then.
    const all = [...again, ...one.replies()];
    const pdus = all.filter(({ opcode }) => opcode === Opcode.DATA_IN);
    expect(dataSNs(pdus).toSorted((before, after) => before - after)).toEqual([...pdus.keys()]);
    const [response] = all.filter(({ opcode }) => opcode === Opcode.SCSI_RESPONSE);
    expect(decode(ScsiResponse, response!.header)).toMatchObject({ snackTag: 5, expDataSN: pdus.length });
    const bytes = Buffer.alloc(length, 0xff);
    for (const pdu of pdus) bytes.set(pdu.data, decode(DataIn, pdu.header).bufferOffset);
    expect(bytes.equals(bench.file.bytes.subarray(0, length))).toBe(true);
    expect(bytes.subarray(0, data.length).equals(data)).toBe(true);
  });

  it('for a command that failed before it sent data brings its status, with the tag', () => {
    const { bench, one } = begin();
    const tag = one.command(read16(0, 8), { read: 8 * BLOCK_BYTES, lun: 9 });
    bench.settle();
    const [failed] = one.replies();
    const [again, ...others] = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 5 });
    expect(others).toEqual([]);
    const { statSN, status } = decode(ScsiResponse, failed!.header);
    const expected = { opcode: Opcode.SCSI_RESPONSE, initiatorTaskTag: tag, statSN, status, snackTag: 5, expDataSN: 0 };
    expect(decode(ScsiResponse, again!.header)).toMatchObject(expected);
    expect(again!.data).toEqual(failed!.data);
  });

  it('leaves the tag of an acknowledgement to the PDU that ends a sequence (§11.7.4)', () => {
    const { bench, one } = begin();
    declare(bench, one, BURST);
    const tag = one.command(read16(0, BLOCKS), { read: BLOCKS * BLOCK_BYTES, lun: SimLun.MEMORY });
    bench.settle();
    one.replies();
    declare(bench, one, SEGMENT);
    const again = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 5 });
    const headers = again.slice(0, -1).map(({ header }) => decode(DataIn, header));
    const asking = headers.filter(({ targetTransferTag }) => targetTransferTag !== RESERVED_TAG);
    expect(asking.map(({ dataSN }) => dataSN)).toEqual([3, 7]);
    expect(headers.filter(({ flags }) => (flags & ACKNOWLEDGE_BIT) !== 0)).toEqual(asking);
    expect(headers.filter(({ lun }) => !lun.every((byte) => byte === 0))).toEqual(asking);
  });

  it.each([
    { what: 'a reserved tag', values: { targetTransferTag: RESERVED_TAG }, reason: RejectReason.INVALID_PDU_FIELD },
    { what: 'tag 0', values: { targetTransferTag: 0 }, reason: RejectReason.INVALID_PDU_FIELD },
    { what: 'a run', values: { begRun: 1 }, reason: RejectReason.INVALID_PDU_FIELD },
    { what: 'an unknown command', values: { initiatorTaskTag: 99 }, reason: RejectReason.PROTOCOL_ERROR },
  ])('with $what is rejected', ({ values, reason }) => {
    const { bench, one } = begin();
    const { tag } = read(bench, one);
    const given = { initiatorTaskTag: tag, targetTransferTag: 7, ...values };
    expect(reasons(snack(bench, one, SnackType.R_DATA, given))).toEqual([reason]);
  });

  it('for a WRITE is a protocol error', () => {
    const { bench, one } = begin();
    const tag = one.command(write16(0, 8), { write: 8 * BLOCK_BYTES });
    bench.settle();
    one.replies();
    const replies = snack(bench, one, SnackType.R_DATA, { initiatorTaskTag: tag, targetTransferTag: 7 });
    expect(reasons(replies)).toEqual([RejectReason.PROTOCOL_ERROR]);
  });
});

it('a SNACK of no known type is rejected', () => {
  const { bench, one } = begin();
  expect(reasons(snack(bench, one, 4 as SnackType))).toEqual([RejectReason.INVALID_PDU_FIELD]);
});
