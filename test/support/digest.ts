// A header or data digest as it goes over the wire, right or wrong.
// What it covers, and whether there is one, its users know.

import { DIGEST_SIZE } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';

/** The four bytes behind `covered`. */
export function digest(covered: Uint8Array, wrong = false): Buffer {
  const bytes = Buffer.alloc(DIGEST_SIZE);
  const value = crc32c(covered, 0, covered.length);
  bytes.writeUInt32LE((wrong ? ~value : value) >>> 0);
  return bytes;
}
