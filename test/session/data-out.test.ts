import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MIB, SLAB_MIB_MAX } from '../../src/config/limits.ts';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { RejectReason } from '../../src/pdu/reject.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { OVERFLOW_BIT, ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { OperationCode } from '../../src/scsi/cdb.ts';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { R2T_PIECE_BITS } from '../../src/session/transfer-tags.ts';
import { testUnitReady, write16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

/** Status and sense of a response: `[status, key, additional]`. */
function ending(pdu: Pdu | undefined): readonly (number | undefined)[] {
  if (pdu === undefined || pdu.opcode !== Opcode.SCSI_RESPONSE) return [undefined];
  const { status } = decode(ScsiResponse, pdu.header);
  return status === Status.CHECK_CONDITION ? [status, pdu.data[4]! & 0x0f, pdu.data.readUInt16BE(14)] : [status];
}

const BROKEN = [Status.CHECK_CONDITION, SenseKey.ABORTED_COMMAND];

/** The R2Ts among what came. */
const r2ts = (initiator: SimInitiator) =>
  initiator
    .replies()
    .filter(({ opcode }) => opcode === Opcode.R2T)
    .map(({ header }) => decode(R2T, header));

describe('R2T (RFC 7143 §11.8)', () => {
  it('asks for all that did not come unasked, once and in order, MaxOutstandingR2T at a time', () => {
    const given = fc
      .record({
        immediate: fc.integer({ min: 0, max: 9000 }),
        unsolicited: fc.integer({ min: 0, max: 9000 }),
        firstBurstLength: fc.integer({ min: 512, max: 20_000 }),
        maxBurstLength: fc.oneof(fc.integer({ min: 512, max: 40_000 }), fc.constant(MIB)),
        maxOutstandingR2T: fc.integer({ min: 1, max: 4 }),
        segment: fc.integer({ min: 512, max: 70_000 }),
        blocks: fc.integer({ min: 1, max: 1500 }),
      })
      .map((each) => ({ ...each, firstBurstLength: Math.min(each.firstBurstLength, each.maxBurstLength) }));
    fc.assert(
      fc.property(given, ({ segment, blocks, ...keys }) => {
        const { maxOutstandingR2T, firstBurstLength, maxBurstLength } = keys;
        const bench = new SessionBench();
        const one = bench.logIn({ session: keys, connection: { maxRecvDataSegmentLength: segment } });
        const length = blocks * BLOCK_BYTES;
        const data = noise(length, blocks);
        const immediate = Math.min(keys.immediate, segment, firstBurstLength, length);
        const burst = Math.min(firstBurstLength, length, immediate + keys.unsolicited);
        const tag = one.command(write16(0, blocks), {
          write: length,
          data: data.subarray(0, immediate),
          unsolicited: burst > immediate,
        });
        const send = (start: number, end: number, targetTransferTag?: number): void => {
          let dataSN = 0;
          for (let offset = start; offset < end; offset += segment) {
            const part = data.subarray(offset, Math.min(end, offset + segment));
            const flags = offset + part.length === end ? FINAL_BIT : 0;
            const answers = targetTransferTag === undefined ? {} : { targetTransferTag };
            one.dataOut(tag, part, { flags, dataSN: dataSN++, bufferOffset: offset, ...answers });
          }
        };
        send(immediate, burst);
        bench.settle();
        let [asked, r2tSN] = [burst, 0];
        const open: { start: number; end: number; tag: number }[] = [];
        for (;;) {
          const replies = one.replies();
          for (const { opcode, header } of replies) {
            if (opcode !== Opcode.R2T) continue;
            const r2t = decode(R2T, header);
            expect([r2t.r2tSN, r2t.bufferOffset]).toEqual([r2tSN++, asked]);
            expect(r2t.desiredDataTransferLength).toBeLessThanOrEqual(maxBurstLength);
            asked += r2t.desiredDataTransferLength;
            open.push({ start: r2t.bufferOffset, end: asked, tag: r2t.targetTransferTag });
            expect(open.length).toBeLessThanOrEqual(maxOutstandingR2T);
            expect(new Set(open.map((each) => each.tag)).size).toBe(open.length);
          }
          const next = open.shift();
          if (next === undefined) {
            expect(ending(replies.at(-1))).toEqual([Status.GOOD]);
            break;
          }
          send(next.start, next.end, next.tag);
          bench.settle();
        }
        expect(asked).toBe(length);
        expect(data.equals(bench.file.bytes.subarray(0, length))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('has several outstanding only where there is that much to ask for', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, maxOutstandingR2T: 3, maxBurstLength: MIB } });
    one.command(write16(0, 128), { write: 65536 });
    one.command(write16(0, 2048), { write: MIB });
    bench.settle();
    const asked = r2ts(one);
    expect(asked.filter(({ initiatorTaskTag }) => initiatorTaskTag === 1)).toHaveLength(1);
    expect(asked.filter(({ initiatorTaskTag }) => initiatorTaskTag === 2)).toHaveLength(3);
  });

  it('is answered by data that find their command, however much memory the worker has', () => {
    const bench = new SessionBench({ slabBytes: SLAB_MIB_MAX * MIB });
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    const tag = one.command(write16(0, 4), { write: 2048 });
    bench.settle();
    const { targetTransferTag } = r2ts(one)[0]!;
    const data = noise(2048);
    one.dataOut(tag, data, { targetTransferTag });
    bench.settle();
    expect(ending(one.replies()[0])).toEqual([Status.GOOD]);
    expect(Buffer.from(bench.file.bytes.subarray(0, 2048)).equals(data)).toBe(true);
  });

  it('goes to those who wait as memory comes back, though one asks for all and sends nothing', () => {
    const bench = new SessionBench();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ session: { initialR2T: true, maxOutstandingR2T: 4 } });
    for (let count = 0; count < 16; count++) one.command(write16(0, 2048), { write: MIB });
    bench.settle();
    const two = bench.logIn({ session: { initialR2T: true } });
    for (let count = 0; count < 16; count++) two.command(write16(count * 512, 512), { write: 262144 });
    bench.settle();
    const data = noise(262144, 4);
    let answered = 0;
    for (let round = 0; round < 40; round++) {
      for (const { opcode, header } of two.replies()) {
        if (opcode === Opcode.SCSI_RESPONSE) answered++;
        else two.dataOut(header.readUInt32BE(16), data, { targetTransferTag: header.readUInt32BE(20) });
      }
      bench.settle();
    }
    expect(answered).toBe(16);
    for (const { socket } of [one, two]) bench.engine.hangUp(socket);
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });

  it('are not counted by the ExpDataSN of the response (§11.4.8)', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, maxBurstLength: BLOCK_BYTES } });
    const tag = one.command(write16(0, 2), { write: 2 * BLOCK_BYTES });
    for (let burst = 0; burst < 2; burst++) {
      bench.settle();
      const [{ targetTransferTag, bufferOffset }] = r2ts(one) as [ReturnType<typeof r2ts>[0]];
      one.dataOut(tag, noise(BLOCK_BYTES, 1), { targetTransferTag, bufferOffset });
    }
    bench.settle();
    const [response] = one.replies();
    const good = { opcode: Opcode.SCSI_RESPONSE, status: Status.GOOD };
    expect(decode(ScsiResponse, response!.header)).toMatchObject({ ...good, expDataSN: 0 });
  });
});

