// A logical unit as the initiators see it: what its blocks may hold, who reserved it, and when tasks may vanish without an answer.
// Shared by all initiators of a simulation.

import { AttentionModel } from './attention-model.ts';
import { BlockModel } from './block-model.ts';
import { ReservationModel } from './reservation-model.ts';
import { geometryOf, Lun } from './target.ts';

/** See the file's head. */
export class SimUnit {
  readonly lun: number;
  /** It takes UNMAP. */
  readonly thin: boolean;
  readonly blocks: BlockModel;
  readonly reservations = new ReservationModel();
  readonly attentions: AttentionModel;
  /** When it was, or may have been, away: commands sent before that may find no unit. */
  awaySince = Number.NEGATIVE_INFINITY;
  backAt = Number.NEGATIVE_INFINITY;
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

  constructor(lun: number, thin: boolean) {
    this.lun = lun;
    this.thin = thin;
    this.attentions = new AttentionModel(`LUN ${lun}`);
    const { count, blockSize } = geometryOf(lun);
    this.blocksMax = count;
    this.blocks = new BlockModel(`LUN ${lun}`, count, blockSize, lun === Lun.MEMORY);
  }

  /** What it holds may outlast a power cut. */
  get lasts(): boolean {
    return this.lun !== Lun.MEMORY;
  }

  /** Its reservations may outlast one (APTPL). */
  get keepsReservations(): boolean {
    return this.lun !== Lun.MEMORY && this.lun !== Lun.CUSTOM;
  }

  get present(): boolean {
    return this.backAt >= this.awaySince;
  }

  /** Whether it was away at any time since then. */
  wasAway(since: number): boolean {
    return !this.present || this.backAt >= since;
  }

  powerCut(): void {
    if (this.lasts) this.blocks.powerCut();
    else this.blocks.erase();
    this.reservations.powerCut();
    this.clearing = 0;
  }
}
