// INQUIRY (SPC-5): what a unit is, and who made it. Answers for every LUN, at any time, whatever state the unit is in.
// The vital product data pages are vpd.ts's.

import { InquiryCdb } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { ascii, blank, reply } from './reply.ts';
import { failField } from './sense.ts';
import type { Task } from './task.ts';
import { PRODUCT_ID, peripheral, VENDOR_ID, vitalProductData } from './vpd.ts';

const EVPD = 0x01;
/** CMDDT: obsolete since SPC-3, and refused rather than misunderstood. */
const CMDDT = 0x02;

const STANDARD_BYTES = 96;
const REMOVABLE = 0x80;
/** SPC-4: the newest that initiators in use know. What is newer is told by the version descriptors. */
const VERSION = 0x06;
/** HISUP, and response data format 2. */
const RESPONSE_FORMAT = 0x12;
/** Asymmetric access, implicit and explicit: REPORT and SET TARGET PORT GROUPS. */
const TPGS_BOTH = 0x30;
/** Third-party copy: EXTENDED COPY is here. */
const THREE_PC = 0x08;
/** More than one target port, which VPD page 88h lists. */
const MULTIP = 0x10;
const CMDQUE = 0x02;
const PRODUCT_REVISION = '0.1';

/** Standards without a version claimed: SAM-5, iSCSI, SPC-5, SPC-4, SBC-4, SBC-3; in the order that SPC-5 asks for. */
const VERSION_DESCRIPTORS = [0x00a0, 0x0960, 0x05c0, 0x0460, 0x0600, 0x04c0];

function standardData(task: Task): Uint8Array {
  const { bytes, view } = blank(STANDARD_BYTES);
  bytes[0] = peripheral(task.unit);
  bytes[1] = task.unit?.snapshot.removable === true ? REMOVABLE : 0;
  bytes[2] = VERSION;
  bytes[3] = RESPONSE_FORMAT;
  bytes[4] = STANDARD_BYTES - 5;
  bytes[5] = TPGS_BOTH | THREE_PC;
  bytes[6] = (task.unit?.snapshot.portalGroups.length ?? 0) > 1 ? MULTIP : 0;
  bytes[7] = CMDQUE;
  bytes.set(ascii(VENDOR_ID, 8), 8);
  bytes.set(ascii(PRODUCT_ID, 16), 16);
  bytes.set(ascii(PRODUCT_REVISION, 4), 32);
  for (const [index, descriptor] of VERSION_DESCRIPTORS.entries()) view.setUint16(58 + 2 * index, descriptor);
  return bytes;
}

export const inquiry: ColdCommand = {
  ...REPLY,
  name: 'INQUIRY',
  anyLun: true,
  beforeAttention: true,
  decode: ({ cdb }) => InquiryCdb.length.get(cdb, 0),
  run: (task, _unit, services) => {
    const flags = InquiryCdb.flags.get(task.cdb, 0);
    const page = InquiryCdb.pageCode.get(task.cdb, 0);
    if ((flags & CMDDT) !== 0) {
      failField(task, InquiryCdb.flags.offset);
      return;
    }
    const vital = (flags & EVPD) !== 0;
    const data = vital ? vitalProductData(task, page) : page === 0 ? standardData(task) : null;
    if (data === null) failField(task, InquiryCdb.pageCode.offset);
    else reply(task, services, data);
  },
};
