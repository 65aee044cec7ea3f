// The operator of a simulated target: grows units, takes one away and brings it back, ends sessions. One thing at a time.
// What that does is control/administration.ts's; that initiators notice, and what they may lose by it, is in the models.

import { Attention } from './attention-model.ts';
import { type SimClock, Violation } from './clock.ts';
import { SECTOR } from './disk.ts';
import type { Orders } from './orders.ts';
import type { Random } from './random.ts';
import { Lun, type SimTarget, TARGET_NAME } from './target.ts';
import type { SimUnit } from './unit.ts';

/** Every worker has heard of a unit's new size after this long. */
const HEARD_MS = 500;
const BLOCKS_MAX = 512;
/** So long it waits for all that was sent to a unit to be over. */
const ALONE_MS = 20_000;
/** How often an operator who waits looks. */
const LOOK_MS = 20;

/** See the file's head. */
export class Operator {
  protected readonly target: SimTarget;
  protected readonly units: readonly SimUnit[];
  protected readonly orders: Orders;
  protected readonly clock: SimClock;
  protected readonly random: Random;
  #underWay = 0;

  constructor(target: SimTarget, units: readonly SimUnit[], orders: Orders, clock: SimClock, random: Random) {
    this.target = target;
    this.units = units;
    this.orders = orders;
    this.clock = clock;
    this.random = random;
  }

  /** Nothing of its doing is under way. */
  get idle(): boolean {
    return this.#underWay === 0;
  }

  act(): void {
    if (!this.idle) return;
    const custom = this.units.find(({ lun }) => lun === Lun.CUSTOM);
    const rest = this.units.filter(({ lun }) => lun > Lun.OTHER_FILE);
    const removable =
      rest.length !== 0 && this.random.chance(0.5) ? this.random.pick(rest) : this.units[Lun.OTHER_FILE]!;
    // What is to outlast a removal, or is cut short by it, is rare: more often when there is something of that kind.
    const remove = removable.reservations.aptpl || removable.copies !== 0 ? 12 : 2;
    const action = this.random.weighted({ grow: 2, remove, endSession: 3 });
    this.clock.note(`operator: ${action}`);
    this.clock.mainTouched = true;
    if (action === 'grow') this.#grow(custom !== undefined && this.random.chance(0.5) ? custom : this.units[Lun.FILE]!);
    else if (action === 'endSession') this.begin(() => this.#endSession());
    else if (!removable.changing) this.begin(() => this.removeAndAdd(removable));
  }

  protected begin(work: () => Promise<unknown>): void {
    this.#underWay++;
    work().then(
      () => this.#underWay--,
      (error: unknown) => {
        // Out of the promise, where it ends the simulation.
        this.clock.after(0, () => {
          throw error;
        });
      },
    );
  }

  #grow(unit: SimUnit): void {
    if (unit.changing) return;
    unit.changing = true;
    const blocks = Math.min(BLOCKS_MAX, unit.blocks.count + this.random.between(1, 64));
    unit.blocksMax = blocks;
    this.orders.tell(unit, Attention.CAPACITY_CHANGED);
    const owe = this.orders.owe(unit, Attention.CAPACITY_CHANGED);
    if (!this.target.plane.administration.growUnit(TARGET_NAME, unit.lun, blocks * SECTOR))
      throw new Error('no such unit');
    this.target.grown(unit.lun, blocks * SECTOR);
    this.#underWay++;
    this.clock.after(HEARD_MS, () => {
      this.#underWay--;
      unit.changing = false;
      unit.blocks.grow(blocks);
      owe(this.clock.now);
    });
  }

  protected async removeAndAdd(unit: SimUnit): Promise<void> {
    const { administration } = this.target.plane;
    unit.changing = true;
    unit.backAt = Number.POSITIVE_INFINITY;
    unit.attentions.forgetDue();
    this.tellOfLuns();
    const close = this.target.keepStorage(unit.lun);
    await administration.removeUnit(TARGET_NAME, unit.lun);
    const before = unit.blocks.tick();
    if (await close()) unit.blocks.synced(before);
    // Functions that only read may forget their time.
    if (unit.lun !== Lun.CUSTOM) this.judgeGone(unit.lun);
    if (this.target.diskOfLun(unit.lun)?.reopen()) unit.blocks.doubt();
    unit.reservations.away();
    await this.pass(this.random.between(1, 300));
    if (unit.isReplaceable && this.random.chance(0.5)) await this.#replace(unit);
    this.tellOfLuns();
    await administration.addUnit(TARGET_NAME, this.target.lunSettings(unit.lun));
    unit.backAt = this.clock.now;
    unit.closed = false;
    unit.changing = false;
  }

  /** Of a unit that is gone nothing is under way. */
  protected judgeGone(lun: number): void {
    const left = this.target.diskOfLun(lun)?.inFlight ?? 0;
    if (left !== 0) throw new Violation('nobody uses a unit that is gone', `LUN ${lun}: ${left} operations`);
  }

  /** Has other storage take the place of a unit's that is away, unless initiators go on and on: what they sent must not meet it. */
  async #replace(unit: SimUnit): Promise<void> {
    unit.closed = true;
    await this.until(() => this.orders.isLeftAlone(unit), ALONE_MS);
    if (!this.orders.isLeftAlone(unit)) return;
    this.clock.note(`operator: replaces LUN ${unit.lun}`);
    unit.replace();
    this.target.replace(unit.lun);
  }

  /** Looks again and again whether `holds`, for so long at most. */
  protected async until(holds: () => boolean, limitMs = Number.POSITIVE_INFINITY): Promise<void> {
    const deadline = this.clock.now + limitMs;
    while (!holds() && this.clock.now < deadline) await this.pass(LOOK_MS);
  }

  protected pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(milliseconds, () => {
        this.clock.mainTouched = true;
        resolve();
      });
    });
  }

  protected tellOfLuns(): void {
    for (const each of this.units) this.orders.tell(each, Attention.LUNS_CHANGED);
  }

  async #endSession(): Promise<void> {
    const { administration } = this.target.plane;
    const sessions = administration.sessions();
    if (sessions.length === 0) return;
    await administration.endSession(this.random.pick(sessions).tsih);
  }
}
