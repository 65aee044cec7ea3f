// GET LBA STATUS (SBC-4): which blocks are mapped. What the file system has allocated below is not asked:
// everything is "mapped or unknown", which is always true and costs an initiator some reading of zeroes.

import { Cdb16 } from './cdb.ts';
import type { ColdCommand } from './cold-command.ts';
import { checkRange, checkReady } from './medium.ts';
import { blank, reply } from './reply.ts';
import { Movement } from './task.ts';

const HEADER_BYTES = 8;
const DESCRIPTOR_BYTES = 16;

export const getLbaStatus: ColdCommand = {
  name: 'GET LBA STATUS',
  movement: Movement.replyIn,
  anyLun: false,
  beforeAttention: false,
  length: (task) => task.cdb.getUint32(10),
  run: (task, services) => {
    const unit = task.unit!;
    const lba = Cdb16.lba.get(task.cdb, 0);
    if (!checkReady(task, unit) || !checkRange(task, unit, lba, 1)) return;
    const { bytes, view } = blank(HEADER_BYTES + DESCRIPTOR_BYTES);
    view.setUint32(0, bytes.length - 4);
    view.setBigUint64(HEADER_BYTES, BigInt(lba));
    view.setUint32(HEADER_BYTES + 8, Math.min(unit.blockCount - lba, 0xffff_ffff));
    reply(task, services, bytes);
  },
};
