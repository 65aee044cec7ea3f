// REPORT TARGET PORT GROUPS (SPC-5): every portal group is a target port in a group of its own, active and as good as any other.
// A nexus is told of the port it came through; the others it learns of through the nexuses it has with them.

import type { ColdCommand } from './cold-command.ts';
import { blank, joined, reply } from './reply.ts';
import { failField } from './sense.ts';
import { Movement } from './task.ts';

/** PARAMETER DATA FORMAT, bits 7-5 of byte 1. */
const Format = { lengthOnly: 0, extended: 1 } as const;
/** Asymmetric access state active/optimized (0h), which is the only one supported (AO_SUP). */
const AO_SUP = 0x01;

export const reportTargetPortGroups: ColdCommand = {
  name: 'REPORT TARGET PORT GROUPS',
  movement: Movement.replyIn,
  anyLun: false,
  beforeAttention: false,
  length: (task) => task.cdb.getUint32(6),
  run: (task, services) => {
    const format = task.cdb.getUint8(1) >>> 5;
    if (format > Format.extended) {
      failField(task, 1);
      return;
    }
    const { bytes: group, view } = blank(12);
    group[1] = AO_SUP;
    view.setUint16(2, task.nexus!.portalGroupTag);
    group[7] = 1;
    view.setUint16(10, task.nexus!.relativeTargetPort);
    const { bytes: header, view: headerView } = blank(format === Format.extended ? 8 : 4);
    headerView.setUint32(0, header.length - 4 + group.length);
    if (format === Format.extended) header[4] = Format.extended << 4;
    reply(task, services, joined([header, group]));
  },
};
