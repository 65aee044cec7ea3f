// The mode pages (SPC-5, SBC-4): their current, default and changeable values.
// How they are asked for is mode-sense.ts's, how they are changed mode-select.ts's.

import type { LogicalUnit } from './logical-unit.ts';

/** Page control: which values MODE SENSE asks for. */
export const PageControl = { current: 0, changeable: 1, default: 2, saved: 3 } as const;
export type PageControl = (typeof PageControl)[keyof typeof PageControl];

/** In the place of a page or subpage code: all of them. */
export const ALL_PAGES = 0x3f;
export const ALL_SUBPAGES = 0xff;

/** One mode page in page_0 format. */
export interface ModePage {
  readonly code: number;
  /** The page as a unit has it, its two header bytes included. */
  values(unit: LogicalUnit): Uint8Array;
}

const WCE = 0x04;
/** GLTSD: log parameters are not saved. */
const GLTSD = 0x02;
/** QUEUE ALGORITHM MODIFIER: SIMPLE tasks run in any order. */
const UNRESTRICTED_REORDERING = 0x10;
/** DEXCPT: no informational exceptions are reported. */
const DEXCPT = 0x08;

/** A page of zeroes but for its header and the bytes given, by offset in the page. */
function page(code: number, size: number, fields: Readonly<Record<number, number>> = {}): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes[0] = code;
  bytes[1] = size - 2;
  for (const [offset, value] of Object.entries(fields)) bytes[Number(offset)] = value;
  return bytes;
}

/** In ascending order of their codes, as page 3Fh returns them. */
export const MODE_PAGES: readonly ModePage[] = [
  // Read-write error recovery: a virtual disk has nothing to recover by retries.
  { code: 0x01, values: () => page(0x01, 12) },
  // Caching: WCE is the truth about the storage below. The rest is the kernel's business.
  { code: 0x08, values: (unit) => page(0x08, 20, { 2: unit.snapshot.writeCache ? WCE : 0 }) },
  // Control: one task set for all nexuses, fixed format sense, tasks aborted by others vanish (TAS 0).
  { code: 0x0a, values: () => page(0x0a, 12, { 2: GLTSD, 3: UNRESTRICTED_REORDERING }) },
  // Informational exceptions control.
  { code: 0x1c, values: () => page(0x1c, 12, { 2: DEXCPT }) },
];

/** Nothing can be changed: zeroes in every field behind the header. */
function changeable(values: Uint8Array): Uint8Array {
  return page(values[0]!, values.length);
}

/** One page's bytes for `control`; saved values are refused before. */
export function pageValues(modePage: ModePage, unit: LogicalUnit, control: PageControl): Uint8Array {
  const values = modePage.values(unit);
  return control === PageControl.changeable ? changeable(values) : values;
}
