// The commands that simulated initiators send to blocks, each with what its answer means for what the blocks may hold.
// When they are sent, and by whom, is workload.ts's.

import { OperationCode, ServiceActionIn16 } from '../../src/scsi/cdb.ts';
import type { BlockModel, Change } from './block-model.ts';
import { Violation } from './clock.ts';
import type { Random } from './random.ts';
import { LARGE_BLOCK_BYTES } from './target.ts';
import { type Answer, type Command, Status } from './task.ts';
import type { SimUnit } from './unit.ts';

const FUA = 0x08;
const BYTE_CHECK = 0x02;
const UNMAP_BIT = 0x08;
const MISCOMPARE = 0x0e;

/** Sense keys of commands that did nothing. */
const REFUSED: readonly number[] = [5, 6];

/** Settles what a command changed, by its answer. */
export function settle(blocks: BlockModel, change: Change, { status, senseKey }: Answer, durable: boolean): void {
  if (status === Status.GOOD) blocks.succeeded(change, durable);
  else if (status !== Status.CHECK_CONDITION || REFUSED.includes(senseKey) || senseKey === MISCOMPARE)
    blocks.refused(change);
  else blocks.over(change);
}

export function cdb10(opcode: number, flags: number, lba: number, blocks: number): Buffer {
  const cdb = Buffer.from([opcode, flags, 0, 0, 0, 0, 0, 0, 0, 0]);
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(blocks, 7);
  return cdb;
}

/** Blocks that a command reads or writes at most: half a unit, or all of a large one, which takes several pieces. */
export function transfersMax({ count, blockSize }: BlockModel): number {
  return blockSize === LARGE_BLOCK_BYTES ? count : 64;
}

