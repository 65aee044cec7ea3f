// Filling memory with one piece of data over and over: for commands that write the same to many blocks.
// What is written, and where, is for the commands to say.

/** Fills `size` bytes at `at` with copies of the `period` bytes at `source`, doubling what is there; the last copy may be cut. */
export function repeat(bytes: Uint8Array, source: number, period: number, at: number, size: number): void {
  bytes.copyWithin(at, source, source + Math.min(period, size));
  for (let filled = period; filled < size; filled *= 2) {
    bytes.copyWithin(at + filled, at, at + Math.min(filled, size - filled));
  }
}
