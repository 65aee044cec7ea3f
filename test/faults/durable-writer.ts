// Writes that are numbered, and knows of each whether it was sent, acknowledged, or on stable storage: what must be there after a failure.
// When the target fails is kill-rounds.ts's to choose.

import { Status } from '../../src/scsi/task.ts';
import { read16, synchronizeCache16, write16 } from '../support/cdbs.ts';
import type { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';

const BLOCK = 512;
/** One write: 4 KiB. */
const SLOT_BLOCKS = 8;
const SLOT_BYTES = SLOT_BLOCKS * BLOCK;
/** Slots of one connection; each write goes to the next. */
export const SLOTS_PER_LANE = 64;
/** Writes between two SYNCHRONIZE CACHE. */
const SYNC_EVERY = 5;

/** What is known of a slot, as numbers of writes; 0: it was never written. */
interface Slot {
  sent: number;
  acknowledged: number;
  synced: number;
}

/** The bytes of block `index` of a slot as write number `sequence` leaves it. */
function blockOf(slot: number, index: number, sequence: number): Buffer {
  if (sequence === 0) return Buffer.alloc(BLOCK);
  const block = noise(BLOCK, 1 + slot * 8191 + index * 131 + sequence * 65_537);
  block.writeUInt32BE(sequence, 0);
  return block;
}

function slotOf(slot: number, sequence: number): Buffer {
  return Buffer.concat(Array.from({ length: SLOT_BLOCKS }, (_, index) => blockOf(slot, index, sequence)));
}

/** What was found of a slot after a failure. */
export interface Inspection {
  /** Blocks older than what was acknowledged and synced: these are lost. */
  readonly lost: number;
  /** Blocks older than what was acknowledged, but never synced. */
  readonly unsynced: number;
  /** Blocks that no write made. */
  readonly damaged: number;
}

/** One connection's writes to slots of its own. Outlives the target and its connections. */
export class DurableWriter {
  /** Writes that were acknowledged. */
  writes = 0;
  /** Of these, on stable storage. */
  syncedWrites = 0;
  readonly #lane: number;
  readonly #slots: Slot[] = Array.from({ length: SLOTS_PER_LANE }, () => ({ sent: 0, acknowledged: 0, synced: 0 }));
  #next = 0;

  constructor(lane: number) {
    this.#lane = lane;
  }

  /**
   * Writes until the target is `killed`, which ends in the loss of the connection. What goes wrong before is an error, and a command that ends
   * with anything but GOOD is one at any time.
   */
  async write(initiator: RawInitiator, killed: AbortSignal): Promise<void> {
    try {
      for (let count = 1; !killed.aborted; count++) {
        await this.#writeOne(initiator);
        if (count % SYNC_EVERY === 0) await this.#sync(initiator);
      }
    } catch (error) {
      // What is not acknowledged is noted as sent.
      if (error instanceof BadStatus || !killed.aborted) throw error;
    }
  }

  async #writeOne(initiator: RawInitiator): Promise<void> {
    const index = this.#next++ % SLOTS_PER_LANE;
    const slot = this.#slots[index]!;
    const sequence = ++slot.sent;
    const data = slotOf(this.#number(index), sequence);
    const { status } = await initiator.command(write16(this.#lba(index), SLOT_BLOCKS), { write: data });
    if (status !== Status.GOOD) throw new BadStatus(`a WRITE ended with ${status}`);
    slot.acknowledged = sequence;
    this.writes++;
  }

  async #sync(initiator: RawInitiator): Promise<void> {
    const acknowledged = this.#slots.map((slot) => slot.acknowledged);
    const { writes } = this;
    const { status } = await initiator.command(synchronizeCache16());
    if (status !== Status.GOOD) throw new BadStatus(`a SYNCHRONIZE CACHE ended with ${status}`);
    for (const [index, slot] of this.#slots.entries()) slot.synced = acknowledged[index]!;
    this.syncedWrites = writes;
  }

  /** Reads every slot back, and goes on from what is there. */
  async inspect(initiator: RawInitiator): Promise<Inspection> {
    let [lost, unsynced, damaged] = [0, 0, 0];
    for (const [index, slot] of this.#slots.entries()) {
      const { data } = await initiator.command(read16(this.#lba(index), SLOT_BLOCKS), { read: SLOT_BYTES });
      let torn = false;
      for (let block = 0; block < SLOT_BLOCKS; block++) {
        const bytes = data.subarray(block * BLOCK, (block + 1) * BLOCK);
        const sequence = bytes.readUInt32BE(0);
        if (sequence > slot.sent || !blockOf(this.#number(index), block, sequence).equals(bytes)) damaged++;
        else if (sequence < slot.synced) lost++;
        else if (sequence < slot.acknowledged) unsynced++;
        torn ||= sequence !== slot.sent;
      }
      // What was under way may be there or not, or in part: from now on it is what the next write replaces.
      if (!torn) slot.acknowledged = slot.sent;
    }
    return { lost, unsynced, damaged };
  }

  #number(index: number): number {
    return this.#lane * SLOTS_PER_LANE + index;
  }

  #lba(index: number): number {
    return this.#number(index) * SLOT_BLOCKS;
  }
}

class BadStatus extends Error {}
