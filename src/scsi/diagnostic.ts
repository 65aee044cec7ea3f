// SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-5): the default self-test, and the list of diagnostic pages, which is that list.
// What is wrong with a disk, its own commands say; there is nothing here that a test could find beyond them.

import { InquiryCdb } from './cdb.ts';
import { type ColdCommand, NO_DATA, REPLY } from './cold-command.ts';
import { checkReady } from './medium.ts';
import { reply } from './reply.ts';
import { failField } from './sense.ts';

/** Byte 1 of SEND DIAGNOSTIC. */
const SELF_TEST_CODE = 0xe0;
const SELF_TEST = 0x04;
/** PCV, byte 1 of RECEIVE DIAGNOSTIC RESULTS: a page is asked for. Without it, it is the page of the last SEND DIAGNOSTIC. */
const PCV = 0x01;

/** The supported diagnostic pages page, which lists itself. */
const SUPPORTED_PAGES = Uint8Array.of(0x00, 0, 0, 1, 0x00);

/** Whether the unit can be used is what the default self-test finds out. Other tests would leave results in a log page that is not there. */
export const sendDiagnostic: ColdCommand = {
  ...NO_DATA,
  name: 'SEND DIAGNOSTIC',
  run: (task, unit) => {
    const flags = InquiryCdb.flags.get(task.cdb, 0);
    if ((flags & SELF_TEST_CODE) !== 0) failField(task, InquiryCdb.flags.offset);
    else if (InquiryCdb.length.get(task.cdb, 0) !== 0) failField(task, InquiryCdb.length.offset);
    else if ((flags & SELF_TEST) !== 0) checkReady(task, unit);
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
