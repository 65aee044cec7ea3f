// Logical unit numbers between their eight bytes and a small number (SAM-5): one level, peripheral device or flat space addressing.
// Which unit a number stands for is the nexus' LUN map.

/** A LUN field in a form that names no unit of ours: more than one level, a bus, a well known or extended unit. */
export const UNKNOWN_LUN = -1;

/** Address methods, bits 7-6 of the first byte. */
const PERIPHERAL = 0b00;
const FLAT = 0b01;
/** What peripheral device addressing can carry, and what initiators expect it to be used for. */
const PERIPHERAL_LUNS = 256;

/** The number in the eight bytes at `at`, or {@link UNKNOWN_LUN}. Allocates nothing. */
export function readLun(view: DataView, at: number): number {
  const first = view.getUint16(at);
  if (view.getUint16(at + 2) !== 0 || view.getUint32(at + 4) !== 0) return UNKNOWN_LUN;
  const method = first >>> 14;
  if (method === FLAT) return first & 0x3fff;
  return method === PERIPHERAL && first < PERIPHERAL_LUNS ? first : UNKNOWN_LUN;
}

/** The first four of the eight bytes that `lun` (0 to 16383) is written as, as a number; the others are 0. Allocates nothing. */
export function lunWord(lun: number): number {
  return (lun < PERIPHERAL_LUNS ? lun : (FLAT << 14) | lun) << 16;
}

/** Writes `lun` (0 to 16383) to the eight bytes at `at`. Allocates nothing. */
export function writeLun(view: DataView, at: number, lun: number): void {
  view.setInt32(at, lunWord(lun));
  view.setInt32(at + 4, 0);
}
