// Words of 32 bits between the network's order, highest byte first, and the machine's, which has to be the other one.
// Where in a structure they stand is layout.ts's to say, or pdu/'s.

import { endianness } from 'node:os';
import { assert } from './assert.ts';

// CDBs are copied by words as well (session/command.ts), and the kernel's structures are written that way round (kernel/). Of the machines that
// Node has for Linux only s390x is big-endian.
assert(endianness() === 'LE', 'lunaring needs a little-endian machine');

/** `value` with its four bytes turned around, as a signed number: for an Int32Array. Allocates nothing. */
export function networkOrder(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
