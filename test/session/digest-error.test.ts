import { describe, expect, it } from 'vitest';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { Reject, RejectReason } from '../../src/pdu/reject.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { testUnitReady, write16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const BURST = 16384;
const SEGMENT = 4096;

/** A bench, and an initiator with data digests at ErrorRecoveryLevel 1. */
function begin(session: { initialR2T?: boolean } = {}): { bench: SessionBench; one: SimInitiator } {
  const bench = new SessionBench();
  const keys = { errorRecoveryLevel: 1, maxBurstLength: BURST, firstBurstLength: BURST, ...session };
  return { bench, one: bench.logIn({ session: keys, connection: { dataDigest: Digest.crc32c } }) };
}

/** What came, in words. */
function kinds(pdus: readonly Pdu[]): string[] {
  return pdus.map(({ opcode, header }) => {
    switch (opcode) {
      case Opcode.REJECT:
        return `reject ${decode(Reject, header).reason}`;
      case Opcode.R2T: {
        const { r2tSN, bufferOffset, desiredDataTransferLength } = decode(R2T, header);
        return `R2T ${r2tSN}: ${bufferOffset}+${desiredDataTransferLength}`;
      }
      case Opcode.SCSI_RESPONSE:
        return `status ${decode(ScsiResponse, header).status}`;
      default:
        return `opcode ${opcode}`;
    }
  });
}

const DAMAGED = `reject ${RejectReason.DATA_DIGEST_ERROR}`;
const GOOD = `status ${Status.GOOD}`;

/** Sends the sequence that an R2T asks for, in segments; `spoil` damages or loses some of them, by their number. */
function answerR2T(one: SimInitiator, pdu: Pdu, data: Uint8Array, spoil: Record<number, 'damage' | 'lose'> = {}): void {
  const { bufferOffset, desiredDataTransferLength, targetTransferTag, initiatorTaskTag } = decode(R2T, pdu.header);
  const end = bufferOffset + desiredDataTransferLength;
  for (let offset = bufferOffset, dataSN = 0; offset < end; offset += SEGMENT, dataSN++) {
    if (spoil[dataSN] === 'lose') continue;
    const part = data.subarray(offset, Math.min(offset + SEGMENT, end));
    const flags = offset + part.length === end ? FINAL_BIT : 0;
    const header = { flags, dataSN, bufferOffset: offset, targetTransferTag };
    one.dataOut(initiatorTaskTag, part, header, { wrongDataDigest: spoil[dataSN] === 'damage' });
  }
}

it('damaged data of a command end the connection at ErrorRecoveryLevel 0, and that is a warning', () => {
  const bench = new SessionBench();
  const one = bench.logIn({ connection: { dataDigest: Digest.crc32c } });
  one.command(write16(0, 1), { write: BLOCK_BYTES, data: noise(BLOCK_BYTES, 1), wrongDataDigest: true });
  bench.settle();
  expect(one.open).toBe(false);
  expect(bench.warnings).toEqual(['connection closed: data digest error in a command with immediate data']);
});

