// EXTENDED COPY as tests send it: its parameter list in both forms, and its CDB.
// What a list may hold is src/scsi/copy-list.ts's; tests that need another put the bytes in themselves.

/** Of the units in the lists, unless a descriptor is changed. */
const BLOCK_BYTES = 512;

/** A CSCD descriptor of a unit's NAA designator; `change`: bytes in it that are to be others. */
export function copyTarget(naa: string, change: Record<number, number> = {}): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.set([0xe4, 0, 0, 0, 0x01, 0x03, 0, naa.length / 2]);
  bytes.set(Buffer.from(naa, 'hex'), 8);
  bytes.writeUIntBE(BLOCK_BYTES, 29, 3);
  for (const [offset, value] of Object.entries(change)) bytes[Number(offset)] = value;
  return bytes;
}

/** What is copied: blocks from and to, and how many; units by their index in the list. */
export interface Copy {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly source?: number;
  readonly destination?: number;
  readonly flags?: number;
}

/** A segment descriptor, block device to block device. */
export function copySegment({ from, to, count, source = 0, destination = 0, flags = 0 }: Copy): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.set([0x02, flags, 0, 24]);
  bytes.writeUInt16BE(source, 4);
  bytes.writeUInt16BE(destination, 6);
  bytes.writeUInt16BE(count, 10);
  bytes.writeBigUInt64BE(BigInt(from), 12);
  bytes.writeBigUInt64BE(BigInt(to), 20);
  return bytes;
}

export interface List {
  readonly targets: readonly Buffer[];
  readonly segments: readonly Buffer[];
  readonly id?: number;
  readonly usage?: number;
  readonly inline?: number;
  readonly long?: boolean;
}

export function copyList({ targets, segments, id = 0, usage = 2, inline = 0, long = false }: List): Buffer {
  const [some, more] = [Buffer.concat([...targets]), Buffer.concat([...segments])];
  const header = Buffer.alloc(long ? 48 : 16);
  header[1] = usage << 3;
  if (long) {
    header[0] = 1;
    header[3] = 0x20;
    header[16] = 0xff;
    header.writeUInt32BE(id, 20);
    header.writeUInt16BE(some.length, 42);
    header.writeUInt16BE(more.length, 44);
    header.writeUInt16BE(inline, 46);
  } else {
    header[0] = id;
    header.writeUInt16BE(some.length, 2);
    header.writeUInt32BE(more.length, 8);
    header.writeUInt32BE(inline, 12);
  }
  return Buffer.concat([header, some, more, Buffer.alloc(inline)]);
}

/** The list of a copy of so many blocks from the start of a unit to the start of another, by their NAA designators. */
export function copyOfStart(source: string, destination: string, count: number): Buffer {
  const targets = [copyTarget(source), copyTarget(destination)];
  return copyList({ targets, segments: [copySegment({ from: 0, to: 0, count, destination: 1 })] });
}

/** Its CDB, for a list of so many bytes. */
export function extendedCopy(length: number, long = false): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = 0x83;
  cdb[1] = long ? 1 : 0;
  cdb.writeUInt32BE(length, 10);
  return cdb;
}
