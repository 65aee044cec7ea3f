// The mode pages (SPC-5, SBC-4): their current, default, saved and changeable values.
// How they are asked for is mode-sense.ts's, how they are changed mode-select.ts's.

import { type ControlParameters, FRESH_STATE } from '../ring/unit-state.ts';
import type { LogicalUnit } from './logical-unit.ts';

/** Page control: which values MODE SENSE asks for. */
export const PageControl = { current: 0, changeable: 1, default: 2, saved: 3 } as const;
export type PageControl = (typeof PageControl)[keyof typeof PageControl];

/** In the place of a page or subpage code: all of them. */
export const ALL_PAGES = 0x3f;
export const ALL_SUBPAGES = 0xff;

/** Values of bytes of a page, by offset. */
type Fields = Readonly<Record<number, number>>;

/** One mode page: in page_0 format, or in the format of subpages. */
export interface ModePage {
  readonly code: number;
  /** 0: the page is in page_0 format. */
  readonly subpage: number;
  /** Bytes of the page, its header included. */
  readonly size: number;
  /** The bits that MODE SELECT may change; the same for all initiators. */
  readonly changeable: Fields;
  /** Whether its values can be saved, where the unit has a place for them. */
  readonly savable: boolean;
  /** What is not zero behind the header. */
  fields(unit: LogicalUnit, state: ControlParameters): Fields;
}

function page(
  code: number,
  size: number,
  fields: ModePage['fields'] = () => ({}),
  rest: Partial<Pick<ModePage, 'subpage' | 'changeable' | 'savable'>> = {},
): ModePage {
  return { code, size, fields, subpage: 0, changeable: {}, savable: false, ...rest };
}

/** Bytes before the fields of a page. */
export function headerBytes({ subpage }: ModePage): number {
  return subpage === 0 ? 2 : 4;
}

/** Whether the unit has a place for saved values. */
export function canSave({ snapshot }: LogicalUnit): boolean {
  return snapshot.statePath !== null;
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

/** SCSIP: what SET TIMESTAMP sets is not set by other means. */
const SCSIP = 0x02;

/** In ascending order of their codes, as page 3Fh returns them. */
export const MODE_PAGES: readonly ModePage[] = [
  // Read-write error recovery: a virtual disk has nothing to recover by retries.
  page(0x01, 12),
  // Disconnect-reconnect: nothing of it concerns iSCSI.
  page(0x02, 16),
  // Caching: WCE is the truth about the storage below. The rest is the kernel's business.
  page(0x08, 20, ({ snapshot }) => ({ 2: snapshot.writeCache ? WCE : 0 })),
  // Control: one task set for all nexuses, tasks aborted by others vanish (TAS 0).
  page(
    CONTROL_PAGE,
    12,
    (_, { descriptorSense, writeProtected }) => ({
      2: GLTSD | (descriptorSense ? ControlField.D_SENSE.mask : 0),
      3: UNRESTRICTED_REORDERING,
      4: writeProtected ? ControlField.SWP.mask : 0,
    }),
    {
      changeable: {
        [ControlField.D_SENSE.offset]: ControlField.D_SENSE.mask,
        [ControlField.SWP.offset]: ControlField.SWP.mask,
      },
      savable: true,
    },
  ),
  // Control extension.
  page(CONTROL_PAGE, 32, () => ({ 4: SCSIP }), { subpage: 0x01 }),
  // Power condition: no timers, as there is nothing to spin down.
  page(0x1a, 40),
  // Informational exceptions control.
  page(0x1c, 12, () => ({ 2: DEXCPT })),
];

/** SPF: the page has a subpage code. PS: its values can be saved. */
export const SPF = 0x40;
const PS = 0x80;

/** One page's bytes for `control`. */
export function pageValues(modePage: ModePage, unit: LogicalUnit, control: PageControl): Uint8Array {
  const { code, subpage, size, savable } = modePage;
  const bytes = new Uint8Array(size);
  const header = headerBytes(modePage);
  bytes[0] = (savable && canSave(unit) ? PS : 0) | (subpage === 0 ? 0 : SPF) | code;
  if (subpage !== 0) bytes[1] = subpage;
  bytes[header - 1] = size - header;
  const fields =
    control === PageControl.changeable ? modePage.changeable : modePage.fields(unit, valuesOf(unit, control));
  for (const [offset, value] of Object.entries(fields)) bytes[Number(offset)] = value;
  return bytes;
}

function valuesOf({ state }: LogicalUnit, control: PageControl): ControlParameters {
  if (control === PageControl.default) return FRESH_STATE;
  return control === PageControl.saved ? state.saved : state;
}