describe('Data-Out that is not what it should be (RFC 7143 §7.9)', () => {
  /** Four blocks are asked for in one burst. */
  function asked(): { bench: SessionBench; one: SimInitiator; tag: number; targetTransferTag: number } {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    const tag = one.command(write16(0, 4), { write: 2048 });
    bench.settle();
    const [r2t] = r2ts(one);
    return { bench, one, tag, targetTransferTag: r2t!.targetTransferTag };
  }

  it.each([
    ['a DataSN that is not next', { dataSN: 1 }, 2048, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR],
    ['an offset that is not next', { bufferOffset: 512 }, 1536, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR],
    ['less than was asked for', {}, 1024, AdditionalSense.WRITE_ERROR_NOT_ENOUGH_UNSOLICITED_DATA],
    ['more than was asked for', {}, 2560, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA],
  ])('%s fails the command, and nothing of that PDU is written', (_what, values, length, additional) => {
    const { bench, one, tag, targetTransferTag } = asked();
    one.dataOut(tag, noise(length), { targetTransferTag, ...values });
    bench.settle();
    expect(ending(one.replies()[0])).toEqual([...BROKEN, additional]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('more than was asked for fails the command, though the memory for the rest of the data is there', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false, maxBurstLength: 1024 } });
    const tag = one.command(write16(0, 8), { write: 4096 });
    bench.settle();
    const [r2t] = r2ts(one);
    expect(r2t).toMatchObject({ bufferOffset: 0, desiredDataTransferLength: 1024 });
    one.dataOut(tag, noise(1536), { targetTransferTag: r2t!.targetTransferTag });
    bench.settle();
    const sense = [...BROKEN, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA];
    expect(one.replies().map(ending)).toEqual([sense]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    ['FirstBurstLength', 1024, 4096, 1536],
    ['what the command is to move', 8192, 1024, 1536],
  ])('immediate data beyond %s fail the command, and nothing is written', (_what, firstBurstLength, write, length) => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { firstBurstLength } });
    one.command(write16(0, write / BLOCK_BYTES), { write, data: noise(length) });
    bench.settle();
    const sense = [...BROKEN, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA];
    expect(one.replies().map(ending)).toEqual([sense]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('§11.4.5: a WRITE of fewer bytes than its blocks have writes the blocks that are whole', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const data = noise(1300, 3);
    one.command(write16(0, 4), { write: 1300, data });
    bench.settle();
    const [response] = one.replies();
    const { status, flags, residualCount } = decode(ScsiResponse, response!.header);
    expect([status, flags & OVERFLOW_BIT, residualCount]).toEqual([Status.GOOD, OVERFLOW_BIT, 2048 - 1300]);
    expect(data.subarray(0, 1024).equals(bench.file.bytes.subarray(0, 1024))).toBe(true);
    expect(bench.file.bytes.subarray(1024).every((byte) => byte === 0)).toBe(true);
  });

  it('§11.4.2: a command that fails at once is answered when the data that it brings unasked have passed by', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const idle = bench.engine.slab.bytesInUse;
    const tag = one.command(write16(2 ** 30, 4), { write: 2048, unsolicited: true });
    bench.settle();
    one.dataOut(tag, noise(1024), { flags: 0 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.dataOut(tag, noise(1024), { dataSN: 1, bufferOffset: 1024 });
    bench.settle();
    const sense = [
      Status.CHECK_CONDITION,
      SenseKey.ILLEGAL_REQUEST,
      AdditionalSense.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE,
    ];
    expect(one.replies().map(ending)).toEqual([sense]);
    expect([one.maxCmdSN - one.expCmdSN, bench.engine.slab.bytesInUse]).toEqual([15, idle]);
  });

  it('fails the command only once the last PDU of the burst has come', () => {
    const { bench, one, tag, targetTransferTag } = asked();
    one.dataOut(tag, noise(512), { targetTransferTag, dataSN: 5, flags: 0 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.dataOut(tag, noise(1536), { targetTransferTag, dataSN: 6, bufferOffset: 512 });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[...BROKEN, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR]]);
  });

  it('§11.4.2: waits for its end too when it is the disk that fails', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, maxOutstandingR2T: 2 } });
    const tag = one.command(write16(0, 1024), { write: 2 * 262144 });
    bench.settle();
    const [first, second] = r2ts(one);
    bench.file.errno = DISK_FAULT;
    one.dataOut(tag, noise(262144), { targetTransferTag: first!.targetTransferTag });
    bench.settle();
    expect(one.replies()).toEqual([]);
    const { bufferOffset, targetTransferTag } = second!;
    one.dataOut(tag, noise(512), { targetTransferTag, bufferOffset, flags: 0 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.dataOut(tag, noise(512), { targetTransferTag, bufferOffset: bufferOffset + 512, dataSN: 1 });
    bench.settle();
    const sense = [Status.CHECK_CONDITION, SenseKey.MEDIUM_ERROR, AdditionalSense.WRITE_ERROR];
    expect(one.replies().map(ending)).toEqual([sense]);
  });

  it('with a tag that nobody gave, or another task’s, passes by', () => {
    const { bench, one, tag, targetTransferTag } = asked();
    one.dataOut(tag, noise(2048, 2), { targetTransferTag: targetTransferTag + 2 ** R2T_PIECE_BITS });
    one.dataOut(tag + 1, noise(2048, 3), { targetTransferTag });
    one.dataOut(tag, noise(2048, 4), { targetTransferTag: 5 });
    one.dataOut(tag, noise(2048, 5), { targetTransferTag: 2 ** 31 - 1 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    const data = noise(2048, 6);
    one.dataOut(tag, data, { targetTransferTag });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, 2048))).toBe(true);
  });

  it('§4.2.5.1: over another connection than its command’s passes by', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true, immediateData: false, maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const tag = one.command(write16(0, 4), { write: 2048 });
    bench.settle();
    const [r2t] = r2ts(one);
    const { targetTransferTag } = r2t!;
    two.dataOut(tag, noise(2048, 2), { targetTransferTag });
    bench.settle();
    expect([...one.replies(), ...two.replies()]).toEqual([]);
    const data = noise(2048, 3);
    one.dataOut(tag, data, { targetTransferTag });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, 2048))).toBe(true);
  });

  it('§7.8: with a wrong data digest is rejected, and fails the command', () => {
    const bench = new SessionBench();
    const one = bench.logIn({
      session: { initialR2T: true, immediateData: false },
      connection: { dataDigest: Digest.crc32c },
    });
    const tag = one.command(write16(0, 4), { write: 2048 });
    bench.settle();
    const [r2t] = r2ts(one);
    const values = { initiatorTaskTag: tag, targetTransferTag: r2t!.targetTransferTag };
    const damaged = one.encode(DataOut, values, { data: noise(2048), wrongDataDigest: true });
    one.sendBytes(damaged);
    bench.settle();
    const [reject, response] = one.replies();
    expect([reject!.opcode, reject!.header[2]]).toEqual([Opcode.REJECT, RejectReason.DATA_DIGEST_ERROR]);
    expect(reject!.data.equals(damaged.subarray(0, 48))).toBe(true);
    expect(ending(response)).toEqual([...BROKEN, AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR]);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });
});

