// MODE SELECT(6) and MODE SELECT(10) (SPC-5): changes mode pages, all that the list names or none.
// What can be changed is mode-pages.ts's; the change is main's to make, for every worker.

import type { ColdCommand, CommandServices } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { CONTROL_PAGE, ControlField, MODE_PAGES, type ModePage, PageControl, pageValues } from './mode-pages.ts';
import { AdditionalSense, fail, failField, failParameter, SenseKey } from './sense.ts';
import { Movement, type Task } from './task.ts';

/** Byte 1 of the CDB. PF: pages look as the standard says. SP: save them, which can't be. RTD: back to the defaults. */
const PF = 0x10;
const SP = 0x01;
const RTD = 0x02;
/** PS and SPF of a page's first byte; with SPF it is longer, and none of ours is. */
const PAGE_CODE_MASK = 0x3f;
const SPF = 0x40;
const PAGE_HEADER_BYTES = 2;

/** Where the two commands differ. */
interface Form {
  readonly name: string;
  readonly listLength: (cdb: DataView) => number;
  readonly headerBytes: number;
  /** BLOCK DESCRIPTOR LENGTH in the list's header. */
  readonly descriptorLength: (view: DataView, at: number) => number;
}

function failLength(task: Task): false {
  return fail(task, SenseKey.ILLEGAL_REQUEST, AdditionalSense.PARAMETER_LIST_LENGTH_ERROR);
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
  const page = MODE_PAGES.find(({ code }) => code === (bytes[at]! & PAGE_CODE_MASK));
  const rest = task.dataLength - start;
  if (page === undefined || (bytes[at]! & SPF) !== 0) failParameter(task, start);
  else if (rest < PAGE_HEADER_BYTES) failLength(task);
  else if (bytes[at + 1] !== page.size - PAGE_HEADER_BYTES) failParameter(task, start + 1);
  else if (rest < page.size) failLength(task);
  else {
    const current = pageValues(page, unit, PageControl.current);
    const changeable = pageValues(page, unit, PageControl.changeable);
    for (let offset = PAGE_HEADER_BYTES; offset < page.size; offset++) {
      if (((bytes[at + offset]! ^ current[offset]!) & ~changeable[offset]!) === 0) continue;
      failParameter(task, start + offset);
      return null;
    }
    return page;
  }
  return null;
}

function* select(task: Task, services: CommandServices, form: Form): Generator<void, void, number> {
  const unit = task.unit!;
  const { memory, bytes } = services;
  if (task.transferLength === 0) return;
  if (task.dataLength < Math.max(task.transferLength, form.headerBytes)) {
    failLength(task);
    return;
  }
  const descriptorLength = form.descriptorLength(memory, task.at);
  let start = form.headerBytes + descriptorLength;
  if (start > task.dataLength) {
    failLength(task);
    return;
  }
  if (!checkDescriptor(task, unit, memory, form.headerBytes, descriptorLength)) return;
  let control = -1;
  while (start < task.dataLength) {
    const page = checkPage(task, unit, bytes, start);
    if (page === null) return;
    if (page.code === CONTROL_PAGE) control = task.at + start;
    start += page.size;
  }
  if (control < 0) return;
  const isSet = ({ offset, mask }: { offset: number; mask: number }): boolean =>
    (bytes[control + offset]! & mask) !== 0;
  services.changeState(task, {
    kind: 'control',
    descriptorSense: isSet(ControlField.D_SENSE),
    writeProtected: isSet(ControlField.SWP),
  });
  yield;
}

function command(form: Form): ColdCommand {
  return {
    name: form.name,
    movement: Movement.listOut,
    anyLun: false,
    beforeAttention: false,
    length: (task) => {
      const flags = task.cdb.getUint8(1);
      const length = form.listLength(task.cdb);
      if ((flags & (SP | RTD)) !== 0 || (length !== 0 && (flags & PF) === 0)) failField(task, 1);
      return length;
    },
    run: (task, services) => select(task, services, form),
  };
}

export const modeSelect6 = command({
  name: 'MODE SELECT(6)',
  listLength: (cdb) => cdb.getUint8(4),
  headerBytes: 4,
  descriptorLength: (view, at) => view.getUint8(at + 3),
});

export const modeSelect10 = command({
  name: 'MODE SELECT(10)',
  listLength: (cdb) => cdb.getUint16(7),
  headerBytes: 8,
  descriptorLength: (view, at) => view.getUint16(at + 6),
});
