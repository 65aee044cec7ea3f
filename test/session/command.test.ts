// Additional header segments (RFC 7143 §11.2.2): which are read, and which make a command one that can't be. And commands that are held back
// while they come in, and commands whose flags say that data go another way than their CDB does.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { Bhs } from '../../src/pdu/bhs.ts';
import { STATUS_BIT } from '../../src/pdu/data-in.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { RejectReason } from '../../src/pdu/reject.ts';
import { READ_BIT, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { OVERFLOW_BIT, ScsiResponse, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { Attribute, Status } from '../../src/scsi/task.ts';
import { inquiry, read16, synchronizeCache16, testUnitReady, write16 } from '../support/cdbs.ts';
import { decode, viewOf } from '../support/header-values.ts';
import { extendedCdb } from '../support/initiator-command.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';

/** A segment with AHSLength `length` and type `type`, filled up to whole words. */
function segment(length: number, type: number, words = Math.ceil((length + 3) / 4)): Buffer {
  const bytes = Buffer.alloc(words * 4);
  bytes.writeUInt16BE(length);
  bytes[2] = type;
  return bytes;
}

const LONG_CDB = extendedCdb(Buffer.alloc(16));
const BIDIRECTIONAL = segment(5, 2);

/** `SCSI_RESPONSE`, or the reason of the Reject, for TEST UNIT READY with these additional header segments. */
function answerTo(ahs: Buffer): { readonly opcode: number | undefined; readonly reason: number | undefined } {
  const bench = new SessionBench();
  const one = bench.logIn();
  const header = one.encodeCommand(testUnitReady());
  Bhs.totalAHSLength.set(viewOf(header), 0, ahs.length / 4);
  one.sendBytes(Buffer.concat([header, ahs]));
  bench.settle();
  const [reply] = one.replies();
  expect(one.open).toBe(true);
  return { opcode: reply?.opcode, reason: reply?.header[2] };
}

describe('additional header segments', () => {
  it.each([
    ['§11.2.2.3: the rest of a CDB', LONG_CDB],
    ['§11.2.2.4: a bidirectional read length', BIDIRECTIONAL],
    ['both, in either order', Buffer.concat([BIDIRECTIONAL, LONG_CDB])],
    ['with the reserved bits of the type set', segment(5, 0xc2)],
  ])('%s: taken', (_, ahs) => {
    expect(answerTo(ahs).opcode).toBe(Opcode.SCSI_RESPONSE);
  });

  it.each([
    ['§11.2.2.1: a reserved type', segment(5, 3)],
    ['§11.2.2.1: type 0', segment(5, 0)],
    ['no length', segment(0, 1)],
    ['§11.2.2.3: an extended CDB that extends nothing', segment(1, 1)],
    ['§11.2.2.3: a CDB longer than any', segment(30, 1)],
    ['§11.2.2.4: a bidirectional read length of another length', segment(9, 2)],
    ['longer than TotalAHSLength says', segment(17, 1, 2)],
    ['the rest of the CDB twice', Buffer.concat([LONG_CDB, LONG_CDB])],
    ['a bidirectional read length twice', Buffer.concat([BIDIRECTIONAL, BIDIRECTIONAL])],
    ['a good one and then zeroes', Buffer.concat([LONG_CDB, Buffer.alloc(4)])],
  ])('%s: rejected', (_, ahs) => {
    expect(answerTo(ahs)).toEqual({ opcode: Opcode.REJECT, reason: RejectReason.INVALID_PDU_FIELD });
  });

  it('any bytes: answered one way or the other', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 32 }), (words) => {
        expect([Opcode.SCSI_RESPONSE, Opcode.REJECT]).toContain(answerTo(Buffer.concat(words)).opcode);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a command whose own PDU is still coming in when what held it back ends', () => {
  it.each([
    ['that moves nothing', testUnitReady(), {}],
    ['that answers with data', inquiry(36), { values: { flags: FINAL_BIT | READ_BIT | WRITE_BIT } }],
  ])('%s runs once it is in, and once', (_, cdb, options) => {
    const bench = new SessionBench();
    const [one, two] = [bench.logIn(), bench.logIn()];
    bench.file.stuck = true;
    two.command(synchronizeCache16(), { values: { flags: FINAL_BIT | Attribute.ORDERED } });
    bench.settle();
    // Data with a command that takes none pass by.
    const bytes = one.encodeCommand(cdb, { write: 512, data: Buffer.alloc(512), ...options });
    one.sendBytes(bytes.subarray(0, 200));
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.sendBytes(bytes.subarray(200));
    bench.settle();
    expect(one.replies()).toHaveLength(1);
    expect(two.replies()).toHaveLength(1);
  });
});

describe('a command whose initiator expects data to go another way than its CDB says (RFC 7143 §11.3.1)', () => {
  const CONTENT = noise(BLOCK_BYTES, 7);
  /** VERIFY(10) of one block, with the data to compare with (BYTCHK is 1). */
  const verify = Buffer.from([0x2f, 2, 0, 0, 0, 0, 0, 0, 1, 0]);

  /** The only answer to a command with these flags, of which a block is expected unless told otherwise. */
  function answerTo(cdb: Buffer, flags: number, lun = 0, expectedDataTransferLength = BLOCK_BYTES) {
    const bench = new SessionBench();
    bench.file.bytes.set(CONTENT);
    bench.memory.set(CONTENT);
    const one = bench.logIn();
    one.command(cdb, { lun, values: { flags: flags | FINAL_BIT, expectedDataTransferLength } });
    bench.settle();
    const [reply, ...others] = one.replies();
    expect(others).toEqual([]);
    const { opcode, status, flags: bits, residualCount } = decode(ScsiResponse, reply!.header);
    expect(bench.file.bytes.subarray(0, BLOCK_BYTES)).toEqual(new Uint8Array(CONTENT));
    return { opcode, status, bits, residualCount, senseKey: reply!.data[4]! & 0x0f };
  }

  it.each([
    ['WRITE(16) that reads', write16(0, 1), READ_BIT],
    ['WRITE(16) that does neither', write16(0, 1), 0],
    ['VERIFY(10) that reads', verify, READ_BIT],
  ])('fails where nothing could be written or compared: a %s', (_, cdb, flags) => {
    expect(answerTo(cdb, flags)).toEqual({
      opcode: Opcode.SCSI_RESPONSE,
      status: Status.CHECK_CONDITION,
      bits: FINAL_BIT | UNDERFLOW_BIT,
      residualCount: BLOCK_BYTES,
      senseKey: SenseKey.ILLEGAL_REQUEST,
    });
  });

  it.each([
    ['READ(16) that writes', read16(0, 1), WRITE_BIT, 0],
    ['READ(16) that does neither', read16(0, 1), 0, 0],
    ['READ(16) of memory that writes', read16(0, 1), WRITE_BIT, SimLun.MEMORY],
    ['INQUIRY that does neither', inquiry(96), 0, 0],
  ])('says that none of the data came: a %s', (_, cdb, flags, lun) => {
    expect(answerTo(cdb, flags, lun)).toMatchObject({
      opcode: Opcode.SCSI_RESPONSE,
      status: Status.GOOD,
      bits: FINAL_BIT | UNDERFLOW_BIT,
      residualCount: BLOCK_BYTES,
    });
  });

  it.each([
    ['with it', BLOCK_BYTES, 0],
    ['after it', 0, BLOCK_BYTES],
    ['with it and after it', 100, BLOCK_BYTES - 100],
  ])('reads, and writes nothing, when READ(16) comes for both ways and with data %s', (_, immediate, after) => {
    const bench = new SessionBench();
    bench.file.bytes.set(CONTENT);
    const one = bench.logIn();
    const data = noise(BLOCK_BYTES, 8);
    const flags = READ_BIT | WRITE_BIT | (after === 0 ? FINAL_BIT : 0);
    bench.file.stuck = true;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES, values: { flags }, data: data.subarray(0, immediate) });
    bench.settle();
    if (after !== 0) one.dataOut(tag, data.subarray(immediate), { bufferOffset: immediate });
    bench.settle();
    expect(one.replies()).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    const [reply, ...others] = one.replies();
    expect([reply!.opcode, reply!.header[1], others]).toEqual([Opcode.DATA_IN, FINAL_BIT | STATUS_BIT, []]);
    expect(reply!.data.equals(CONTENT)).toBe(true);
    expect(CONTENT.equals(bench.file.bytes.subarray(0, BLOCK_BYTES))).toBe(true);
    expect([...bench.host.sessions][0]!.members.map(({ firstTask }) => firstTask)).toEqual([null]);
  });

  it('gives the status when the data have passed by, although READ(16) for both ways has read before', () => {
    const bench = new SessionBench();
    bench.file.bytes.set(CONTENT);
    const one = bench.logIn();
    const flags = READ_BIT | WRITE_BIT;
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES, values: { flags } });
    bench.settle();
    const [read, ...early] = one.replies();
    expect([read!.opcode, read!.header[1], early]).toEqual([Opcode.DATA_IN, FINAL_BIT, []]);
    expect(read!.data.equals(CONTENT)).toBe(true);
    one.dataOut(tag, noise(BLOCK_BYTES, 8), {});
    bench.settle();
    const [reply, ...others] = one.replies();
    const { opcode, status, flags: bits, expDataSN } = decode(ScsiResponse, reply!.header);
    expect([opcode, status, bits, expDataSN]).toEqual([Opcode.SCSI_RESPONSE, Status.GOOD, FINAL_BIT, 1]);
    expect(others).toEqual([]);
    expect([...bench.host.sessions][0]!.members.map(({ firstTask }) => firstTask)).toEqual([null]);
  });

  it('gives the status when data have passed by that were still coming in when the last of a READ(16) for both ways left', () => {
    const bench = new SessionBench();
    bench.file.stuck = true;
    const one = bench.logIn();
    const tag = one.command(read16(0, 1), { read: BLOCK_BYTES, values: { flags: READ_BIT | WRITE_BIT } });
    const passing = one.encode(DataOut, { initiatorTaskTag: tag }, { data: noise(BLOCK_BYTES, 8) });
    one.sendBytes(passing.subarray(0, 100));
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    one.sendBytes(passing.subarray(100));
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.SCSI_RESPONSE]);
    expect([...bench.host.sessions][0]!.members.map(({ firstTask }) => firstTask)).toEqual([null]);
  });

  it('says how much it would have been where no data are expected at all', () => {
    for (const cdb of [read16(0, 1), write16(0, 1)]) {
      expect(answerTo(cdb, 0, 0, 0)).toMatchObject({
        opcode: Opcode.SCSI_RESPONSE,
        status: Status.GOOD,
        bits: FINAL_BIT | OVERFLOW_BIT,
        residualCount: BLOCK_BYTES,
      });
    }
  });
});

