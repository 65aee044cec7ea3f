// Words that the kernel reads and writes as well: what was loaded before others, and stored after them, so that both sides see them in this order.
// Which words those are is uring.ts's and receive-buffers.ts's to say.

/**
 * Whether the processor's loads stay in order among themselves, and its stores behind all loads and stores before them: x86 (AMD64 Architecture
 * Programmer's Manual, volume 2, §7.2). There a plain access is enough; V8 makes a call of each of `Atomics`, and keeps plain ones in order as well.
 */
const STAYS_IN_ORDER = process.arch === 'x64';

/** Loads `words[index]` before all that is loaded or stored after it. Allocates nothing. */
export function loadAcquire(words: Int32Array, index: number): number {
  return STAYS_IN_ORDER ? words[index]! : Atomics.load(words, index);
}

/** Stores `value` into `words[index]` after all that was loaded or stored before it. Allocates nothing. */
export function storeRelease(words: Int32Array | Uint16Array, index: number, value: number): void {
  if (STAYS_IN_ORDER) words[index] = value;
  else Atomics.store(words, index, value);
}