describe('an empty Data-Out PDU (RFC 7143 §11.7.7)', () => {
  const keys = { initialR2T: true, immediateData: false };

  it('ends a burst, and the next is asked for', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { ...keys, maxOutstandingR2T: 1 } });
    const data = noise(2 * SLOT_BYTES_MAX, 7);
    const tag = one.command(write16(0, data.length / BLOCK_BYTES), { write: data.length });
    bench.settle();
    const { targetTransferTag: first } = r2ts(one)[0]!;
    one.dataOut(tag, data.subarray(0, SLOT_BYTES_MAX), { targetTransferTag: first, flags: 0 });
    bench.settle();
    one.dataOut(tag, Buffer.alloc(0), { targetTransferTag: first, bufferOffset: SLOT_BYTES_MAX, dataSN: 1 });
    bench.settle();
    const [next] = r2ts(one);
    expect(next).toMatchObject({ bufferOffset: SLOT_BYTES_MAX, desiredDataTransferLength: SLOT_BYTES_MAX });
    const { bufferOffset, targetTransferTag } = next!;
    one.dataOut(tag, data.subarray(SLOT_BYTES_MAX), { targetTransferTag, bufferOffset });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, data.length))).toBe(true);
  });

  it.each([
    ['WRITE', OperationCode.WRITE_16],
    ['WRITE AND VERIFY', OperationCode.WRITE_AND_VERIFY_16],
  ])('ends a burst behind the next one, and %s is answered after it', (_name, opcode) => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { ...keys, maxOutstandingR2T: 2 } });
    const data = noise(2 * SLOT_BYTES_MAX, 7);
    const cdb = write16(0, data.length / BLOCK_BYTES);
    cdb[0] = opcode;
    const tag = one.command(cdb, { write: data.length });
    bench.settle();
    const [first, second] = r2ts(one).map(({ targetTransferTag }) => ({ targetTransferTag }));
    one.dataOut(tag, data.subarray(0, SLOT_BYTES_MAX), { ...first, flags: 0 });
    one.dataOut(tag, data.subarray(SLOT_BYTES_MAX), { ...second, bufferOffset: SLOT_BYTES_MAX });
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.dataOut(tag, Buffer.alloc(0), { ...first, bufferOffset: SLOT_BYTES_MAX, dataSN: 1 });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, data.length))).toBe(true);
  });

  it('ends what comes unasked, and the rest is asked for', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { firstBurstLength: 1024 } });
    const data = noise(2048, 8);
    const tag = one.command(write16(0, 4), { write: 2048, data: data.subarray(0, 1024), unsolicited: true });
    bench.settle();
    one.dataOut(tag, Buffer.alloc(0), { flags: 0, bufferOffset: 1024 });
    one.dataOut(tag, Buffer.alloc(0), { dataSN: 1, bufferOffset: 1024 });
    bench.settle();
    const [r2t] = r2ts(one);
    const { targetTransferTag } = r2t!;
    expect(r2t).toMatchObject({ bufferOffset: 1024, desiredDataTransferLength: 1024 });
    one.dataOut(tag, data.subarray(1024), { targetTransferTag, bufferOffset: 1024 });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, 2048))).toBe(true);
  });

  it('ends what comes unasked though one before it was lost, at ErrorRecoveryLevel 1', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { errorRecoveryLevel: 1 } });
    const data = noise(512, 10);
    const tag = one.command(write16(0, 1), { write: 512, unsolicited: true });
    one.dataOut(tag, data, { flags: 0 });
    one.dataOut(tag, Buffer.alloc(0), { dataSN: 2, bufferOffset: 512 });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, 512))).toBe(true);
  });

  it('in the midst of a burst changes nothing', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: keys });
    const data = noise(1024, 9);
    const tag = one.command(write16(0, 2), { write: 1024 });
    bench.settle();
    const { targetTransferTag } = r2ts(one)[0]!;
    one.dataOut(tag, Buffer.alloc(0), { targetTransferTag, flags: 0 });
    one.dataOut(tag, data.subarray(0, 512), { targetTransferTag, flags: 0, dataSN: 1 });
    one.dataOut(tag, Buffer.alloc(0), { targetTransferTag, flags: 0, dataSN: 2, bufferOffset: 512 });
    one.dataOut(tag, data.subarray(512), { targetTransferTag, dataSN: 3, bufferOffset: 512 });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(data.equals(bench.file.bytes.subarray(0, 1024))).toBe(true);
  });
});

