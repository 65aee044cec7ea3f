// Words of 32 bits between the network's order, highest byte first, and the machine's, which is the other one wherever Node has io_uring.
// Where in a structure they stand is layout.ts's to say, or pdu/'s.

/** `value` with its four bytes turned around, as a signed number: for an Int32Array. Allocates nothing. */
export function networkOrder(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
