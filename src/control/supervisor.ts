// Starts, watches, restarts and stops the workers, and carries messages to and from them (piscina: one endless task per thread).
// What the messages say concerns sessions, catalog and resets; which worker gets a session is decided in handoff.ts.

import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import type { WorkerAssignment } from '../../workers/io-worker.ts';
import { LunaringError } from '../base/error.ts';
import type { CustomDisk } from '../config/custom-lun.ts';
import { close, createEventfd, duplicate, Resource, resourceLimit, ringEventfd } from '../kernel/libc.ts';
import { pageOffset, untouchedMemory } from '../kernel/memory.ts';
import { settingIn } from '../kernel/sysctl.ts';
import { Begin } from '../ring/begin.ts';
import { allocateChannel, Channel } from '../ring/channel.ts';
import { Counter, Counters } from '../ring/counters.ts';
import { Exchange } from '../ring/exchange.ts';
import type { FromWorker, ToWorker } from '../ring/messages.ts';
import type { Parcel } from '../ring/parcel.ts';
import { Turns } from '../ring/turns.ts';
import type { SharedMemory } from './control-plane.ts';
import type { WorkerEvents, Workers } from './workers.ts';

/** How the workers are set up. */
export interface SupervisorOptions extends SharedMemory {
  readonly workers: number;
  readonly engine: 'uring' | 'posix';
  /** Per worker. */
  readonly slabBytes: number;
  /** See engine/busy-poll.ts. */
  readonly busyPollUs: number | 'auto';
  /** See engine/coalescing.ts. */
  readonly coalesceUs: number;
  /** Whether threads of the kernel take what workers submit. */
  readonly sqPoll: boolean;
  /** CPUs to pin workers to, one after another; none: no pinning. */
  readonly cpus: readonly number[];
}

/** A worker, as main sees it. */
export interface WorkerReading {
  readonly worker: number;
  readonly running: boolean;
  readonly restarts: number;
  /** Bytes of messages on their way to it, and from it. */
  readonly channel: { readonly out: number; readonly in: number };
  /** What it counts: by {@link Counter}. Changes while it is read. */
  readonly counters: Float64Array;
}

interface WorkerLink {
  readonly index: number;
  readonly begin: Begin;
  /** Ends a start that waits for a thread, or for one that loads: only while {@link begin} can be given up. */
  readonly start: AbortController;
  readonly channel: Channel<ToWorker, FromWorker>;
  readonly parcels: MessagePort;
  readonly bell: MessagePort;
  wakeFd: number;
  running: boolean;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** How often in a row the worker failed soon after its start. */
  quickFailures: number;
  /** How often it was started. */
  readonly starts: number;
  finished: Promise<void>;
}

const WORKER_FILE = new URL('../../workers/io-worker.js', import.meta.url).href;
/** Receive buffers: one worker's connections share them. */
const RECEIVE_BYTES = 4 * 1024 * 1024;
/** A worker that fails this often, each time within {@link QUICK_MS} of its start, would fail for ever. */
const QUICK_FAILURES_MAX = 5;
const QUICK_MS = 5000;

/** The workers. */
export class Supervisor implements Workers {
  readonly counters: Counters;
  readonly turns = Turns.create();
  readonly #options: SupervisorOptions;
  readonly #events: WorkerEvents;
  readonly #hopeless: (error: Error) => void;
  readonly #log: Logger;
  /** Null: nothing was started. */
  #pool: Piscina<WorkerAssignment, void> | null = null;
  readonly #links: WorkerLink[] = [];
  #stopping = false;

  /** `hopeless`: a worker fails again and again, there is no point in going on. */
  constructor(options: SupervisorOptions, events: WorkerEvents, hopeless: (error: Error) => void, log: Logger) {
    this.#options = options;
    this.#events = events;
    this.#hopeless = hopeless;
    this.#log = log;
    this.counters = Counters.create(options.workers);
  }

  get count(): number {
    return this.#options.workers;
  }

