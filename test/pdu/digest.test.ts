// CRC32C against the examples of RFC 7143 (Appendix A), against a twin that goes bit by bit, and on memory shared by threads.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../src/pdu/digest.ts';

const counting = (first: number, step: number) => Uint8Array.from({ length: 32 }, (_, index) => first + step * index);

/** As the digest stands on the wire. */
function wire(bytes: Uint8Array): string {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return Buffer.from(view.buffer).toString('hex');
}

/** The definition: one bit at a time. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test.each([
  ['32 bytes of zeroes', new Uint8Array(32), 'aa36918a'],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), '43aba862'],
  ['32 bytes counting up', counting(0, 1), '4e79dd46'],
  ['32 bytes counting down', counting(31, -1), '5cdb3f11'],
  [
    'a SCSI Read (10) Command PDU',
    Buffer.from(
      '01c0000000000000000000000000000014000000000004000000001400000018280000000000000002000000'.padEnd(96, '0'),
      'hex',
    ),
    '563a96d9',
  ],
])('%s', (_name, bytes, digest) => {
  expect(wire(bytes)).toBe(digest);
});

test('agrees with the definition, for any bytes at any place, in one go and in parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(600), fc.nat(600), (bytes, one, other) => {
      const [from, to] = [Math.min(one, bytes.length), Math.min(other, bytes.length)].sort((a, b) => a - b) as [
        number,
        number,
      ];
      const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
      shared.set(bytes);
      expect(crc32c(shared, from, to - from)).toBe(slowCrc32c(bytes.subarray(from, to)));
      const begun = crc32c(bytes, 0, from);
      const middle = crc32c(bytes, from, to - from, begun);
      expect(crc32c(bytes, to, bytes.length - to, middle)).toBe(slowCrc32c(bytes));
    }),
  );
});

test.each([127, 128, 129, 4096])('tables and native code agree at %i bytes', (length) => {
  const bytes = Uint8Array.from({ length }, (_, index) => index * 7);
  expect(crc32c(bytes, 0, length)).toBe(slowCrc32c(bytes));
});
