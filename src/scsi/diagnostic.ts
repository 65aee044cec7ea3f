// SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-5): the default self-test, and the list of diagnostic pages, which is that list.
// What is wrong with a disk, its own commands say; there is nothing here that a test could find beyond them.

import { InquiryCdb } from './cdb.ts';
import { type ColdCommand, LIST, REPLY } from './cold-command.ts';
import { checkReady } from './medium.ts';
import { reply } from './reply.ts';
import { failField, failListLength, failParameter } from './sense.ts';
import type { Task } from './task.ts';

/** Byte 1 of SEND DIAGNOSTIC. PF: the list is a page. */
const SELF_TEST_CODE = 0xe0;
const PF = 0x10;
const SELF_TEST = 0x04;
/** PCV, byte 1 of RECEIVE DIAGNOSTIC RESULTS: a page is asked for. Without it, it is the page of the last SEND DIAGNOSTIC. */
const PCV = 0x01;

/** The supported diagnostic pages page, which lists itself. */
const SUPPORTED_PAGES = Uint8Array.of(0x00, 0, 0, 1, 0x00);

/** A page by which nothing is set: its code, and no length. */
const PAGE_BYTES = 4;

/** Asks for the list of pages, to be had by RECEIVE DIAGNOSTIC RESULTS: nobody needs to ask, and whoever has one page has this one (SPC-4). */
function checkPage(task: Task, view: DataView): void {
  if (task.dataLength !== PAGE_BYTES || task.transferLength !== PAGE_BYTES) failListLength(task);
  else if (view.getUint8(task.at) !== SUPPORTED_PAGES[0]) failParameter(task, 0);
  else if (view.getUint16(task.at + 2) !== 0) failParameter(task, 2);
}

/** Whether the unit can be used is what the default self-test finds out. Other tests would leave results in a log page that is not there. */
export const sendDiagnostic: ColdCommand = {
  ...LIST,
  name: 'SEND DIAGNOSTIC',
  decode: (task) => {
    const flags = InquiryCdb.flags.get(task.cdb, 0);
    const length = InquiryCdb.length.get(task.cdb, 0);
    if ((flags & SELF_TEST_CODE) !== 0) failField(task, InquiryCdb.flags.offset);
    else if (length !== 0 && (flags & (PF | SELF_TEST)) !== PF) failField(task, InquiryCdb.length.offset);
    return length;
  },
  run: (task, unit, services) => {
    if (task.transferLength !== 0) checkPage(task, services.view);
    else if ((InquiryCdb.flags.get(task.cdb, 0) & SELF_TEST) !== 0) checkReady(task, unit);
  },
};

export const receiveDiagnosticResults: ColdCommand = {
  ...REPLY,
  name: 'RECEIVE DIAGNOSTIC RESULTS',
  decode: ({ cdb }) => InquiryCdb.length.get(cdb, 0),
  run: (task, _unit, services) => {
    const asks = (InquiryCdb.flags.get(task.cdb, 0) & PCV) !== 0;
    if (asks && InquiryCdb.pageCode.get(task.cdb, 0) !== 0) failField(task, InquiryCdb.pageCode.offset);
    else reply(task, services, SUPPORTED_PAGES);
  },
};
