// Additional header segments (RFC 7143 §11.2.2): which are read, and which make a command one that can't be. And commands that are held back
// while they come in.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bhs } from '../../src/pdu/bhs.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { RejectReason } from '../../src/pdu/reject.ts';
import { READ_BIT, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { Attribute } from '../../src/scsi/task.ts';
import { inquiry, synchronizeCache16, testUnitReady } from '../support/cdbs.ts';
import { viewOf } from '../support/header-values.ts';
import { extendedCdb } from '../support/initiator-command.ts';
import { SessionBench } from '../support/session-bench.ts';

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
