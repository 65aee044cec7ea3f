// A logical unit as the initiators see it: what its blocks may hold, who reserved it, and when tasks may vanish without an answer.
// Shared by all initiators of a simulation.

import { AttentionModel } from './attention-model.ts';
import { BlockModel } from './block-model.ts';
import { ReservationModel } from './reservation-model.ts';
import { geometryOf, Lun, OTHER_COUNT } from './target.ts';
import type { SimTask } from './task.ts';

/** Values that the blocks of one storage may have: more than any simulation writes. */
const VALUES = 1_000_000;

/** What a unit is in, and what is kept beside it. */
interface Storage {
  readonly blocks: BlockModel;
  readonly reservations: ReservationModel;
}

/** See the file's head. */
export class SimUnit {
  readonly lun: number;
  /** It takes UNMAP. */
  readonly thin: boolean;
  readonly #storages: readonly Storage[];
  #storage: Storage;
  readonly attentions: AttentionModel;
  /** It was, or may have been, away until then, and commands sent before find no unit; Infinity: it is. */
  backAt = Number.NEGATIVE_INFINITY;
  /** Nobody is to use it: another may have its place when nothing is under way. */
  closed = false;
  /** An operator is at it. */
  changing = false;
  /** It is limited, from some time on: how many READs and WRITEs that were sent since then have ended. */
  limited: { readonly since: number; ran: number } | null = null;
  /** Functions and changes under way that end tasks without an answer, of whoever sends them meanwhile. */
  disturbances = 0;
  /** Segments of copies under way that read or write it. */
  copies = 0;
  /** CLEAR TASK SETs under way. */
  clears = 0;
  /** Blocks that it may have by now: more than are used while it grows. */
  blocksMax: number;
  /** Clearing what is not known of the reservations takes three commands: how many of them are done. */
  clearing = 0;

  /** `isReplaced`: storage of another length may take the place of the first. */
  constructor(lun: number, thin: boolean, isReplaced: boolean) {
    this.lun = lun;
    this.thin = thin;
    this.attentions = new AttentionModel(`LUN ${lun}`);
    const { count, blockSize } = geometryOf(lun);
    const storage = (name: string, length: number, number: number): Storage => ({
      blocks: new BlockModel(name, length, blockSize, lun === Lun.MEMORY, (2 * lun + number) * VALUES + 1),
      reservations: new ReservationModel(),
    });
    this.#storage = storage(`LUN ${lun}`, count, 0);
    this.#storages = [this.#storage, ...(isReplaced ? [storage(`LUN ${lun}, replaced,`, OTHER_COUNT, 1)] : [])];
    this.blocksMax = count;
  }

  get blocks(): BlockModel {
    return this.#storage.blocks;
  }

  get reservations(): ReservationModel {
    return this.#storage.reservations;
  }

  get isReplaceable(): boolean {
    return this.#storages.length > 1;
  }

  /** Other storage is served in its place. */
  replace(): void {
    this.#storage = this.#storages.find((each) => each !== this.#storage)!;
    this.blocksMax = this.blocks.count;
    this.clearing = 0;
  }

  /** What it holds may outlast a power cut. */
  get lasts(): boolean {
    return this.lun !== Lun.MEMORY;
  }

  /** One of its commands has run: READs and WRITEs are limited. */
  countRun({ command: { name }, sentAt }: SimTask): void {
    if (this.limited !== null && sentAt >= this.limited.since && /^(READ|WRITE) \d/.test(name)) this.limited.ran++;
  }

  get present(): boolean {
    return this.backAt !== Number.POSITIVE_INFINITY;
  }

  /** Whether it was away at any time since then. */
  wasAway(since: number): boolean {
    return this.backAt >= since;
  }

  powerCut(): void {
    for (const { blocks, reservations } of this.#storages) {
      if (this.lasts) blocks.powerCut();
      else blocks.erase();
      reservations.powerCut();
    }
    this.clearing = 0;
  }
}
