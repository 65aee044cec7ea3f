// Simulated workers: the real session code, each worker on an engine of its own, with real rings whose bells take their time.
// One may fail at any moment; another takes its place, as the supervisor would have it.

import type { CustomDisk } from '../../src/config/custom-lun.ts';
import type { SharedMemory } from '../../src/control/control-plane.ts';
import type { WorkerEvents, Workers } from '../../src/control/workers.ts';
import { allocateChannel, Channel } from '../../src/ring/channel.ts';
import { COUNTERS_PER_BLOCK } from '../../src/ring/counters.ts';
import { Exchange } from '../../src/ring/exchange.ts';
import { Figure } from '../../src/ring/figures.ts';
import type { FromWorker, ToWorker } from '../../src/ring/messages.ts';
import type { Bell, Parcel } from '../../src/ring/parcel.ts';
import { Turns } from '../../src/ring/turns.ts';
import { SessionHost } from '../../src/session/session-host.ts';
import type { SimClock } from './clock.ts';
import { DiskPort } from './custom-disk.ts';
import { ChanceEngine, type Surroundings } from './engine.ts';
import type { Random } from './random.ts';

/** What the workers run on. */
export interface WorkersOptions extends Omit<Surroundings, 'stopped'> {
  readonly count: number;
  /** Milliseconds that a bell takes now and then. */
  readonly bellMs: number;
  /** Chance of a worker's failing on a message, apart from all other; null: none does. */
  readonly untimely: Random | null;
  /** Units whose workers are told that their file bypasses the page cache: what the real one is opened with means nothing to a simulated disk. */
  readonly directLuns: readonly number[];
}

/** How likely a worker is to fail when it has just been sent something. */
const UNTIMELY = 0.004;

interface Worker {
  readonly engine: ChanceEngine;
  readonly host: SessionHost;
  readonly channel: Channel<ToWorker, FromWorker>;
  /** Of the threads of custom disks. */
  readonly bells: Bell[];
  running: boolean;
}

/** See the file's head. */
export class SimWorkers implements Workers {
  readonly turns = Turns.create();
  readonly #options: WorkersOptions;
  readonly #shared: SharedMemory;
  readonly #events: WorkerEvents;
  readonly #workers: Worker[] = [];
  readonly #clock: SimClock;
  readonly #random: Random;
  /** The power is off. */
  #off = false;
  crashes = 0;
  /** Messages may be the end of their worker. */
  fragile = false;

  constructor(options: WorkersOptions, shared: SharedMemory, events: WorkerEvents) {
    this.#options = options;
    this.#shared = shared;
    this.#events = events;
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** Starts all of them. */
  start(): void {
    for (let index = 0; index < this.#options.count; index++) this.#start(index);
  }

  /** Tasks of a session that have yet to end. */
  tasksOf(tsih: number): number {
    const sessions = this.#workers.flatMap(({ host }) => [...host.sessions]).filter((each) => each.tsih === tsih);
    let tasks = 0;
    for (const { firstTask } of sessions.flatMap(({ members }) => members))
      for (let task = firstTask; task !== null; task = task.nextInConnection) tasks++;
    return tasks;
  }

  /** Threads hear of each other as long as it takes a bell. */
  #later(hear: () => void): void {
    this.#clock.after(this.#random.delay(0.02, this.#options.bellMs), () => {
      if (!this.#off) hear();
    });
  }

