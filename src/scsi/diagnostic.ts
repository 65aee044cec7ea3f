// SEND DIAGNOSTIC and RECEIVE DIAGNOSTIC RESULTS (SPC-5): the default self-test, and the list of diagnostic pages, which is that list.
// What is wrong with a disk, its own commands say; there is nothing here that a test could find beyond them.

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
    const flags = task.cdb.getUint8(1);
    if ((flags & SELF_TEST_CODE) !== 0) failField(task, 1);
    else if (task.cdb.getUint16(3) !== 0) failField(task, 3);
    else if ((flags & SELF_TEST) !== 0) checkReady(task, unit);
  },
};

export const receiveDiagnosticResults: ColdCommand = {
  ...REPLY,
  name: 'RECEIVE DIAGNOSTIC RESULTS',
  decode: (task) => task.cdb.getUint16(3),
  run: (task, _unit, services) => {
    const asks = (task.cdb.getUint8(1) & PCV) !== 0;
    if (asks && task.cdb.getUint8(2) !== 0) failField(task, 2);
    else reply(task, services, SUPPORTED_PAGES);
  },
};