describe('a command with data that finds no memory', () => {
  it('waits no longer than something is under way: all else is with commands that lack data, which come behind it', () => {
    const bench = new SessionBench({ slabBytes: 1024 * 1024 });
    const blocks = 512;
    const bytes = blocks * BLOCK_BYTES;
    const [owing, reader] = [bench.logIn(), bench.logIn()];
    const late = bench.logIn({
      session: { firstBurstLength: bytes },
      connection: { maxRecvDataSegmentLength: bytes },
    });
    // Two have all of the largest slots, and the third waits for one.
    for (let count = 0; count < 3; count++) owing.command(write16(count * blocks, blocks), { write: bytes });
    bench.settle();
    expect(owing.replies().map(({ opcode }) => opcode)).toEqual([Opcode.R2T, Opcode.R2T]);
    bench.file.stuck = true;
    reader.command(read16(0, 8), { read: 8 * BLOCK_BYTES });
    late.command(write16(0, blocks), { write: bytes, data: noise(bytes, 1) });
    bench.settle();
    expect([late.replies(), bench.host.stalled.size]).toEqual([[], 1]);
    bench.file.stuck = false;
    bench.settle();
    expect(reader.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    const [response] = late.replies();
    expect(decode(ScsiResponse, response!.header).status).toBe(Status.TASK_SET_FULL);
    expect(bench.host.stalled.size).toBe(0);
  });
});

describe('data that came unasked, of WRITEs that wait for the limit of their unit', () => {
  it('leave READs of other units their room', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { firstBurstLength: SLOT_BYTES_MAX, maxBurstLength: SLOT_BYTES_MAX } });
    const meter = bench.meters.open({ iops: 1, bandwidth: 0, burstMs: 10 });
    bench.changeUnit(SimLun.FILE, { meter });
    const blocks = SLOT_BYTES_MAX / BLOCK_BYTES;
    const data = noise(SLOT_BYTES_MAX, 1);
    const { bytesMax } = bench.host.processor.memory.shares;
    const writes = Math.floor(bytesMax / SLOT_BYTES_MAX) + 2;
    for (let count = 0; count < writes; count++) one.command(write16(0, blocks), { write: SLOT_BYTES_MAX, data });
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.SCSI_RESPONSE]);
    expect(bench.engine.slab.bytesInUse).toBeGreaterThan(bytesMax);
    one.command(read16(0, blocks), { read: SLOT_BYTES_MAX, lun: SimLun.MEMORY });
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.DATA_IN]);
    bench.pass(1000 * writes);
    expect(one.replies()).toHaveLength(writes - 1);
    expect(bench.host.processor.memory.shares.active).toBe(0);
    bench.engine.clock += 1000;
    one.command(read16(0, blocks), { read: SLOT_BYTES_MAX });
    bench.settle();
    expect(data.equals(one.replies()[0]!.data)).toBe(true);
  });
});
