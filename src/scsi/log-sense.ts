// LOG SENSE and LOG SELECT (SPC-5): the log pages, which hold little: figures are for /metrics, not for initiators.
// What can be counted for an administrator is in ring/counters.ts.

import type { ColdCommand } from './cold-command.ts';
import { blank, joined, NO_DATA, reply } from './reply.ts';
import { failField } from './sense.ts';
import { Movement } from './task.ts';

/** Pages, in ascending order. */
const Page = { supported: 0x00, informationalExceptions: 0x2f } as const;
const ALL_SUBPAGES = 0xff;
/** SPF: the page has a subpage code. */
const SPF = 0x40;
/** SP: save the parameters; none can be. */
const SP = 0x01;

function logPage(code: number, subpage: number, body: Uint8Array): Uint8Array {
  const { bytes, view } = blank(4);
  bytes[0] = subpage === 0 ? code : SPF | code;
  bytes[1] = subpage;
  view.setUint16(2, body.length);
  return joined([bytes, body]);
}

/** One parameter, General: no exception (ASC 00h, ASCQ 00h), temperature unknown (FFh). Format and linking 11b: a binary list. */
const GENERAL = Uint8Array.of(0, 0, 0x03, 4, 0, 0, 0xff, 0);
/** Offset of PARAMETER POINTER: parameters with smaller codes are left out, and there is only 0. */
const PARAMETER_POINTER = 5;

/** The page asked for, or which byte of the CDB is wrong. */
function pageOf(cdb: DataView): Uint8Array | number {
  const code = cdb.getUint8(2) & 0x3f;
  const subpage = cdb.getUint8(3);
  const codes = Object.values(Page);
  switch (code) {
    case Page.supported:
      if (subpage === 0) return logPage(code, 0, Uint8Array.from(codes));
      if (subpage !== ALL_SUBPAGES) return 3;
      return logPage(code, subpage, Uint8Array.from([0, 0, 0, ALL_SUBPAGES, Page.informationalExceptions, 0]));
    case Page.informationalExceptions:
      if (subpage !== 0) return 3;
      return cdb.getUint16(PARAMETER_POINTER) === 0 ? logPage(code, 0, GENERAL) : PARAMETER_POINTER;
    default:
      return 2;
  }
}

export const logSense: ColdCommand = {
  name: 'LOG SENSE',
  movement: Movement.replyIn,
  anyLun: false,
  beforeAttention: false,
  length: (task) => task.cdb.getUint16(7),
  run: (task, services) => {
    if ((task.cdb.getUint8(1) & SP) !== 0) {
      failField(task, 1);
      return;
    }
    const found = pageOf(task.cdb);
    if (typeof found === 'number') failField(task, found);
    else reply(task, services, found);
  },
};

/** There is nothing to set; resetting what there is (PCR) changes nothing. */
export const logSelect: ColdCommand = {
  ...NO_DATA,
  name: 'LOG SELECT',
  run: (task) => {
    if ((task.cdb.getUint8(1) & SP) !== 0) failField(task, 1);
    else if (task.cdb.getUint16(7) !== 0) failField(task, 7);
  },
};
