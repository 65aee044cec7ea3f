// The mode pages (SPC-5, SBC-4): their current, default and changeable values.
// How they are asked for is mode-sense.ts's, how they are changed mode-select.ts's.

import { FRESH_STATE, type UnitState } from '../ring/unit-state.ts';
import type { LogicalUnit } from './logical-unit.ts';

/** Page control: which values MODE SENSE asks for. */
export const PageControl = { current: 0, changeable: 1, default: 2, saved: 3 } as const;
export type PageControl = (typeof PageControl)[keyof typeof PageControl];

/** In the place of a page or subpage code: all of them. */
export const ALL_PAGES = 0x3f;
export const ALL_SUBPAGES = 0xff;

/** Values of bytes of a page, by offset. */
type Fields = Readonly<Record<number, number>>;

/** One mode page in page_0 format. */
export interface ModePage {
  readonly code: number;
  /** Bytes of the page, its header of two included. */
  readonly size: number;
  /** The bits that MODE SELECT may change; the same for all initiators. */
  readonly changeable: Fields;
  /** What is not zero behind the header. */
  fields(unit: LogicalUnit, state: UnitState): Fields;
}

const WCE = 0x04;
/** GLTSD: log parameters are not saved. */
const GLTSD = 0x02;
/** QUEUE ALGORITHM MODIFIER: SIMPLE tasks run in any order. */
const UNRESTRICTED_REORDERING = 0x10;
/** DEXCPT: no informational exceptions are reported. */
const DEXCPT = 0x08;

/** The control mode page, and where its bits are that can be changed. */
export const CONTROL_PAGE = 0x0a;
export const ControlField = { D_SENSE: { offset: 2, mask: 0x04 }, SWP: { offset: 4, mask: 0x08 } } as const;

/** In ascending order of their codes, as page 3Fh returns them. */
export const MODE_PAGES: readonly ModePage[] = [
  // Read-write error recovery: a virtual disk has nothing to recover by retries.
  { code: 0x01, size: 12, changeable: {}, fields: () => ({}) },
  // Caching: WCE is the truth about the storage below. The rest is the kernel's business.
  { code: 0x08, size: 20, changeable: {}, fields: ({ snapshot }) => ({ 2: snapshot.writeCache ? WCE : 0 }) },
  // Control: one task set for all nexuses, tasks aborted by others vanish (TAS 0).
  {
    code: CONTROL_PAGE,
    size: 12,
    changeable: {
      [ControlField.D_SENSE.offset]: ControlField.D_SENSE.mask,
      [ControlField.SWP.offset]: ControlField.SWP.mask,
    },
    fields: (_, { descriptorSense, writeProtected }) => ({
      2: GLTSD | (descriptorSense ? ControlField.D_SENSE.mask : 0),
      3: UNRESTRICTED_REORDERING,
      4: writeProtected ? ControlField.SWP.mask : 0,
    }),
  },
  // Informational exceptions control.
  { code: 0x1c, size: 12, changeable: {}, fields: () => ({ 2: DEXCPT }) },
];

/** One page's bytes for `control`; saved values are refused before. */
export function pageValues(page: ModePage, unit: LogicalUnit, control: PageControl): Uint8Array {
  const bytes = new Uint8Array(page.size);
  bytes[0] = page.code;
  bytes[1] = page.size - 2;
  const state = control === PageControl.default ? FRESH_STATE : unit.state;
  const fields = control === PageControl.changeable ? page.changeable : page.fields(unit, state);
  for (const [offset, value] of Object.entries(fields)) bytes[Number(offset)] = value;
  return bytes;
}
