// Comparing data with what is on the medium.
// Which data, and what a difference means, is for the commands to say.

/** Offset of the first byte in which `length` bytes at `a` and at `b` differ, or -1. */
export function firstDifference(bytes: Uint8Array, a: number, b: number, length: number): number {
  // Equal is the rule, and finding that out natively is forty times as fast.
  if (Buffer.compare(bytes.subarray(a, a + length), bytes.subarray(b, b + length)) === 0) return -1;
  let offset = 0;
  while (bytes[a + offset] === bytes[b + offset]) offset++;
  return offset;
}
