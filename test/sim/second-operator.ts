// A second operator of a simulated target, who goes on whatever is under way: takes units, or the target with all of them, out and puts them
// back as they were, limits, drains, ends sessions. And the thread of the custom disk ends, which he has to mend.
// What that does is control/administration.ts's; the first operator is operator.ts's.

import type { Withdrawal } from '../../src/control/administration.ts';
import { Violation } from './clock.ts';
import { Operator } from './operator.ts';
import { Lun, TARGET_NAME } from './target.ts';
import type { SimUnit } from './unit.ts';

/** Every worker keeps to a limit after this long. */
const HEARD_MS = 100;

/** See the file's head. */
export class SecondOperator extends Operator {
  /** The target is away, or is not as it is meant to stay: what comes back is as it went. */
  #targetChanging = false;
  /** Nothing of any initiator's is under way. */
  readonly #isQuiet: () => boolean;

  constructor(isQuiet: () => boolean, ...rest: ConstructorParameters<typeof Operator>) {
    super(...rest);
    this.#isQuiet = isQuiet;
  }

  override act({ losesDisks = false } = {}): void {
    const { random } = this;
    const unit = random.pick(this.units);
    const custom = this.units.find(({ lun }) => lun === Lun.CUSTOM);
    const action = random.weighted({
      takeUnitOut: 2,
      takeTargetOut: 1,
      limit: 2,
      limitInitiators: 1,
      drain: 1,
      goOffline: 1,
      endSessions: 1,
      loseDisk: losesDisks && custom !== undefined ? 3 : 0,
    });
    const concerned = action === 'takeTargetOut' ? this.units : [action === 'loseDisk' ? custom! : unit];
    if (concerned.some(({ changing }) => changing)) return;
    const ofTarget = ['takeTargetOut', 'limitInitiators', 'goOffline'].includes(action);
    if (ofTarget && this.#targetChanging) return;
    this.clock.note(`second operator: ${action} (LUN ${unit.lun})`);
    this.clock.mainTouched = true;
    switch (action) {
      case 'takeUnitOut':
        this.begin(() => this.#takeUnitOut(unit));
        return;
      case 'takeTargetOut':
        this.begin(() => this.#takeTargetOut());
        return;
      case 'limit':
        this.begin(() => this.#limit(unit));
        return;
      case 'loseDisk':
        this.begin(() => this.#loseDisk(custom!));
        return;
      default:
        this.begin(() => this.#disturbLogins(action));
    }
  }

  /** Something that is undone after a while. Others may do the same meanwhile, or the opposite. */
  async #disturbLogins(action: 'limitInitiators' | 'drain' | 'goOffline' | 'endSessions'): Promise<void> {
    const { administration } = this.target.plane;
    const iops = this.random.pick([50, 500]);
    if (action === 'endSessions') {
      // Each of them twice.
      const tsihs = administration.sessions().map(({ tsih }) => tsih);
      await Promise.all([...tsihs, ...tsihs].map((tsih) => administration.endSession(tsih)));
      return;
    }
    if (action === 'drain') administration.drain('simulated');
    else this.#targetChanging = true;
    if (action === 'goOffline') administration.setState(TARGET_NAME, 'offline');
    const limits = { iops, burstMs: this.random.pick([10, 1000]) };
    if (action === 'limitInitiators')
      administration.changeTarget(TARGET_NAME, { initiatorLimits: [{ initiators: ['*'], ...limits }] });
    await this.pass(this.random.between(1, 1000));
    if (action === 'drain') administration.drain('');
    else this.#targetChanging = false;
    if (action === 'goOffline') administration.setState(TARGET_NAME, 'online');
    if (action === 'limitInitiators') administration.changeTarget(TARGET_NAME, { initiatorLimits: [] });
  }

  async #takeUnitOut(unit: SimUnit): Promise<void> {
    const { administration } = this.target.plane;
    await this.#takeOut([unit], () => administration.withdrawUnit(TARGET_NAME, unit.lun));
  }

  async #takeTargetOut(): Promise<void> {
    const { administration } = this.target.plane;
    this.#targetChanging = true;
    this.target.goneUntil = Number.POSITIVE_INFINITY;
    await this.#takeOut(this.units, () => administration.withdrawTarget(TARGET_NAME));
    this.target.goneUntil = this.clock.now;
    this.#targetChanging = false;
  }

  /** What comes back has all that it had, reservations and the content of memory included. */
  async #takeOut(units: readonly SimUnit[], withdraw: () => Promise<Withdrawal | undefined>): Promise<void> {
    for (const unit of units) {
      unit.changing = true;
      unit.backAt = Number.POSITIVE_INFINITY;
      unit.attentions.forgetDue();
    }
    this.tellOfLuns();
    // A program's disk is not closed.
    const files = units.filter(({ lun }) => lun !== Lun.CUSTOM);
    const closes = files.map(({ lun }) => this.target.keepStorage(lun));
    const withdrawal = await withdraw();
    for (const close of closes) await close();
    for (const { lun } of files) this.judgeGone(lun);
    await this.pass(this.random.between(1, 300));
    this.tellOfLuns();
    await withdrawal!.restore();
    for (const unit of units) {
      unit.backAt = this.clock.now;
      unit.changing = false;
    }
  }

  async #limit(unit: SimUnit): Promise<void> {
    const { administration } = this.target.plane;
    unit.changing = true;
    const limits = { iops: this.random.pick([10, 20, 200]), burstMs: this.random.pick([10, 500]) };
    administration.limitUnit(TARGET_NAME, unit.lun, limits);
    const since = this.clock.now + HEARD_MS;
    unit.limited = { since, ran: 0 };
    await this.pass(this.random.between(200, 3000));
    const { ran } = unit.limited;
    unit.limited = null;
    const most = Math.ceil((limits.iops * (this.clock.now - since + limits.burstMs)) / 1000) + 1;
    if (ran > most) throw new Violation('limits are kept', `LUN ${unit.lun}: ${ran} commands instead of ${most}`);
    // To lift a limit starts what waits for it, so that nobody would hear of what had been forgotten: some last until nothing waits.
    if (this.random.chance(0.7)) await this.until(this.#isQuiet);
    administration.limitUnit(TARGET_NAME, unit.lun, undefined);
    unit.changing = false;
  }

  async #loseDisk(unit: SimUnit): Promise<void> {
    unit.changing = true;
    await this.target.loseDisk(this.random.pick([0, 0, 300, 3000]));
    await this.pass(this.random.between(1, 1000));
    await this.removeAndAdd(unit);
  }
}
