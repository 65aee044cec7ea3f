// LOG SENSE and LOG SELECT (SPC-5, SBC-4): the log pages. What they count is what all workers have counted of the unit (ring/figures.ts).
// Figures for administrators, with latencies and for every session, are metrics/'s.

import { Figure } from '../ring/figures.ts';
import { Cdb10 } from './cdb.ts';
import { type ColdCommand, NO_DATA, REPLY } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { blank, joined, reply } from './reply.ts';
import { failField } from './sense.ts';

const ALL_SUBPAGES = 0xff;
/** SPF: the page has a subpage code. */
const SPF = 0x40;
/** SP: save the parameters; none can be. */
const SP = 0x01;
/** LOG SELECT: parameters go back to 0. PC, bits 7-6 of byte 2: which values; thresholds 00b, cumulative 01b, and their defaults. */
const PCR = 0x02;

/** DISABLE UPDATE 0; FORMAT AND LINKING: a bounded data counter (00b), or a list in binary (11b). */
const Format = { counter: 0x00, binaryList: 0x03 } as const;
/** No sensor. */
const NO_TEMPERATURE = 0xff;

interface Parameter {
  readonly code: number;
  readonly bytes: Uint8Array;
}

function parameter(code: number, format: number, value: Uint8Array): Parameter {
  const { bytes: header, view } = blank(4);
  view.setUint16(0, code);
  header[2] = format;
  header[3] = value.length;
  return { code, bytes: joined([header, value]) };
}

/** Numbers of eight bytes each, one after the other. */
function counters(...values: number[]): Uint8Array {
  const { bytes, view } = blank(values.length * 8);
  for (const [index, value] of values.entries()) view.setBigUint64(index * 8, BigInt(Math.floor(value)));
  return bytes;
}

/** Errors that could not be corrected: all that anybody can know here of errors of the medium. Commands that are refused are none. */
function uncorrected(unit: LogicalUnit, figure: Figure): Parameter {
  return parameter(0x0006, Format.counter, counters(unit.totalFigures()[figure]!));
}

/** Milliseconds: the time interval that processing intervals are counted in, as an exponent of ten of a second (SPC-5). */
const INTERVAL_EXPONENT = 3;

/** What a page is made of, by page code, in ascending order. */
const PAGES = new Map<number, (unit: LogicalUnit) => Parameter[]>([
  // Write and read errors.
  [0x02, (unit) => [uncorrected(unit, Figure.writeFailures)]],
  [0x03, (unit) => [uncorrected(unit, Figure.readFailures)]],
  // Temperature, and the one that it is compared with.
  [0x0d, () => [0x0000, 0x0001].map((code) => parameter(code, Format.binaryList, Uint8Array.of(0, NO_TEMPERATURE)))],
  // Solid state media: the endurance used up is for the disks below to tell; of ours it is none.
  [0x11, () => [parameter(0x0001, Format.binaryList, Uint8Array.of(0, 0, 0, 0))]],
  [0x19, statistics],
  // Informational exceptions: none.
  [0x2f, () => [parameter(0x0000, Format.binaryList, Uint8Array.of(0, 0, NO_TEMPERATURE, 0))]],
]);

/** General access statistics and performance: commands, blocks, and the time that they took; then the unit of that time. */
function statistics(unit: LogicalUnit): Parameter[] {
  const total = unit.totalFigures();
  const blocks = (bytes: number) => bytes / unit.blockSize;
  const access = counters(
    total[Figure.reads]!,
    total[Figure.writes]!,
    blocks(total[Figure.bytesWritten]!),
    blocks(total[Figure.bytesRead]!),
    total[Figure.readMicros]! / 1000,
    total[Figure.writeMicros]! / 1000,
    // Weighted: each command with its own weight, which is the same for all.
    total[Figure.reads]! + total[Figure.writes]!,
    (total[Figure.readMicros]! + total[Figure.writeMicros]!) / 1000,
  );
  const { bytes: interval, view } = blank(8);
  view.setUint32(0, INTERVAL_EXPONENT);
  view.setUint32(4, 1);
  return [parameter(0x0001, Format.binaryList, access), parameter(0x0003, Format.binaryList, interval)];
}

const PAGE_CODES = [0x00, ...PAGES.keys()];

function logPage(code: number, subpage: number, body: Uint8Array): Uint8Array {
  const { bytes, view } = blank(4);
  bytes[0] = subpage === 0 ? code : SPF | code;
  bytes[1] = subpage;
  view.setUint16(2, body.length);
  return joined([bytes, body]);
}

/** Offset of PARAMETER POINTER: parameters with smaller codes are left out. */
const PARAMETER_POINTER = 5;

/** The page asked for, or which byte of the CDB is wrong. */
function pageOf(unit: LogicalUnit, cdb: DataView): Uint8Array | number {
  const code = cdb.getUint8(2) & 0x3f;
  const subpage = cdb.getUint8(3);
  if (code === 0) {
    if (subpage === 0) return logPage(code, 0, Uint8Array.from(PAGE_CODES));
    const pairs = PAGE_CODES.flatMap((page) => (page === 0 ? [0, 0, 0, ALL_SUBPAGES] : [page, 0]));
    return subpage === ALL_SUBPAGES ? logPage(code, subpage, Uint8Array.from(pairs)) : 3;
  }
  const page = PAGES.get(code);
  if (page === undefined) return 2;
  if (subpage !== 0) return 3;
  const parameters = page(unit).filter((each) => each.code >= cdb.getUint16(PARAMETER_POINTER));
  // SPC-5: a pointer behind the last parameter is an error.
  if (parameters.length === 0) return PARAMETER_POINTER;
  return logPage(code, 0, joined(parameters.map(({ bytes }) => bytes)));
}

export const logSense: ColdCommand = {
  ...REPLY,
  name: 'LOG SENSE',
  decode: ({ cdb }) => Cdb10.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    if ((task.cdb.getUint8(1) & SP) !== 0) {
      failField(task, 1);
      return;
    }
    const found = pageOf(unit, task.cdb);
    if (typeof found === 'number') failField(task, found);
    else reply(task, services, found);
  },
};

/** There is nothing to set, and nothing to reset: the figures are the administrator's, too, and other initiators'. */
export const logSelect: ColdCommand = {
  ...NO_DATA,
  name: 'LOG SELECT',
  run: (task) => {
    const flags = task.cdb.getUint8(1);
    if ((flags & (SP | PCR)) !== 0) failField(task, 1);
    else if (Cdb10.transferLength.get(task.cdb, 0) !== 0) failField(task, Cdb10.transferLength.offset);
  },
};
