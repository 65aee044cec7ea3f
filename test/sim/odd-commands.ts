// Commands whose initiator expects something else than their CDB says: more or less data, data the other way, or both ways (RFC 7143 §11.3).
// What comes of that is in the residual, which task.ts checks; what the blocks may hold, as with all others, is block-model.ts's.

import { OperationCode } from '../../src/scsi/cdb.ts';
import { cdb10, settle, transfersMax } from './commands.ts';
import type { Random } from './random.ts';
import { type Command, Status } from './task.ts';
import type { SimUnit } from './unit.ts';

const nothing = (): void => {};

/** Makes such commands. */
export class OddCommands {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** One for the unit. */
  command(unit: SimUnit, who: string): Command {
    const kind = this.#random.weighted({ read: 6, write: 6, wrongWay: 1, nothing: 1 });
    if (kind === 'read') return this.#read(unit, who);
    if (kind === 'write') return this.#write(unit);
    return kind === 'wrongWay' ? this.#wrongWay(unit) : this.#nothing(unit);
  }

  #range({ blocks }: SimUnit): { lba: number; count: number } {
    const random = this.#random;
    const count = random.between(1, random.chance(0.7) ? 4 : transfersMax(blocks));
    return { lba: random.between(0, Math.min(12, blocks.count - count)), count };
  }

  /** An Expected Data Transfer Length that is off by some bytes, by some blocks, or not at all. */
  #expected(length: number, blockSize: number): number {
    const random = this.#random;
    const off = random.pick([0, random.between(1, 600), random.between(1, 4) * blockSize]);
    return Math.max(0, random.chance(0.5) ? length + off : length - off);
  }

  /** A READ that brings less than its CDB asks for, leaves room, or comes with data that nobody asked for. */
  #read(unit: SimUnit, who: string): Command {
    const random = this.#random;
    const { blocks } = unit;
    const { lba, count } = this.#range(unit);
    const moves = count * blocks.blockSize;
    const expected = this.#expected(moves, blocks.blockSize);
    const writes = expected !== 0 && random.chance(0.3);
    const reads = !writes || random.chance(0.7);
    const read = reads ? Math.min(moves, expected) : 0;
    const look = blocks.look(lba, Math.floor(read / blocks.blockSize));
    return {
      name: `READ ${lba}+${count} into ${expected}${writes ? `, with W${reads ? ' as well' : ''}` : ''}`,
      lun: unit.lun,
      cdb: cdb10(OperationCode.READ_10, 0, lba, count),
      data: writes ? Buffer.alloc(expected, 0xdd) : null,
      unwanted: true,
      read,
      expected,
      moves: reads ? moves : 0,
      reads,
      access: 'read',
      answered: ({ status, data }) => {
        if (status === Status.GOOD) blocks.saw(look, data, `${who} READ`);
      },
      over: nothing,
    };
  }

  /** A WRITE with less data than its CDB says, whose last part of a block is dropped, or with more. */
  #write(unit: SimUnit): Command {
    const { blocks } = unit;
    const { lba, count } = this.#range(unit);
    const moves = count * blocks.blockSize;
    const expected = this.#expected(moves, blocks.blockSize);
    const change = blocks.begin(lba, Math.floor(Math.min(moves, expected) / blocks.blockSize), 'each');
    const data = Buffer.alloc(expected, 0xee);
    blocks.bytesOf(change).copy(data);
    return {
      name: `WRITE ${lba}+${count} from ${expected} of ${change.value(0)}`,
      lun: unit.lun,
      cdb: cdb10(OperationCode.WRITE_10, 0, lba, count),
      data,
      read: 0,
      expected,
      moves,
      reads: this.#random.chance(0.2),
      access: 'write',
      answered: (answer) => settle(blocks, change, answer, false),
      over: () => blocks.over(change),
    };
  }

  /** A WRITE whose data are to go the other way. */
  #wrongWay(unit: SimUnit): Command {
    const { lba, count } = this.#range(unit);
    const expected = count * unit.blocks.blockSize;
    return {
      name: `WRITE ${lba}+${count} with R`,
      lun: unit.lun,
      cdb: cdb10(OperationCode.WRITE_10, 0, lba, count),
      data: null,
      read: 0,
      expected,
      reads: true,
      access: 'write',
      isRefused: true,
      answered: nothing,
      over: nothing,
    };
  }

  /** TEST UNIT READY with data, or with room for some. */
  #nothing({ lun }: SimUnit): Command {
    const expected = this.#random.between(1, 2000);
    const writes = this.#random.chance(0.5);
    return {
      name: `TEST UNIT READY ${writes ? 'with' : 'for'} ${expected}`,
      lun,
      cdb: Buffer.alloc(6),
      data: writes ? Buffer.alloc(expected, 0xdd) : null,
      unwanted: true,
      read: 0,
      expected,
      moves: 0,
      reads: !writes,
      access: 'none',
      answered: nothing,
      over: nothing,
    };
  }
}
