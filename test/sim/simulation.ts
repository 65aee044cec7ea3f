// One simulation: a target, initiators and trouble, all drawn from one seed. Rounds of everything at once, each followed by rest, in which
// all that is under way must end, every block be read, every session leave, and nothing be left behind.

import { setImmediate } from 'node:timers/promises';
import { Scratch } from '../support/scratch.ts';
import { SimClock, Violation } from './clock.ts';
import { CopyCommands } from './copies.ts';
import { drawDiskFaults, drawNetworkFaults, FAULTS, type Fault, NO_DISK_FAULTS, NO_NETWORK_FAULTS } from './faults.ts';
import { Initiator } from './initiator.ts';
import { leftoversOf } from './leftovers.ts';
import { OddCommands } from './odd-commands.ts';
import { Operator } from './operator.ts';
import { Random } from './random.ts';
import { SecondOperator } from './second-operator.ts';
import { Lun, SimTarget } from './target.ts';
import { SimUnit } from './unit.ts';
import { Workload } from './workload.ts';

/** What a simulation is made from: nothing else decides what happens. */
export interface Plan {
  readonly seed: number;
  readonly initiators: number;
  readonly rounds: number;
  readonly faults: readonly Fault[];
}

/** What came of it. */
export interface Outcome {
  readonly plan: Plan;
  readonly steps: number;
  /** Simulated milliseconds. */
  readonly milliseconds: number;
  /** The same for two runs in which the same things happened. */
  readonly hash: number;
  readonly failure: Failure | null;
}

export interface Failure {
  readonly rule: string;
  readonly message: string;
  readonly step: number;
  readonly trace: readonly string[];
}

const TRACE_LINES = 60;
/** All that is under way has so many simulated milliseconds to end once nothing fails any more. */
const REST_MS = 120_000;

/** The plan of a seed, with everything switched on. */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  return { seed, initiators: random.between(1, 6), rounds: random.between(1, 4), faults: FAULTS };
}

