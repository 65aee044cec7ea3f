// Wire layouts as tables: each field once, in the standard's order, and one accessor pair made from it at load.
// Knows nothing of iSCSI, SCSI or io_uring; they all describe their structures with it.

import { assert } from './assert.ts';

/** One field of a layout: where it lies, and how to read and write it at offset `at` of a structure in `view`. */
export interface Field<Value> {
  readonly offset: number;
  readonly size: number;
  get(view: DataView, at: number): Value;
  set(view: DataView, at: number, value: Value): void;
}

/** A run of bytes with no value of its own: read it in place through its offset. */
export interface ByteField {
  readonly offset: number;
  readonly size: number;
  copyFrom(view: DataView, at: number, source: Uint8Array): void;
  /** A copy; for cold code. */
  copy(view: DataView, at: number): Uint8Array;
}

type Maker = (littleEndian: boolean) => Field<number> | ByteField;

/** What a table says of one field. */
export interface FieldSpec<Kind> {
  readonly offset: number;
  readonly size: number;
  readonly make: Maker;
  /** Carries the accessor's type; never read. */
  readonly kind?: Kind;
}

type Accessors<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends FieldSpec<infer Kind> ? Kind : never;
};

/** The accessors of one structure, and its size in bytes. */
export type Layout<Table> = Accessors<Table> & { readonly size: number; readonly fields: readonly string[] };

const TWO_32 = 2 ** 32;
const SAFE_HIGH_WORD = 2 ** 21;

function number(
  offset: number,
  size: number,
  access: (littleEndian: boolean) => Pick<Field<number>, 'get' | 'set'>,
): FieldSpec<Field<number>> {
  return { offset, size, make: (littleEndian) => ({ offset, size, ...access(littleEndian) }) };
}

/** Unsigned 8 bits. */
export function u8(offset: number): FieldSpec<Field<number>> {
  return number(offset, 1, () => ({
    get: (view, at) => view.getUint8(at + offset),
    set: (view, at, value) => view.setUint8(at + offset, value),
  }));
}

/** Unsigned 16 bits. */
export function u16(offset: number): FieldSpec<Field<number>> {
  return number(offset, 2, (little) => ({
    get: (view, at) => view.getUint16(at + offset, little),
    set: (view, at, value) => view.setUint16(at + offset, value, little),
  }));
}

/** Unsigned 24 bits, big-endian layouts only: DataSegmentLength and friends. */
export function u24(offset: number): FieldSpec<Field<number>> {
  return number(offset, 3, (little) => {
    assert(!little, 'u24 is for big-endian layouts');
    return {
      get: (view, at) => (view.getUint8(at + offset) << 16) | view.getUint16(at + offset + 1),
      set: (view, at, value) => {
        view.setUint8(at + offset, value >>> 16);
        view.setUint16(at + offset + 1, value & 0xffff);
      },
    };
  });
}

/** Unsigned 32 bits. */
export function u32(offset: number): FieldSpec<Field<number>> {
  return number(offset, 4, (little) => ({
    get: (view, at) => view.getUint32(at + offset, little),
    set: (view, at, value) => view.setUint32(at + offset, value, little),
  }));
}

/** Signed 32 bits: results that may be a negated errno. */
export function i32(offset: number): FieldSpec<Field<number>> {
  return number(offset, 4, (little) => ({
    get: (view, at) => view.getInt32(at + offset, little),
    set: (view, at, value) => view.setInt32(at + offset, value, little),
  }));
}

/**
 * Unsigned 64 bits as a number: 2 ns against 56 ns through BigInt. A value beyond 2^53 - 1 reads as
 * `Number.POSITIVE_INFINITY`, which every bounds check refuses; writing one is an assertion.
 */
export function u64(offset: number): FieldSpec<Field<number>> {
  return number(offset, 8, (little) => {
    const high = little ? offset + 4 : offset;
    const low = little ? offset : offset + 4;
    return {
      get: (view, at) => {
        const word = view.getUint32(at + high, little);
        return word < SAFE_HIGH_WORD ? word * TWO_32 + view.getUint32(at + low, little) : Number.POSITIVE_INFINITY;
      },
      set: (view, at, value) => {
        assert(Number.isSafeInteger(value) && value >= 0, 'a 64-bit field takes a safe integer');
        view.setUint32(at + high, Math.floor(value / TWO_32), little);
        view.setUint32(at + low, value >>> 0, little);
      },
    };
  });
}

function byteField(offset: number, size: number): ByteField {
  return {
    offset,
    size,
    copyFrom: (view, at, source) => {
      assert(source.length === size, 'a byte field is written whole');
      new Uint8Array(view.buffer, view.byteOffset + at + offset, size).set(source);
    },
    copy: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at + offset, size).slice(),
  };
}

/** `size` bytes that have a meaning but no number. */
export function bytes(offset: number, size: number): FieldSpec<ByteField> {
  return { offset, size, make: () => byteField(offset, size) };
}

/** `size` bytes that the standard reserves: sent as zero, ignored on receipt. */
export function reserved(offset: number, size: number): FieldSpec<ByteField> {
  return { offset, size, make: () => byteField(offset, size) };
}

/**
 * Makes the accessors of a structure of `size` bytes. Asserts that the fields stand in order, do not overlap and leave no hole.
 * `endian` is `big` (network order) unless said otherwise.
 */
export function layout<const Table extends Record<string, FieldSpec<unknown>>>(
  size: number,
  table: Table,
  endian: 'big' | 'little' = 'big',
): Layout<Table> {
  let end = 0;
  const accessors: Record<string, unknown> = { size, fields: Object.keys(table) };
  for (const [name, spec] of Object.entries(table)) {
    assert(spec.offset === end, `layout: ${name} starts at ${spec.offset}, the field before it ends at ${end}`);
    end = spec.offset + spec.size;
    accessors[name] = spec.make(endian === 'little');
  }
  assert(end === size, `layout: the fields end at ${end}, the structure at ${size}`);
  return accessors as Layout<Table>;
}
