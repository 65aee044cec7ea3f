// Serial number arithmetic on 32 bits (RFC 1982, as RFC 7143 §4.2.2 demands for CmdSN, StatSN and DataSN).
// Comparisons mean nothing for numbers 2^31 apart; the windows in use are far smaller.

/** `a` after `count` steps, wrapped to 32 bits. Allocates nothing. */
export function serialAdd(a: number, count: number): number {
  return (a + count) >>> 0;
}

/** How far `a` is ahead of `b`: negative when behind. Allocates nothing. */
export function serialDistance(a: number, b: number): number {
  return (a - b) | 0;
}

/** Whether `a` comes before `b`. Allocates nothing. */
export function serialBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
