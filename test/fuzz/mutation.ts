// Spoils PDUs byte by byte: bits, values at the edges, pieces of other PDUs, data of another length, header segments, digests, lengths.
// Most of it leaves the framing whole, or the rest of the conversation would be noise to the target.

import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { AhsType } from '../../src/pdu/scsi-command.ts';
import type { Damage, FuzzPdu } from './fuzz-pdu.ts';
import type { Random } from './random.ts';

/** Values that bounds are made of. */
const BYTES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff];
const SHORTS = [0, 1, 0x7fff, 0x8000, 0xffff, 512, 513];
const WORDS = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 512, 65536, 65537, 2 ** 20, 2 ** 24];
/** Lengths are these bytes of the header: see `Damage`. */
const LENGTHS = { start: 4, end: 8 };
/** Data segments grow to no more than this. */
const DATA_MAX = 70_000;

function edit(bytes: Buffer, random: Random): void {
  if (bytes.length === 0) return;
  const at = random.below(bytes.length);
  switch (random.below(6)) {
    case 0:
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
      return;
    case 1:
      bytes[at] = random.word();
      return;
    case 2:
      bytes[at] = random.pick(BYTES);
      return;
    case 3:
      if (at + 2 <= bytes.length) bytes.writeUInt16BE(random.pick(SHORTS), at);
      return;
    case 4: {
      const word = at & ~3;
      if (word + 4 <= bytes.length) bytes.writeUInt32BE(random.pick(WORDS), word);
      return;
    }
    default: {
      const word = at & ~3;
      if (word + 4 > bytes.length) return;
      bytes.writeUInt32BE((bytes.readUInt32BE(word) + random.pick([1, -1, 2, 16, -16])) >>> 0, word);
    }
  }
}

/** Edits that spare the lengths. */
function editHeader(header: Buffer, random: Random): void {
  const lengths = header.subarray(LENGTHS.start, LENGTHS.end);
  const kept = Buffer.from(lengths);
  for (let edits = 1 + random.below(4); edits > 0; edits--) {
    // What comes first in a header decides most, and the CDB is the longest field.
    const [start, end] = random.pick([
      [0, 4],
      [8, BHS_SIZE],
      [16, 32],
      [32, BHS_SIZE],
    ] as const);
    edit(header.subarray(start, end), random);
  }
  lengths.set(kept);
}

function splice(header: Buffer, other: Buffer, random: Random): void {
  const start = 8 + random.below(BHS_SIZE - 8);
  const end = start + random.below(BHS_SIZE - start + 1);
  header.set(other.subarray(start, end), start);
}

function changedData(data: Buffer, random: Random): Buffer {
  switch (random.below(4)) {
    case 0:
      return data.subarray(0, random.below(data.length + 1));
    case 1:
      return Buffer.concat([data, random.bytes(random.below(600))]).subarray(0, DATA_MAX);
    case 2:
      return Buffer.alloc(random.pick([1, 511, 512, 8192, 65_536, 65_540, DATA_MAX]), random.word() & 0xff);
    default: {
      const changed = Buffer.from(data);
      for (let edits = 1 + random.below(8); edits > 0; edits--) edit(changed, random);
      return changed;
    }
  }
}

/** Header segments: of the types there are and others, with lengths that fit and others. */
function changedAhs(random: Random): Buffer {
  const segments: Buffer[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const segment = random.bytes(4 * (1 + random.below(9)));
    segment.writeUInt16BE(random.percent(70) ? segment.length - 3 : random.pick([0, 1, 5, 17, 0xffff]));
    segment[2] = random.pick([AhsType.EXTENDED_CDB, AhsType.BIDIRECTIONAL_READ_LENGTH, 0, 3, 0x41, 0xff]);
    segments.push(segment);
  }
  return Buffer.concat(segments);
}

function damaged(random: Random): Damage {
  // One PDU in a hundred: a conversation is over after it.
  if (random.percent(1)) return random.pick(['length', 'cut']);
  return random.percent(2) ? random.pick(['headerDigest', 'dataDigest']) : 'none';
}

/** `original` with something wrong about it. `other` lends pieces. */
export function mutate(original: FuzzPdu, other: FuzzPdu, random: Random): FuzzPdu {
  const header = Buffer.from(original.header);
  let { ahs, data } = original;
  const kind = random.below(100);
  if (kind < 60) editHeader(header, random);
  else if (kind < 70) splice(header, other.header, random);
  else if (kind < 85) data = changedData(data, random);
  else if (kind < 90) ahs = changedAhs(random);
  else if (kind < 95) {
    editHeader(header, random);
    data = changedData(data, random);
  }
  const damage = damaged(random);
  if (damage === 'length') edit(header.subarray(LENGTHS.start, LENGTHS.end), random);
  return { header, ahs, data: Buffer.from(data), numbered: original.numbered && !random.percent(5), damage };
}
