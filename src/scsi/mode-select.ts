// MODE SELECT(6) and MODE SELECT(10) (SPC-5): changes mode pages, all that the list names or none.
// What can be changed is mode-pages.ts's; the change is main's to make, for every worker.

import { Cdb6, Cdb10 } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import {
  CONTROL_PAGE,
  ControlField,
  canSave,
  headerBytes,
  MODE_PAGES,
  type ModePage,
  PageControl,
  pageValues,
  SPF,
} from './mode-pages.ts';
import { failField, failListLength, failParameter, failSaving } from './sense.ts';
import type { Task } from './task.ts';

/** Byte 1 of the CDB. PF: pages look as the standard says. SP: save what can be saved. RTD: back to the defaults. */
const PF = 0x10;
const SP = 0x01;
const RTD = 0x02;
const PAGE_CODE_MASK = 0x3f;

/** Where the two commands differ. */
interface Form {
  readonly name: string;
  readonly listLength: (cdb: DataView) => number;
  readonly headerBytes: number;
  /** BLOCK DESCRIPTOR LENGTH in the list's header. */
  readonly descriptorLength: (view: DataView, at: number) => number;
}

/** A block descriptor may say what is so already; false when it says anything else. */
function checkDescriptor(task: Task, unit: LogicalUnit, view: DataView, start: number, length: number): boolean {
  if (length === 0) return true;
  const at = task.at + start;
  const long = length === 16;
  if (!long && length !== 8) return failParameter(task, start - 1);
  const count = long ? Number(view.getBigUint64(at)) : view.getUint32(at);
  const allOnes = long ? 2 ** 64 : 0xffff_ffff;
  // 0: as many as there are; all ones: as many as can be.
  if (count !== 0 && count !== allOnes && count !== unit.blockCount) return failParameter(task, start);
  const sizeAt = long ? 12 : 4;
  const size = view.getUint32(at + sizeAt) & (long ? 0xffff_ffff : 0x00ff_ffff);
  return size === unit.blockSize || failParameter(task, start + sizeAt);
}

/** Whether the page at offset `start` of the list is one of ours and changes only what may be changed. */
function checkPage(task: Task, unit: LogicalUnit, bytes: Uint8Array, start: number): ModePage | null {
  const at = task.at + start;
  const rest = task.dataLength - start;
  const code = bytes[at]! & PAGE_CODE_MASK;
  const subpage = (bytes[at]! & SPF) === 0 ? 0 : bytes[at + 1]!;
  const page = MODE_PAGES.find((each) => each.code === code && each.subpage === subpage);
  const header = page === undefined ? 0 : headerBytes(page);
  if (page === undefined) failParameter(task, start);
  else if (rest < header) failListLength(task);
  else if (bytes[at + header - 1] !== page.size - header) failParameter(task, start + header - 1);
  else if (rest < page.size) failListLength(task);
  else {
    const current = pageValues(page, unit, PageControl.current);
    const changeable = pageValues(page, unit, PageControl.changeable);
    for (let offset = header; offset < page.size; offset++) {
      if (((bytes[at + offset]! ^ current[offset]!) & ~changeable[offset]!) === 0) continue;
      failParameter(task, start + offset);
      return null;
    }
    return page;
  }
  return null;
}

function* select(task: Task, unit: LogicalUnit, services: CommandServices, form: Form): Steps {
  const { view, bytes } = services;
  if (task.transferLength === 0) return;
  if (task.dataLength < Math.max(task.transferLength, form.headerBytes)) {
    failListLength(task);
    return;
  }
  const descriptorLength = form.descriptorLength(view, task.at);
  let start = form.headerBytes + descriptorLength;
  if (start > task.dataLength) {
    failListLength(task);
    return;
  }
  if (!checkDescriptor(task, unit, view, form.headerBytes, descriptorLength)) return;
  let control = -1;
  while (start < task.dataLength) {
    const page = checkPage(task, unit, bytes, start);
    if (page === null) return;
    if (page.code === CONTROL_PAGE && page.subpage === 0) control = task.at + start;
    start += page.size;
  }
  if (control < 0) return;
  const isSet = ({ offset, mask }: { offset: number; mask: number }): boolean =>
    (bytes[control + offset]! & mask) !== 0;
  services.changeState(task, {
    kind: 'control',
    save: (task.cdb.getUint8(1) & SP) !== 0,
    descriptorSense: isSet(ControlField.D_SENSE),
    writeProtected: isSet(ControlField.SWP),
  });
  yield;
  if (task.stateResult === 'notSaved') failSaving(task);
}

function command(form: Form): ColdCommand {
  return {
    ...LIST,
    name: form.name,
    decode: (task) => {
      const flags = task.cdb.getUint8(1);
      const length = form.listLength(task.cdb);
      const cannotSave = (flags & SP) !== 0 && task.unit !== null && !canSave(task.unit);
      if ((flags & RTD) !== 0 || cannotSave || (length !== 0 && (flags & PF) === 0)) failField(task, 1);
      return length;
    },
    run: (task, unit, services) => select(task, unit, services, form),
  };
}

export const modeSelect6 = command({
  name: 'MODE SELECT(6)',
  listLength: (cdb) => Cdb6.transferLength.get(cdb, 0),
  headerBytes: 4,
  descriptorLength: (view, at) => view.getUint8(at + 3),
});

export const modeSelect10 = command({
  name: 'MODE SELECT(10)',
  listLength: (cdb) => Cdb10.transferLength.get(cdb, 0),
  headerBytes: 8,
  descriptorLength: (view, at) => view.getUint16(at + 6),
});