  #start(index: number): void {
    this.#shared.unitFigures.writerEnded(index);
    const memory = allocateChannel();
    const parcels = new Map<number, Parcel>();
    this.#parcels[index] = parcels;
    const bell = (hear: () => void) => (): void => this.#later(hear);
    let worker: Worker;
    const down = new Channel<ToWorker, FromWorker>(
      memory.toWorker,
      memory.fromWorker,
      bell(() => worker.engine.wake()),
    );
    const up = new Channel<FromWorker, ToWorker>(
      memory.fromWorker,
      memory.toWorker,
      bell(() => this.#hear(index, worker)),
    );
    const engine = new ChanceEngine({ ...this.#options, stopped: () => {} });
    const host = new SessionHost({
      worker: index,
      turns: this.turns,
      lostWrites: this.#shared.lostWrites,
      meters: this.#shared.meters,
      unitFigures: this.#shared.unitFigures,
      sessionFigures: this.#shared.sessionFigures,
      counters: new Float64Array(COUNTERS_PER_BLOCK),
      uplink: (message) => up.send(message),
      onWoken: () => up.receive((message) => host.handle(message, (unit) => parcels.get(unit)!)),
    });
    engine.events = host;
    host.attach(engine);
    worker = { engine, host, channel: down, bells: [], running: true };
    this.#workers[index] = worker;
    this.#clock.mainTouched = true;
    this.#events.started(index);
  }

  readonly #parcels: Map<number, Parcel>[] = [];

  #hear(index: number, worker: Worker): void {
    if (this.#workers[index] !== worker) return;
    this.#clock.mainTouched = true;
    worker.channel.receive((message) => this.#take(index, message));
  }

  #take(index: number, message: FromWorker): void {
    // The fields of what is logged have paths, which are each run's own.
    if ('message' in message) this.#clock.note(`worker ${index}: ${message.message}`);
    else this.#clock.note(`worker ${index} says ${JSON.stringify(message)}`);
    this.#events.message(index, message);
  }

  /** A worker fails. Its engine waits for the disks before anybody hears of it, and then another starts in its place. */
  crash(index: number): void {
    const worker = this.#workers[index]!;
    if (!worker.running || worker.engine.dead) return;
    this.crashes++;
    this.#clock.note(`worker ${index} crashes`);
    worker.engine.crash();
    const mourn = (): void => {
      if (this.#off) return;
      if (worker.engine.inFlight !== 0) {
        this.#clock.after(1, mourn);
        return;
      }
      worker.running = false;
      for (const disk of worker.bells) disk.close();
      this.#clock.mainTouched = true;
      worker.channel.receive((message) => this.#take(index, message));
      this.#events.lost(index, new Error('crashed'));
      const { untimely } = this.#options;
      if (untimely === null) this.#start(index);
      else this.#startIn(untimely.delay(20, 2000), index);
    };
    this.#clock.after(this.#random.delay(2, 50), mourn);
  }

  /** Until then there is one worker less, or none. */
  #startIn(delayMs: number, index: number): void {
    this.#clock.after(delayMs, () => {
      if (!this.#off) this.#start(index);
    });
  }

  /** Nothing of them is left. */
  cutPower(): void {
    this.#off = true;
    for (const { engine } of this.#workers) engine.dead = true;
  }

  get all(): readonly { readonly engine: ChanceEngine; readonly host: SessionHost }[] {
    return this.#workers;
  }

  /** Commands of a unit that are accepted and not answered, by its slot among the figures. */
  unitInFlight(slot: number): number {
    return this.#shared.unitFigures.total(slot)[Figure.inFlight]!;
  }

  isRunning(worker: number): boolean {
    return this.#workers[worker]?.running === true;
  }

  running(): number[] {
    return [...this.#workers.keys()].filter((index) => this.isRunning(index));
  }

  send(worker: number, message: ToWorker): void {
    if (!this.isRunning(worker)) return;
    this.#workers[worker]!.channel.send(message.type === 'unit' ? this.#described(message) : message);
    this.#failOn(worker);
  }

  #described(message: Extract<ToWorker, { type: 'unit' }>): ToWorker {
    const { unit } = message;
    const { backend } = unit;
    if (backend.kind !== 'file' || !this.#options.directLuns.includes(unit.lun)) return message;
    return { ...message, unit: { ...unit, backend: { ...backend, direct: true } } };
  }

  /** Before it has heard the message, while it acts on it, or when it has. */
  #failOn(worker: number): void {
    const { untimely, bellMs } = this.#options;
    if (untimely === null || !this.fragile || !untimely.chance(UNTIMELY)) return;
    this.#clock.after(untimely.fraction() * (bellMs + 2), () => {
      if (!this.#off) this.crash(worker);
    });
  }

  answering(index: number): (message: ToWorker) => void {
    const worker = this.#workers[index]!;
    return (message) => {
      if (worker.running) worker.channel.send(message);
    };
  }

  broadcast(message: ToWorker): void {
    for (const index of this.#workers.keys()) this.send(index, message);
  }

  sendBuffer(worker: number, unit: number, memory: SharedArrayBuffer): void {
    this.#parcels[worker]!.set(unit, { unit, memory });
  }

  connectDisk(worker: number, unit: number, disk: CustomDisk): void {
    const { engine, bells } = this.#workers[worker]!;
    const later = (run: () => void): void =>
      this.#later(() => {
        this.#clock.mainTouched = true;
        run();
      });
    const { bell, port } = new DiskPort(later, () => engine.wake());
    const memory = Exchange.allocate(disk.concurrency);
    bells.push(bell);
    this.#parcels[worker]!.set(unit, { unit, memory, bell });
    disk.connect({ memory, port, wakeFd: -1 });
  }
}