/** Makes commands for the blocks of a unit. */
export class BlockCommands {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A range: mostly short, and often one that others use as well. */
  #range(blocks: BlockModel, most: number): { lba: number; count: number } {
    const random = this.#random;
    const count = Math.min(random.chance(0.7) ? random.between(1, 4) : random.between(1, most), blocks.count);
    const reach = blocks.count - count;
    return { lba: random.chance(0.5) ? Math.min(reach, random.between(0, 12)) : random.between(0, reach), count };
  }

  read({ lun, blocks }: SimUnit, who: string, whole = false): Command {
    const { lba, count } = whole ? { lba: 0, count: blocks.count } : this.#range(blocks, transfersMax(blocks));
    const look = blocks.look(lba, count);
    return {
      name: `READ ${lba}+${count}`,
      lun,
      cdb: cdb10(OperationCode.READ_10, this.#random.chance(0.1) ? FUA : 0, lba, count),
      data: null,
      read: count * blocks.blockSize,
      access: 'read',
      answered: ({ status, data }) => {
        if (status === Status.GOOD) blocks.saw(look, data, `${who} READ`);
      },
      over: () => {},
    };
  }

  write({ lun, blocks, lasts }: SimUnit): Command {
    const { lba, count } = this.#range(blocks, transfersMax(blocks));
    const durable = this.#random.chance(0.3);
    const change = blocks.begin(lba, count, 'each');
    return {
      name: `WRITE ${lba}+${count}${durable ? ' FUA' : ''} of ${change.value(0)}`,
      lun,
      cdb: cdb10(OperationCode.WRITE_10, durable ? FUA : 0, lba, count),
      data: blocks.bytesOf(change),
      read: 0,
      access: 'write',
      lasts: durable ? 'own' : undefined,
      answered: (answer) => settle(blocks, change, answer, durable && lasts),
      over: () => blocks.over(change),
    };
  }

  /** WRITE SAME(16) of a block, or of nothing with UNMAP. */
  writeSame({ lun, blocks, thin }: SimUnit): Command {
    const { lba, count } = this.#range(blocks, 48);
    const unmaps = this.#random.chance(0.3);
    const change = blocks.begin(lba, count, unmaps ? 'zero' : 'same');
    const cdb = Buffer.alloc(16);
    cdb[0] = OperationCode.WRITE_SAME_16;
    cdb[1] = unmaps ? UNMAP_BIT : 0;
    cdb.writeUInt32BE(lba, 6);
    cdb.writeUInt32BE(count, 10);
    return {
      name: `WRITE SAME ${lba}+${count} of ${change.value(0)}`,
      lun,
      cdb,
      data: blocks.bytesOf(change).subarray(0, blocks.blockSize),
      read: 0,
      isRefused: unmaps && !thin,
      access: 'write',
      answered: (answer) => settle(blocks, change, answer, false),
      over: () => blocks.over(change),
    };
  }

  unmap({ lun, blocks, thin }: SimUnit): Command {
    const { lba, count } = this.#range(blocks, 32);
    const change = blocks.begin(lba, count, 'zero');
    const list = Buffer.alloc(24);
    list.writeUInt16BE(22, 0);
    list.writeUInt16BE(16, 2);
    list.writeUInt32BE(lba, 12);
    list.writeUInt32BE(count, 16);
    return {
      name: `UNMAP ${lba}+${count}`,
      lun,
      cdb: Buffer.from([OperationCode.UNMAP, 0, 0, 0, 0, 0, 0, 0, list.length, 0]),
      data: list,
      read: 0,
      isRefused: !thin,
      access: 'write',
      answered: (answer) => settle(blocks, change, answer, false),
      over: () => blocks.over(change),
    };
  }

  /** VERIFY(10), of what is on the medium or of data that is sent along. */
  verify({ lun, blocks }: SimUnit, who: string): Command {
    const { lba, count } = this.#range(blocks, transfersMax(blocks) / 4);
    const compares = this.#random.chance(0.6);
    const look = blocks.look(lba, count);
    const values = Array.from({ length: count }, (_, index) => blocks.guess(lba + index));
    const data = blocks.bytesOf({ count, value: (index) => values[index]! });
    return {
      name: `VERIFY ${lba}+${count}`,
      lun,
      cdb: cdb10(OperationCode.VERIFY_10, compares ? BYTE_CHECK : 0, lba, count),
      data: compares ? data : null,
      read: 0,
      access: 'read',
      answered: ({ status, senseKey }) => {
        if (!compares) return;
        if (status === Status.GOOD) blocks.compared(look, values, true, `${who} VERIFY`);
        else if (senseKey === MISCOMPARE) blocks.compared(look, values, false, `${who} VERIFY`);
      },
      over: () => {},
    };
  }

  /** COMPARE AND WRITE: of values that no other ever has, so that each can be replaced by one such command only. */
  compareAndWrite({ lun, blocks }: SimUnit, who: string): Command {
    const { lba } = this.#range(blocks, 1);
    const count = Math.min(this.#random.between(1, 3), blocks.count - lba);
    const look = blocks.look(lba, count);
    const values = Array.from({ length: count }, (_, index) => blocks.guess(lba + index));
    const change = blocks.begin(lba, count, 'each');
    const cdb = Buffer.alloc(16);
    cdb[0] = OperationCode.COMPARE_AND_WRITE;
    cdb.writeUInt32BE(lba, 6);
    cdb[13] = count;
    return {
      name: `COMPARE AND WRITE ${lba}+${count} of ${values[0]} by ${change.value(0)}`,
      lun,
      cdb,
      data: Buffer.concat([blocks.bytesOf({ count, value: (index) => values[index]! }), blocks.bytesOf(change)]),
      read: 0,
      access: 'write',
      answered: (answer) => {
        if (answer.status === Status.GOOD) {
          blocks.compared(look, values, true, `${who} COMPARE AND WRITE`, change);
          for (const [index, value] of values.entries()) {
            // A copy may have brought it back.
            if (blocks.mayBeCopied(look, index, value)) blocks.replaced.delete(replacement(value, lba + index));
            else replace(blocks.replaced, value, lba + index, `${who} on LUN ${lun}`);
          }
        } else if (answer.senseKey === MISCOMPARE) {
          blocks.compared(look, values, false, `${who} COMPARE AND WRITE`, change);
        }
        settle(blocks, change, answer, false);
      },
      over: () => blocks.over(change),
    };
  }

  synchronize({ lun, blocks }: SimUnit): Command {
    const start = blocks.tick();
    return {
      name: 'SYNCHRONIZE CACHE',
      lun,
      cdb: cdb10(OperationCode.SYNCHRONIZE_CACHE_10, 0, 0, 0),
      data: null,
      read: 0,
      access: 'write',
      lasts: 'all',
      answered: ({ status }) => {
        if (status === Status.GOOD) blocks.synced(start);
      },
      over: () => {},
    };
  }

  /** READ CAPACITY(16): as long as the unit is known to be by all, or as it has been made meanwhile. */
  readCapacity(unit: SimUnit, who: string): Command {
    const { lun, blocks } = unit;
    const least = blocks.count;
    const cdb = Buffer.alloc(16);
    cdb[0] = OperationCode.SERVICE_ACTION_IN_16;
    cdb[1] = ServiceActionIn16.READ_CAPACITY_16;
    cdb[13] = 32;
    return {
      name: 'READ CAPACITY',
      lun,
      cdb,
      data: null,
      read: cdb[13],
      access: 'none',
      answered: ({ status, data }) => {
        if (status !== Status.GOOD) return;
        const count = Number(data.readBigUInt64BE(0)) + 1;
        const fits = count >= least && count <= unit.blocksMax && data.readUInt32BE(8) === blocks.blockSize;
        if (!fits) throw new Violation('a capacity is what the unit has', `${who} on LUN ${lun}: ${count} blocks`);
      },
      over: () => {},
    };
  }

  testUnitReady({ lun }: SimUnit): Command {
    const nothing = (): void => {};
    return {
      name: 'TEST UNIT READY',
      lun,
      cdb: Buffer.alloc(6),
      data: null,
      read: 0,
      access: 'none',
      answered: nothing,
      over: nothing,
    };
  }
}

/** A value that was replaced at a block, as a key. */
export function replacement(value: number, lba: number): number {
  return value * 65_536 + lba;
}

/** A value that was replaced by COMPARE AND WRITE is not there to be replaced again, at that block. */
function replace(replaced: Set<number>, value: number, lba: number, who: string): void {
  if (value === 0) return;
  const key = replacement(value, lba);
  if (replaced.has(key)) throw new Violation('COMPARE AND WRITE is atomic', `${who}: ${value} was replaced twice`);
  replaced.add(key);
}
