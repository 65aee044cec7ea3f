// READ CAPACITY(10) and READ CAPACITY(16) (SBC-4): how many blocks, of which size.
// The capacity is main's to change; the unit's copy of it is what counts here.

import { Cdb16 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { PHYSICAL_BLOCK_BYTES } from './limits.ts';
import { checkLoaded } from './medium.ts';
import { blank, reply } from './reply.ts';
import { failField } from './sense.ts';
import type { Task } from './task.ts';

/** Partial medium indicator, obsolete since SBC-3: with it an LBA may be given, and the answer is the same. */
const PMI = 0x01;
/** Ask READ CAPACITY(16): the last LBA does not fit. */
const TOO_LARGE = 0xffff_ffff;

const LBPME_LBPRZ = 0x80 | 0x40;

/** An LBA without PMI is an initiator that means something else (SBC-2, the last to define the bit). */
function checkPartial(task: Task, lba: number, flags: number): boolean {
  return lba === 0 || (flags & PMI) !== 0 || failField(task, 2);
}

export const readCapacity10: ColdCommand = {
  ...REPLY,
  name: 'READ CAPACITY(10)',
  decode: () => 8,
  run: (task, unit, services) => {
    if (!checkPartial(task, task.cdb.getUint32(2), task.cdb.getUint8(8)) || !checkLoaded(task, unit)) return;
    const { bytes, view } = blank(8);
    view.setUint32(0, Math.min(unit.blockCount - 1, TOO_LARGE));
    view.setUint32(4, unit.blockSize);
    reply(task, services, bytes);
  },
};

export const readCapacity16: ColdCommand = {
  ...REPLY,
  name: 'READ CAPACITY(16)',
  decode: ({ cdb }) => Cdb16.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const { cdb } = task;
    const lba = cdb.getUint32(2) | cdb.getUint32(6);
    if (!checkPartial(task, lba, cdb.getUint8(14)) || !checkLoaded(task, unit)) return;
    const { bytes, view } = blank(32);
    view.setBigUint64(0, BigInt(unit.blockCount - 1));
    view.setUint32(8, unit.blockSize);
    bytes[13] = Math.max(0, Math.log2(PHYSICAL_BLOCK_BYTES / unit.blockSize));
    bytes[14] = unit.snapshot.thin ? LBPME_LBPRZ : 0;
    reply(task, services, bytes);
  },
};
