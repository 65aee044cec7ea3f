// MODE SENSE(6) and MODE SENSE(10) (SPC-5): header, block descriptor and mode pages of a unit.
// What the pages say is in mode-pages.ts.

import { Cdb6, Cdb10 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { ALL_PAGES, ALL_SUBPAGES, canSave, MODE_PAGES, PageControl, pageValues } from './mode-pages.ts';
import { blank, joined, reply } from './reply.ts';
import { AdditionalSense, fail, failField, SenseKey } from './sense.ts';
import type { Task } from './task.ts';

/** Flags in byte 1 of the CDB: leave the block descriptor out; a long one is welcome. */
const DBD = 0x08;
const LLBAA = 0x10;
/** Device-specific parameter of block devices: write protected; DPO and FUA are understood. */
const WP = 0x80;
const DPOFUA = 0x10;
const LONGLBA = 0x01;

function deviceSpecific(unit: LogicalUnit): number {
  return (unit.readOnly ? WP : 0) | DPOFUA;
}

function shortDescriptor(unit: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(8);
  view.setUint32(0, Math.min(unit.blockCount, 0xffff_ffff));
  view.setUint32(4, unit.blockSize);
  return bytes;
}

function longDescriptor(unit: LogicalUnit): Uint8Array {
  const { bytes, view } = blank(16);
  view.setBigUint64(0, BigInt(unit.blockCount));
  view.setUint32(12, unit.blockSize);
  return bytes;
}

/** The pages that the CDB asks for; null when it has been refused. */
function requestedPages(task: Task, unit: LogicalUnit): Uint8Array | null {
  const control = (task.cdb.getUint8(2) >>> 6) as PageControl;
  const code = task.cdb.getUint8(2) & 0x3f;
  const subpage = task.cdb.getUint8(3);
  if (control === PageControl.saved && !canSave(unit)) {
    fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.SAVING_PARAMETERS_NOT_SUPPORTED);
    return null;
  }
  const ofCode = MODE_PAGES.filter((page) => code === ALL_PAGES || code === page.code);
  const pages = ofCode.filter((page) => subpage === ALL_SUBPAGES || subpage === page.subpage);
  // SPC-5: all pages, or one; of all of them, all subpages or none.
  if (pages.length === 0 || (code === ALL_PAGES && subpage !== 0 && subpage !== ALL_SUBPAGES)) {
    failField(task, ofCode.length === 0 ? 2 : 3);
    return null;
  }
  return joined(pages.map((page) => pageValues(page, unit, control)));
}

export const modeSense6: ColdCommand = {
  ...REPLY,
  name: 'MODE SENSE(6)',
  decode: ({ cdb }) => Cdb6.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const pages = requestedPages(task, unit);
    if (pages === null) return;
    const descriptor = (task.cdb.getUint8(1) & DBD) !== 0 ? new Uint8Array() : shortDescriptor(unit);
    const header = Uint8Array.of(3 + descriptor.length + pages.length, 0, deviceSpecific(unit), descriptor.length);
    reply(task, services, joined([header, descriptor, pages]));
  },
};

export const modeSense10: ColdCommand = {
  ...REPLY,
  name: 'MODE SENSE(10)',
  decode: ({ cdb }) => Cdb10.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const pages = requestedPages(task, unit);
    if (pages === null) return;
    const flags = task.cdb.getUint8(1);
    const long = (flags & LLBAA) !== 0 && (flags & DBD) === 0;
    const descriptor = long ? longDescriptor(unit) : (flags & DBD) !== 0 ? new Uint8Array() : shortDescriptor(unit);
    const { bytes: header, view } = blank(8);
    view.setUint16(0, 6 + descriptor.length + pages.length);
    header[3] = deviceSpecific(unit);
    header[4] = long ? LONGLBA : 0;
    view.setUint16(6, descriptor.length);
    reply(task, services, joined([header, descriptor, pages]));
  },
};