  /** Starts every worker; resolves when all of them serve. Throws a {@link LunaringError} when one can't be started. */
  async start(): Promise<void> {
    try {
      this.#pool = this.#makeThreads();
    } catch (error) {
      throw new LunaringError('LUNARING_WORKER', `the workers can't be started: ${explain(error as Error)}`, {
        cause: error,
      });
    }
    const ready = Array.from({ length: this.count }, (_, index) => this.#startWorker(index));
    await Promise.all(ready);
  }

  #makeThreads(): Piscina<WorkerAssignment, void> {
    const pool = new Piscina<WorkerAssignment, void>({
      filename: WORKER_FILE,
      minThreads: this.count,
      maxThreads: this.count,
      concurrentTasksPerWorker: 1,
      // A worker blocks in its engine: it can't wait for piscina's tasks as well.
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
    });
    // A thread that could not be made, or not load the worker, had no task yet: piscina has that wait for another, which may never come.
    pool.on('error', (error: Error) => {
      for (const { begin, start } of this.#links) if (begin.giveUp()) start.abort(error);
    });
    return pool;
  }

  isRunning(worker: number): boolean {
    return this.#links[worker]?.running === true;
  }

  send(worker: number, message: ToWorker): void {
    const link = this.#links[worker]!;
    if (link.running) link.channel.send(message);
  }

  answering(worker: number): (message: ToWorker) => void {
    const link = this.#links[worker]!;
    return (message) => {
      if (link.running) link.channel.send(message);
    };
  }

  broadcast(message: ToWorker): void {
    for (const { index } of this.#links) this.send(index, message);
  }

  running(): number[] {
    return this.#links.filter(({ running }) => running).map(({ index }) => index);
  }

  /** What there is to know of a worker without asking it. */
  reading(worker: number): WorkerReading {
    const { running, starts, channel } = this.#links[worker]!;
    return { worker, running, restarts: starts - 1, channel: channel.depth, counters: this.counters.block(worker) };
  }

  sendBuffer(worker: number, unit: number, memory: SharedArrayBuffer): void {
    const parcel: Parcel = { unit, memory };
    this.#links[worker]!.parcels.postMessage(parcel);
  }

  connectDisk(worker: number, unit: number, disk: CustomDisk): void {
    const { parcels, wakeFd } = this.#links[worker]!;
    // Under posix, which has no eventfd, V8 copies, and to that pages make no difference.
    const memory = Exchange.allocate(disk.concurrency, wakeFd < 0 ? undefined : pageOffset, untouchedMemory);
    const { port1, port2 } = new MessageChannel();
    // A descriptor of its own: the worker's may be closed, and its number another file's, while the disk still answers.
    disk.connect({ memory, port: port1, wakeFd: wakeFd < 0 ? -1 : duplicate(wakeFd) });
    const parcel: Parcel = { unit, memory, bell: port2 };
    parcels.postMessage(parcel, [port2]);
  }

  /** Asks every worker to end its sessions within `graceMs`, and resolves when the threads have ended. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.broadcast({ type: 'stop', graceMs });
    await Promise.all(this.#links.map(({ finished }) => finished));
    await this.#pool?.destroy();
    for (const link of this.#links) this.#release(link);
  }

  /** Starts worker `index`, for the first time or again. Resolves when it has said that it is ready; throws a {@link LunaringError} otherwise. */
  async #startWorker(index: number): Promise<void> {
    const { engine } = this.#options;
    const bells = new MessageChannel();
    const parcels = new MessageChannel();
    const memory = allocateChannel();
    const ring = engine === 'uring' ? () => ringEventfd(link.wakeFd) : () => bells.port1.postMessage(0);
    const channel = new Channel<ToWorker, FromWorker>(memory.toWorker, memory.fromWorker, ring);
    const previous = this.#links[index];
    const link: WorkerLink = {
      index,
      begin: Begin.create(),
      start: new AbortController(),
      channel,
      parcels: parcels.port1,
      bell: bells.port1,
      wakeFd: -1,
      running: false,
      startedAt: performance.now(),
      quickFailures: previous?.quickFailures ?? 0,
      starts: (previous?.starts ?? 0) + 1,
      finished: Promise.resolve(),
    };
    // From now on it is stopped with the others, whatever can't be had for it.
    this.#links[index] = link;
    if (engine === 'uring') link.wakeFd = createEventfd();
    this.counters.block(index)[Counter.connections] = 0;
    this.counters.block(index)[Counter.sessions] = 0;
    this.#options.unitFigures.writerEnded(index);
    await new Promise<void>((resolve, reject) => {
      bells.port1.on('message', () => {
        channel.receive((message) => {
          if (message.type === 'ready') {
            link.running = true;
            // The target was told to stop while this worker was starting.
            if (this.#stopping) channel.send({ type: 'stop', graceMs: 0 });
            try {
              this.#events.started(index);
            } catch (error) {
              // There is no memory or descriptor for its way to a disk. Nobody would catch it here.
              reject(unstartable(index, error as Error));
            }
            resolve();
          }
          this.#events.message(index, message);
        });
      });
      const { signal } = link.start;
      const ends = { channel: memory, bell: bells.port2, parcels: parcels.port2 };
      const transferList = [ends.bell, ends.parcels];
      const task = this.#pool!.run(this.#assignmentOf(link, ends), { transferList, signal });
      link.finished = task.then(
        () => this.#ended(link, null),
        (error: Error) => {
          if (!link.running) reject(unstartable(index, signal.aborted ? (signal.reason as Error) : error));
          this.#ended(link, error);
        },
      );
    });
  }

  /** What a worker is given; `ends`: its own of what connects it with main. */
  #assignmentOf(
    { index, begin, wakeFd }: WorkerLink,
    ends: Pick<WorkerAssignment, 'channel' | 'bell' | 'parcels'>,
  ): WorkerAssignment {
    const { engine, slabBytes, busyPollUs, coalesceUs, sqPoll, cpus } = this.#options;
    const { lostWrites, meters, unitFigures, sessionFigures } = this.#options;
    return {
      index,
      begin: begin.memory,
      engine,
      slabBytes,
      receiveBytes: RECEIVE_BYTES,
      busyPollUs,
      coalesceUs,
      sqPoll,
      cpus: cpus.length === 0 ? [] : [cpus[index % cpus.length]!],
      counters: this.counters.memory,
      turns: this.turns.memory,
      lostWrites: lostWrites.memory,
      meters: meters.memory,
      unitFigures: unitFigures.memory,
      sessionFigures: sessionFigures.memory,
      wakeFd,
      ...ends,
    };
  }

  #ended(link: WorkerLink, error: Error | null): void {
    const served = link.running;
    link.running = false;
    // Its last words: what it took over, or gave up, before it failed.
    link.channel.receive((message) => this.#events.message(link.index, message));
    if (this.#stopping) {
      // Those that go on, as their sessions have yet to end, may wait for what it was asked as well.
      this.#events.stopped(link.index);
      return;
    }
    if (!served) return;
    const failure = error ?? new Error('the worker ended without being asked to');
    link.quickFailures = performance.now() - link.startedAt < QUICK_MS ? link.quickFailures + 1 : 0;
    this.#events.lost(link.index, failure);
    this.#release(link);
    if (link.quickFailures >= QUICK_FAILURES_MAX) {
      this.#hopeless(failure);
      return;
    }
    this.#log.warn({ worker: link.index }, 'starting the worker again');
    this.#startWorker(link.index).catch((again: Error) => this.#hopeless(again));
  }

  #release(link: WorkerLink): void {
    link.bell.close();
    link.parcels.close();
    if (link.wakeFd >= 0) close(link.wakeFd);
    link.wakeFd = -1;
  }
}

/** The machine has no thread for a worker, or not what its engine needs. */
function unstartable(worker: number, cause: Error): LunaringError {
  return new LunaringError('LUNARING_WORKER', `worker ${worker} can't be started: ${explain(cause)}`, { cause });
}

/** Of a thread that can't be made Node has only the errno. */
function explain({ message, code }: NodeJS.ErrnoException): string {
  if (code !== 'ERR_WORKER_INIT_FAILED' || message !== 'EAGAIN') return message;
  const group = /^0::(.*)$/m.exec(settingIn('/proc/self/cgroup'))?.[1] ?? '';
  const ofUser = `${resourceLimit(Resource.processes).soft} for all processes of the user (ulimit -u)`;
  const ofGroup = `${settingIn(`/sys/fs/cgroup${group}/pids.max`) || 'no known number'} for those of the control group (pids.max)`;
  const remedy =
    'raise what is used up, LimitNPROC= or TasksMax= in a unit file, --pids-limit of a container, or set fewer tuning.workers';
  return `no thread can be made (EAGAIN): allowed are ${ofUser}, and ${ofGroup}; ${remedy}`;
}