describe('a command with damaged data (RFC 7143 §7.8, §7.2.1)', () => {
  const data = noise(BLOCK_BYTES, 1);
  const write = (one: SimInitiator, cmdSN: number, options: { wrongDataDigest?: boolean } = {}) =>
    one.command(write16(0, 1), { write: data.length, data, values: { cmdSN }, ...options });

  it('counts as never received: what follows waits until it has been sent again', () => {
    const { bench, one } = begin();
    write(one, 1, { wrongDataDigest: true });
    const later = one.command(testUnitReady(), { values: { cmdSN: 2 } });
    bench.settle();
    const [reject, ...more] = one.replies();
    expect(kinds([reject!])).toEqual([DAMAGED]);
    expect(more).toEqual([]);
    expect(decode(Reject, reject!.header).expCmdSN).toBe(1);
    const retried = write(one, 1);
    bench.settle();
    const replies = one.replies().map(({ header }) => decode(ScsiResponse, header));
    expect(replies.map(({ initiatorTaskTag, status }) => [initiatorTaskTag, status])).toEqual([
      [later, Status.GOOD],
      [retried, Status.GOOD],
    ]);
    expect(replies.at(-1)!.expCmdSN).toBe(3);
    expect(Buffer.from(bench.file.bytes.subarray(0, data.length)).equals(data)).toBe(true);
  });

  it('leaves nothing behind, however often it comes', () => {
    const { bench, one } = begin();
    write(one, 1, { wrongDataDigest: true });
    bench.settle();
    one.replies();
    const before = bench.engine.slab.bytesInUse;
    for (let round = 0; round < 50; round++) write(one, 1, { wrongDataDigest: true });
    bench.settle();
    expect(kinds(one.replies())).toEqual(Array<string>(50).fill(DAMAGED));
    expect(bench.engine.slab.bytesInUse).toBe(before);
    one.sendBytes(one.encodeCommand(write16(0, 1), { write: data.length, data }).subarray(0, 200));
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(one.open).toBe(false);
    expect(bench.messages.at(-1)).toMatchObject({ type: 'connectionEnded', sessionEnded: true });
    expect(bench.engine.slab.bytesInUse).toBeLessThan(before);
  });

  it('does nothing to a unit that was removed while its data came in', () => {
    const { bench, one } = begin();
    const empty = bench.engine.slab.bytesInUse;
    const bytes = one.encodeCommand(write16(0, 1), { write: data.length, data });
    one.sendBytes(bytes.subarray(0, 200));
    bench.settle();
    bench.tell({ type: 'unitRemoved', id: 100, request: 1 });
    expect(bench.messages).toContainEqual({ type: 'done', request: 1 });
    one.sendBytes(bytes.subarray(200));
    bench.settle();
    const [response] = one.replies();
    const { status, expCmdSN } = decode(ScsiResponse, response!.header);
    expect({ status, expCmdSN, senseKey: response!.data[4]! & 0xf }).toEqual({
      status: Status.CHECK_CONDITION,
      expCmdSN: 2,
      senseKey: SenseKey.ILLEGAL_REQUEST,
    });
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.engine.slab.bytesInUse).toBe(empty);
  });

  it('a second copy of one that was received is dropped without a word', () => {
    const { bench, one } = begin();
    bench.file.stuck = true;
    write(one, 1);
    bench.settle();
    write(one, 1);
    bench.settle();
    expect(one.replies()).toEqual([]);
    bench.file.stuck = false;
    bench.settle();
    expect(kinds(one.replies())).toEqual([GOOD]);
    write(one, 1);
    bench.settle();
    expect(one.replies()).toEqual([]);
  });

  it('an abort of what came before waits for it', () => {
    const { bench, one } = begin();
    write(one, 1, { wrongDataDigest: true });
    bench.settle();
    one.replies();
    const abort = one.taskManagement(TaskFunction.ABORT_TASK_SET, { cmdSN: 2 });
    bench.settle();
    expect(one.replies()).toEqual([]);
    bench.file.stuck = true;
    write(one, 1);
    bench.settle();
    bench.file.stuck = false;
    bench.settle();
    const [answer, ...more] = one.replies();
    expect(more).toEqual([]);
    expect(decode(TaskManagementResponse, answer!.header)).toMatchObject({
      initiatorTaskTag: abort,
      response: TaskFunctionResponse.FUNCTION_COMPLETE,
    });
  });

  it('§7.8: below ErrorRecoveryLevel 1 is told of, and ends the connection: its number is spent, and it has not been received', () => {
    const bench = new SessionBench();
    const unused = bench.engine.slab.bytesInUse;
    const one = bench.logIn({ connection: { dataDigest: Digest.crc32c } });
    write(one, 1, { wrongDataDigest: true });
    one.command(testUnitReady());
    bench.settle();
    expect(one.open).toBe(false);
    expect(bench.log.at(-1)).toMatch(/data digest error in a command/);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });

  it.each([0, 1])('a ping leaves nothing behind either, however often it comes: ErrorRecoveryLevel %i', (level) => {
    const bench = new SessionBench();
    const session = { errorRecoveryLevel: level };
    const one = bench.logIn({ session, connection: { dataDigest: Digest.crc32c } });
    const before = bench.engine.slab.bytesInUse;
    for (let round = 0; round < 20; round++) {
      one.send(NopOut, {}, { data: noise(5000), wrongDataDigest: true, immediate: true });
      bench.settle();
      expect(kinds(one.replies())).toEqual([DAMAGED]);
    }
    expect(bench.engine.slab.bytesInUse).toBe(before);
  });

  it('a ping as well', () => {
    const { bench, one } = begin();
    one.send(NopOut, { cmdSN: 1 }, { data: Buffer.from('ping'), wrongDataDigest: true });
    bench.settle();
    expect(kinds(one.replies())).toEqual([DAMAGED]);
    const tag = one.send(NopOut, { cmdSN: 1 }, { data: Buffer.from('ping') });
    bench.settle();
    const [answer] = one.replies();
    expect(decode(NopIn, answer!.header)).toMatchObject({ initiatorTaskTag: tag, expCmdSN: 2 });
  });
});

