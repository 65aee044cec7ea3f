// Submission queue entries: the word writer against the layout, and the layout against bytes that the C compiler made.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EntryFlag, Operation, ReceiveFlag, Sqe, writeEntry } from '../../src/kernel/sqe.ts';

test('the word writer fills every field of an entry, and no other entry', () => {
  const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  const u64 = fc.maxSafeNat();
  fc.assert(
    fc.property(
      fc.nat(3),
      u32,
      u64,
      u64,
      u32,
      u32,
      fc.nat(0xffff),
      u32,
      u32,
      (index, head, offset, address, length, flags, buffer, low, high) => {
        const words = new Int32Array((4 * Sqe.size) / 4).fill(-1);
        writeEntry(words, index, head | 0, 77, offset, address, length, flags, buffer, low, high);
        const view = new DataView(words.buffer);
        const at = index * Sqe.size;
        expect({
          head: view.getUint32(at, true),
          fd: Sqe.fd.get(view, at),
          offset: Sqe.offset.get(view, at),
          address: Sqe.address.get(view, at),
          length: Sqe.length.get(view, at),
          flags: Sqe.operationFlags.get(view, at),
          buffer: Sqe.buffer.get(view, at),
          low: Sqe.userLow.get(view, at),
          high: Sqe.userHigh.get(view, at),
          rest: [Sqe.personality.get(view, at), Sqe.fileIndex.get(view, at), Sqe.address3.get(view, at)],
          reserved: Sqe.reserved56.copy(view, at),
        }).toEqual({
          head,
          fd: 77,
          offset,
          address,
          length,
          flags,
          buffer,
          low,
          high,
          rest: [0, 0, 0],
          reserved: new Uint8Array(8),
        });
        for (let other = 0; other < 4; other++) {
          if (other !== index)
            expect(words.subarray(other * 16, other * 16 + 16).every((word) => word === -1)).toBe(true);
        }
      },
    ),
  );
});

test('a receive that selects its buffer is, byte for byte, what C writes', () => {
  // { .opcode = IORING_OP_RECV, .flags = IOSQE_BUFFER_SELECT, .ioprio = IORING_RECVSEND_POLL_FIRST, .fd = 5,
  //   .addr = 0x7f1234567000, .len = 0x20000, .msg_flags = MSG_WAITALL, .user_data = 0x0100000200000003, .buf_group = 4 }
  const expected =
    '1b20010005000000000000000000000000705634127f00000000020000010000' +
    '0300000002000001040000000000000000000000000000000000000000000000';
  const words = new Int32Array(16);
  const head = Operation.RECV | EntryFlag.BUFFER_SELECT | ReceiveFlag.POLL_FIRST;
  writeEntry(words, 0, head, 5, 0, 0x7f12_3456_7000, 0x20000, 0x100, 4, 3, 0x0100_0002);
  expect(Buffer.from(words.buffer).toString('hex')).toBe(expected);
});