describe('a command whose parameter list is here', () => {
  it('runs once, though an empty Data-Out PDU comes behind it while main is asked', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const list = Buffer.alloc(24);
    const register = Buffer.from([OperationCode.PERSISTENT_RESERVE_OUT, 0, 0, 0, 0, 0, 0, 0, list.length, 0]);
    const tag = one.command(register, { write: list.length, data: list, values: { flags: WRITE_BIT } });
    bench.settle();
    one.dataOut(tag, Buffer.alloc(0), { targetTransferTag: RESERVED_TAG, flags: FINAL_BIT, bufferOffset: list.length });
    bench.settle();
    const asked = bench.messages.filter((message) => message.type === 'reserve');
    expect(asked).toHaveLength(1);
    bench.tell({ type: 'reserved', request: asked[0]!.request, result: 'good' });
    bench.settle();
    expect(one.replies().map(ending)).toEqual([[Status.GOOD]]);
  });
});

describe('unsolicited data beyond what the command writes', () => {
  it('are dropped, and nothing else is touched by a PDU of them that is still coming in', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const two = bench.logIn({ session: { initialR2T: true, immediateData: false } });
    const [mine, dropped, others] = [noise(512, 1), noise(512, 2), noise(512, 3)];
    bench.file.stuck = true;
    const tag = one.command(write16(0, 1), { write: 1024, data: mine, unsolicited: true });
    bench.settle();
    const pdu = one.encode(DataOut, { initiatorTaskTag: tag, bufferOffset: 512 }, { data: dropped });
    one.sendBytes(pdu.subarray(0, 100));
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    const other = two.command(write16(16, 1), { write: 512 });
    bench.settle();
    const { targetTransferTag } = r2ts(two)[0]!;
    one.sendBytes(pdu.subarray(100));
    bench.settle();
    two.dataOut(other, others, { targetTransferTag });
    bench.settle();
    for (const each of [one, two]) expect(each.replies().map(ending)).toEqual([[Status.GOOD]]);
    expect(mine.equals(bench.file.bytes.subarray(0, 512))).toBe(true);
    expect(others.equals(bench.file.bytes.subarray(16 * 512, 17 * 512))).toBe(true);
  });
});

describe('a command that is held for its turn (RFC 7143 §4.2.2.1)', () => {
  it('and has failed already is answered in its turn, though its data have all come before', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { firstBurstLength: 4096 } });
    const idle = bench.engine.slab.bytesInUse;
    const data = noise(8192, 3);
    // The command before it is still on its way; the data are more than FirstBurstLength.
    const held = { cmdSN: one.numbers.cmdSN + 1 };
    const tag = one.command(write16(0, 16), { write: 8192, unsolicited: true, values: held });
    one.dataOut(tag, data, { flags: FINAL_BIT, dataSN: 0, bufferOffset: 0 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    one.command(testUnitReady());
    bench.settle();
    expect(one.replies().map(ending)).toEqual([
      [...BROKEN, AdditionalSense.WRITE_ERROR_UNEXPECTED_UNSOLICITED_DATA],
      [Status.GOOD],
    ]);
    expect(bench.engine.slab.bytesInUse).toBe(idle);
  });
});