describe('Data-Out that is damaged or missing (§7.8, §7.9)', () => {
  const BLOCKS = 96;
  const data = noise(BLOCKS * BLOCK_BYTES, 2);

  it.each([
    { what: 'the first', spoil: { 0: 'damage' }, again: `R2T 1: 0+${BURST}` },
    { what: 'one in the middle', spoil: { 2: 'damage' }, again: `R2T 1: ${2 * SEGMENT}+${BURST}` },
    { what: 'the last', spoil: { 3: 'damage' }, again: `R2T 1: ${3 * SEGMENT}+${BURST}` },
    { what: 'two of them', spoil: { 1: 'damage', 3: 'damage' }, again: `R2T 1: ${SEGMENT}+${BURST}` },
    { what: 'one that is missing', spoil: { 1: 'lose' }, again: `R2T 1: ${SEGMENT}+${BURST}` },
  ] as const)('is asked for again when its sequence has ended: $what', ({ spoil, again }) => {
    const { bench, one } = begin({ initialR2T: true });
    one.command(write16(0, BLOCKS), { write: data.length });
    bench.settle();
    const [first] = one.replies();
    expect(kinds([first!])).toEqual([`R2T 0: 0+${BURST}`]);
    answerR2T(one, first!, data, spoil);
    bench.settle();
    const replies = one.replies();
    const damages = Object.values(spoil).filter((how) => how === 'damage').length;
    expect(kinds(replies)).toEqual([...Array<string>(damages).fill(DAMAGED), again]);
    // What comes too late for the sequence that was given up is nobody's.
    answerR2T(one, first!, noise(data.length, 3));
    let r2t = replies.at(-1);
    for (let round = 0; r2t?.opcode === Opcode.R2T && round < 10; round++) {
      answerR2T(one, r2t, data);
      bench.settle();
      const next: Pdu[] = one.replies();
      expect(next).toHaveLength(1);
      r2t = next[0];
    }
    expect(kinds([r2t!])).toEqual([GOOD]);
    expect(Buffer.from(bench.file.bytes.subarray(0, data.length)).equals(data)).toBe(true);
  });

  it.each(['damage', 'lose', 'damage the last'] as const)('that came unasked is asked for: %s', (how) => {
    const { bench, one } = begin();
    const immediate = data.subarray(0, SEGMENT);
    const tag = one.command(write16(0, 24), { write: 24 * BLOCK_BYTES, data: immediate, unsolicited: true });
    const spoiled = how === 'damage the last' ? 1 : 0;
    for (let index = 0; index < 2; index++) {
      const offset = SEGMENT * (1 + index);
      if (how === 'lose' && index === spoiled) continue;
      const header = { flags: index === 1 ? FINAL_BIT : 0, dataSN: index, bufferOffset: offset };
      const wrongDataDigest = how !== 'lose' && index === spoiled;
      one.dataOut(tag, data.subarray(offset, offset + SEGMENT), header, { wrongDataDigest });
    }
    bench.settle();
    const replies = one.replies();
    const missing = SEGMENT * (1 + spoiled);
    const r2t = `R2T 0: ${missing}+${3 * SEGMENT - missing}`;
    expect(kinds(replies)).toEqual(how === 'lose' ? [r2t] : [DAMAGED, r2t]);
    answerR2T(one, replies.at(-1)!, data);
    bench.settle();
    expect(kinds(one.replies())).toEqual([GOOD]);
    expect(Buffer.from(bench.file.bytes.subarray(0, 3 * SEGMENT)).equals(data.subarray(0, 3 * SEGMENT))).toBe(true);
  });

  it('fails the command in the end, when it never comes whole', () => {
    const { bench, one } = begin({ initialR2T: true });
    one.command(write16(0, 8), { write: SEGMENT });
    bench.settle();
    let pdus = one.replies();
    let rounds = 0;
    for (; pdus.at(-1)!.opcode === Opcode.R2T && rounds < 1000; rounds++) {
      answerR2T(one, pdus.at(-1)!, data, { 0: 'damage' });
      bench.settle();
      pdus = one.replies();
    }
    const response = pdus.at(-1)!;
    expect(kinds([response])).toEqual([`status ${Status.CHECK_CONDITION}`]);
    expect(response.data[4]! & 0x0f).toBe(SenseKey.ABORTED_COMMAND);
    expect(response.data.readUInt16BE(14)).toBe(AdditionalSense.PROTOCOL_SERVICE_CRC_ERROR);
    expect(rounds).toBe(65);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });
});
