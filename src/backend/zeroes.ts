// Memory that holds zeroes: what a null unit's READs are sent from, and what a file is filled with where it can't be punched.
// One per thread, attached once to each engine that asks; nobody may write to it.

import { PAGE_BYTES, pageFrom } from '../base/page.ts';
import type { Address, Engine } from '../engine/engine.ts';
import { SLOT_BYTES_MAX } from '../engine/slab.ts';

/** Bytes of zeroes at {@link zeroesOf}: as many as one operation can move. */
export const ZEROES_BYTES = SLOT_BYTES_MAX;

// O_DIRECT wants its memory aligned.
const memory = new SharedArrayBuffer(ZEROES_BYTES + PAGE_BYTES);
const attached = new WeakMap<Engine, Address>();

const own = new Uint8Array(ZEROES_BYTES);

/**
 * `length` zeroes, at most {@link ZEROES_BYTES}, to copy from: `fill` on shared memory goes byte by byte and takes 85 ms for 64 MiB,
 * copies take 16 ms.
 */
export function zeroes(length: number): Uint8Array {
  return length === ZEROES_BYTES ? own : own.subarray(0, length);
}

/** Page-aligned address of {@link ZEROES_BYTES} zeroes; they stay attached for the engine's life. */
export function zeroesOf(engine: Engine): Address {
  let address = attached.get(engine);
  if (address === undefined) {
    const base = engine.attachRegion(memory);
    address = pageFrom(base);
    attached.set(engine, address);
  }
  return address;
}