/** Plays a plan. */
export async function simulate(plan: Plan): Promise<Outcome> {
  using scratch = new Scratch('sim', process.env['LUNARING_SIM_DIRECTORY']);
  const simulation = new Simulation(plan, scratch.path);
  return await simulation.run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #clock = new SimClock();
  readonly #random: Random;
  readonly #target: SimTarget;
  readonly #units: SimUnit[];
  readonly #initiators: Initiator[] = [];
  readonly #workload: Workload;
  readonly #operator: Operator;
  /** Chance of his is his own; null: there is none. */
  readonly #second: SecondOperator | null;
  #phase: 'busy' | 'over' | 'rest' = 'rest';
  #up = false;

  constructor(plan: Plan, directory: string) {
    this.#plan = plan;
    const random = new Random(plan.seed ^ 0x5eed);
    this.#random = random;
    const clock = this.#clock;
    // Its commands take long: every other simulation has none.
    const isLarge = this.#on('large unit') && new Random(plan.seed ^ 0x1a29e).chance(0.5);
    const isCustom = this.#on('custom disk') && new Random(plan.seed ^ 0xc0570).chance(0.5);
    const luns = Object.values(Lun).filter((lun) => (isLarge || lun !== Lun.LARGE) && (isCustom || lun !== Lun.CUSTOM));
    const direct = new Random(plan.seed ^ 0xd14ec);
    this.#target = new SimTarget({
      clock,
      luns,
      directLuns: this.#on('direct files') ? luns.filter(() => direct.chance(0.4)) : [],
      random: random.fork(),
      custom: new Random(plan.seed ^ 0xd15c),
      directory,
      workers: random.between(1, 3),
      untimely: this.#on('untimely crashes') ? new Random(plan.seed ^ 0xc2a54) : null,
      bellMs: this.#on('slow rings') ? random.pick([0.1, 1, 20]) : 0.1,
    });
    const isThin = (lun: number): boolean => lun !== Lun.CUSTOM || this.#target.custom.canUnmap;
    const isReplaced = (lun: number): boolean => this.#on('replacement') && lun === Lun.OTHER_FILE;
    this.#units = luns.map((lun) => new SimUnit(lun, isThin(lun), isReplaced(lun)));
    const world = {
      clock,
      units: this.#units,
      connect: (name: string) => {
        const link = this.#target.connect(name);
        if (!this.#up) link.reset();
        return link;
      },
      diskFailedAt: ({ lun }: SimUnit, senseKey: number) => this.#target.failedAt(lun, senseKey),
      diskTimeoutMs: ({ lun }: SimUnit) => (lun === Lun.CUSTOM ? this.#target.custom.timeoutMs : Infinity),
      diskOf: ({ lun }: SimUnit) => this.#target.diskOfLun(lun),
      recovers: this.#on('error recovery'),
      // Drawn from nobody else: without it, everything else is left to the same chance as with it.
      declarations: this.#on('declarations') ? new Random(plan.seed ^ 0xdec1a4e) : null,
      emptyData: this.#on('empty data') ? new Random(plan.seed ^ 0xe3917) : null,
      goneUntil: () => this.#target.goneUntil,
      isServed: (tsih: number) => this.#target.plane.sessions.find(tsih) !== undefined,
      tasksOf: (tsih: number) => this.#target.workers.tasksOf(tsih),
    };
    this.#workload = new Workload(random.fork(), () => this.#initiators, {
      on: (fault) => this.#on(fault),
      rivalry: this.#on('rivalry') ? new Random(plan.seed ^ 0x21ca1) : null,
      crawling: this.#on('crawling links') ? new Random(plan.seed ^ 0xc2a31) : null,
      copies: new CopyCommands(new Random(plan.seed ^ 0xc0b1e5)),
      odd: new OddCommands(new Random(plan.seed ^ 0x0dd)),
    });
    const scene = [this.#target, this.#units, this.#workload.orders, clock] as const;
    this.#operator = new Operator(...scene, random.fork());
    // When the power is about to fail nobody waits for anything.
    const isQuiet = (): boolean =>
      this.#phase === 'over' || (this.#phase === 'rest' && this.#initiators.every(({ idle }) => idle));
    this.#second = this.#on('second operator')
      ? new SecondOperator(isQuiet, ...scene, new Random(plan.seed ^ 0x5ec0d))
      : null;
    for (let index = 0; index < plan.initiators; index++) {
      this.#initiators.push(new Initiator(`host-${'abcdefgh'[index]}`, world, random.fork()));
    }
  }

  #on(fault: Fault): boolean {
    return this.#plan.faults.includes(fault);
  }

  async run(): Promise<Outcome> {
    let failure: Failure | null = null;
    const clock = this.#clock;
    try {
      this.#start();
      for (const initiator of this.#initiators) this.#pulse(initiator);
      for (let round = 0; round < this.#plan.rounds; round++) {
        clock.note(`round ${round}`);
        await this.#beBusy();
        if (this.#on('power cuts') && this.#random.chance(0.3)) await this.#cutPower();
        await this.#rest();
      }
    } catch (error) {
      const rule = error instanceof Violation ? error.rule : 'no invariant of the target breaks';
      const message = error instanceof Violation ? error.message : ((error as Error).stack ?? String(error));
      failure = { rule, message, step: clock.steps, trace: clock.traceEnd(TRACE_LINES) };
    } finally {
      this.#target.close();
    }
    return { plan: this.#plan, steps: clock.steps, milliseconds: clock.now, hash: clock.hash, failure };
  }

  #start(): void {
    this.#target.start();
    for (const { attentions } of this.#units)
      attentions.switchedOn(this.#initiators.map(({ initiatorName }) => initiatorName));
    this.#up = true;
  }

  /** Lets things happen until `done` holds; false: `limitMs` simulated milliseconds have passed. */
  async #until(done: () => boolean, limitMs: number): Promise<boolean> {
    const clock = this.#clock;
    const deadline = clock.now + limitMs;
    while (!done()) {
      if (clock.now > deadline || !clock.step()) return false;
      if (!clock.mainTouched) continue;
      clock.mainTouched = false;
      // Promises that have settled go on before anything else happens.
      await setImmediate();
    }
    return true;
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.#until(() => false, milliseconds);
  }

  /** An initiator's own time. */
  #pulse(initiator: Initiator): void {
    const { random } = initiator;
    this.#clock.after(this.#phase === 'busy' ? random.delay(3, 100) : random.between(20, 60), () => {
      initiator.pulse();
      const open = this.#units.filter(({ closed }) => !closed);
      if (this.#phase === 'busy')
        for (let more = random.between(1, 4); more > 0; more--) this.#workload.act(initiator, open);
      this.#pulse(initiator);
    });
  }

  // Rounds

  async #beBusy(): Promise<void> {
    const random = this.#random;
    const on = (fault: Fault): boolean => this.#on(fault);
    this.#target.trouble(drawDiskFaults(random, on), drawNetworkFaults(random, on));
    this.#phase = 'busy';
    this.#target.workers.fragile = true;
    for (let left = random.between(1, 5); left > 0; left--) {
      await this.#pass(random.between(20, 250));
      if (on('worker crashes') && random.chance(0.15))
        this.#target.workers.crash(random.between(0, this.#target.workers.all.length - 1));
      if (on('operator') && random.chance(0.3)) this.#operator.act();
      this.#second?.act({ losesDisks: on('lost disks') });
      this.#workload.crawl(this.#initiators);
    }
    this.#phase = 'over';
    this.#target.workers.fragile = false;
  }

  get #isAttended(): boolean {
    return !this.#operator.idle || this.#second?.idle === false;
  }

  async #cutPower(): Promise<void> {
    await this.#until(() => !this.#isAttended, REST_MS);
    this.#clock.note('the power fails');
    this.#up = false;
    this.#target.cutPower();
    for (const unit of this.#units) unit.powerCut();
    for (const initiator of this.#initiators) initiator.cutOff();
    await this.#pass(this.#random.between(1, 500));
    this.#start();
  }

  async #rest(): Promise<void> {
    const calm = (): boolean => !this.#isAttended && this.#initiators.every(({ idle, up }) => idle && up);
    this.#clock.note('rest');
    this.#phase = 'rest';
    this.#target.trouble(NO_DISK_FAULTS, NO_NETWORK_FAULTS);
    if (!(await this.#until(calm, REST_MS))) {
      const left = this.#initiators.map((initiator) => initiator.description).join('; ');
      throw new Violation('all that is under way ends', `operators ${this.#isAttended ? 'busy' : 'idle'}; ${left}`);
    }
    await this.#hearAll();
    await this.#readAll();
    if (!(await this.#until(() => this.#declarationsKnown(), REST_MS)))
      throw new Violation('main knows what was declared', this.#initiators.map((each) => each.description).join('; '));
    await this.#leave();
    this.#judgeLeftovers();
  }

  /** What main has of each connection's MaxRecvDataSegmentLength is the last that was declared. */
  #declarationsKnown(): boolean {
    const { sessions } = this.#target.plane;
    return this.#initiators.every(({ tsih, connections }) =>
      connections.every(({ cid, declaration }) => {
        const known = sessions.find(tsih)?.connections.get(cid)?.parameters.maxXmitDataSegmentLength;
        return known === undefined || declaration.uncertain || known === declaration.inForce;
      }),
    );
  }

  /** Who has to be told something asks. */
  async #hearAll(): Promise<void> {
    for (const unit of this.#units) {
      for (const initiator of this.#initiators) {
        // Others may wait before it, and a reservation of another's may be what is heard: some are never told.
        for (let left = 8; left > 0 && initiator.canSend && unit.attentions.owes(initiator); left--) {
          let ended = false;
          this.#workload.ask(initiator, unit, () => {
            ended = true;
          });
          if (!(await this.#until(() => ended, REST_MS)))
            throw new Violation('all that is under way ends', 'a TEST UNIT READY at rest');
        }
      }
    }
  }

  /** Every block is read, whoever has reserved it. */
  async #readAll(): Promise<void> {
    for (const unit of this.#units) {
      const seen = await this.#tryReading(unit);
      if (!seen && unit.reservations.known) {
        const anybody = this.#initiators.some((each) => unit.reservations.permits(each.initiatorName, 'read'));
        if (anybody) throw new Violation('every block can be read at rest', `LUN ${unit.lun}`);
      }
    }
  }

  async #tryReading(unit: SimUnit): Promise<boolean> {
    // Once for the unit attentions, several of which may wait.
    for (let attempt = 0; attempt < 8; attempt++) {
      for (const initiator of this.#initiators) {
        if (!initiator.canSend) continue;
        let worked: boolean | null = null;
        this.#workload.readAll(initiator, unit, (result) => {
          worked = result;
        });
        if (!(await this.#until(() => worked !== null, REST_MS)))
          throw new Violation('all that is under way ends', 'a READ at rest');
        if (worked) return true;
      }
    }
    return false;
  }

  /** Every session leaves. */
  async #leave(): Promise<void> {
    for (const initiator of this.#initiators) initiator.leave();
    const gone = (): boolean => this.#initiators.every(({ connections }) => connections.length === 0);
    if (!(await this.#until(gone, REST_MS))) throw new Violation('all that is under way ends', 'a logout');
    for (const { reservations } of this.#units) reservations.deserted();
    // What the target still has to do for itself: sockets to close, messages to pass on.
    await this.#until(() => leftoversOf(this.#target, this.#units) === null, REST_MS);
  }

  #judgeLeftovers(): void {
    const left = leftoversOf(this.#target, this.#units);
    if (left !== null) throw new Violation('nothing is left behind', left);
    for (const { attentions } of this.#units) attentions.deserted();
    for (const initiator of this.#initiators) initiator.comeBack();
  }
}
