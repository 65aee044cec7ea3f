import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/pdu/opcode.ts';
import { Status } from '../../src/scsi/task.ts';
import { write16 } from '../support/cdbs.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';

const LENGTH = 128 * BLOCK_BYTES;
const DATA = noise(LENGTH, 8);

describe('replay: bytes that came behind the login', () => {
  // None, the header without its data, part of the data, all of it.
  it.each([0, 20, 48, 5000, 48 + LENGTH])('goes on where they end: %d bytes of a WRITE', (count) => {
    const bench = new SessionBench();
    const twin = bench.logIn({ session: { firstBurstLength: LENGTH } });
    const bytes = twin.encodeCommand(write16(0, 128), { write: LENGTH, data: DATA, values: { cmdSN: 1 } });
    const one = bench.logIn({ session: { firstBurstLength: LENGTH }, received: bytes.subarray(0, count) });
    one.sendBytes(bytes.subarray(count));
    bench.settle();
    expect(one.early.concat(one.replies()).map(({ opcode, header }) => [opcode, header[3]])).toEqual([
      [Opcode.SCSI_RESPONSE, Status.GOOD],
    ]);
    expect(DATA.equals(bench.file.bytes.subarray(0, LENGTH))).toBe(true);
  });
});
