// The worker thread: one engine, one set of sessions, one channel to main. Composes; decides nothing.
// piscina starts it once and it runs until main says stop; what it does in between is session/session-host.ts.

import { readlinkSync } from 'node:fs';
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Engine, EngineEvents } from '../src/engine/engine.ts';
import { PosixEngine } from '../src/engine/posix-engine.ts';
import { Slab } from '../src/engine/slab.ts';
import { UringEngine } from '../src/engine/uring-engine.ts';
import { pinThread } from '../src/kernel/libc.ts';
import { adviseHugePages, pageOffset } from '../src/kernel/memory.ts';
import { Begin } from '../src/ring/begin.ts';
import { Channel, type ChannelMemory } from '../src/ring/channel.ts';
import { Counter, Counters } from '../src/ring/counters.ts';
import { Figures, SESSION_FIGURES_MAX, UNIT_FIGURES_MAX } from '../src/ring/figures.ts';
import { LostWrites } from '../src/ring/lost-writes.ts';
import type { FromWorker, ToWorker } from '../src/ring/messages.ts';
import { Meters } from '../src/ring/meters.ts';
import type { Parcel } from '../src/ring/parcel.ts';
import { Turns } from '../src/ring/turns.ts';
import { SessionHost } from '../src/session/session-host.ts';

/** What main gives a worker at its start. */
export interface WorkerAssignment {
  /** Which block of the counters is its own. */
  readonly index: number;
  /** See ring/begin.ts. */
  readonly begin: SharedArrayBuffer;
  readonly engine: 'uring' | 'posix';
  readonly slabBytes: number;
  readonly receiveBytes: number;
  /** How long to look before sleeping, in microseconds; 0: never, auto: where trials find that it pays. */
  readonly busyPollUs: number | 'auto';
  /** How long to wait for others that have queues, in microseconds; 0: never. */
  readonly coalesceUs: number;
  /** Whether a thread of the kernel takes what it submits. */
  readonly sqPoll: boolean;
  /** CPUs that it may run on; none: any. */
  readonly cpus: readonly number[];
  readonly counters: SharedArrayBuffer;
  readonly turns: SharedArrayBuffer;
  readonly lostWrites: SharedArrayBuffer;
  readonly meters: SharedArrayBuffer;
  readonly unitFigures: SharedArrayBuffer;
  readonly sessionFigures: SharedArrayBuffer;
  readonly channel: ChannelMemory;
  /** uring: main rings this eventfd to wake the worker. */
  readonly wakeFd: number;
  /** The worker posts here to wake main; under posix, main posts here to wake the worker. */
  readonly bell: MessagePort;
  /** Parcels arrive here: a byte ring can't carry them. Read synchronously. */
  readonly parcels: MessagePort;
}

/** A parcel as it comes over a port: under posix, the thread of a custom disk posts to the bell to wake the worker. */
interface PostedParcel extends Parcel {
  readonly bell?: MessagePort;
}

/** An engine, and how a port that others post to wakes it. */
interface Woken {
  readonly engine: Engine;
  readonly listenTo: (port: MessagePort) => void;
}

function makeEngine(assignment: WorkerAssignment, counters: Float64Array, events: EngineEvents): Woken {
  const plan = { bytes: assignment.slabBytes, receiveBytes: assignment.receiveBytes };
  // Direct I/O wants aligned memory, whoever asks for it.
  const slab = new Slab(plan, pageOffset);
  adviseHugePages(slab.memory);
  if (assignment.engine === 'uring') {
    const { busyPollUs, coalesceUs, sqPoll, wakeFd } = assignment;
    const uring = new UringEngine({ slab, events, wakeFd, counters, busyPollUs, coalesceUs, sqPoll });
    // Nobody hears a port while the thread waits in the kernel: the eventfd is for everyone.
    return { engine: uring, listenTo: () => {} };
  }
  const engine = new PosixEngine({ slab, events, counters });
  return { engine, listenTo: (port) => port.on('message', () => engine.wake()) };
}

/** Serves until main says stop. Rejects when an invariant breaks: main then starts another worker in its place. */
export default async function ioWorker(assignment: WorkerAssignment): Promise<void> {
  const { channel: memory, bell } = assignment;
  if (!new Begin(assignment.begin).begin()) return;
  if (assignment.cpus.length !== 0) pinThread(assignment.cpus);
  const counters = new Counters(assignment.counters).block(assignment.index);
  // "PID/task/TID": main reads there what CPU time the thread has had.
  counters[Counter.threadId] = Number(readlinkSync('/proc/thread-self').split('/')[2]);
  const channel = new Channel<FromWorker, ToWorker>(memory.fromWorker, memory.toWorker, () => bell.postMessage(0));
  const parcels = new Map<number, PostedParcel>();
  const bells: MessagePort[] = [];
  const parcelOf = (unit: number): Parcel => {
    const next = () => receiveMessageOnPort(assignment.parcels)?.message as PostedParcel | undefined;
    for (let parcel = next(); parcel !== undefined; parcel = next()) parcels.set(parcel.unit, parcel);
    const parcel = parcels.get(unit)!;
    // The unit has it from now on, and lets go of it when it is removed.
    parcels.delete(unit);
    if (parcel.bell !== undefined) {
      bells.push(parcel.bell);
      listenTo(parcel.bell);
    }
    return parcel;
  };
  const host = new SessionHost({
    worker: assignment.index,
    turns: new Turns(assignment.turns),
    lostWrites: new LostWrites(assignment.lostWrites),
    meters: new Meters(assignment.meters),
    unitFigures: new Figures(assignment.unitFigures, UNIT_FIGURES_MAX),
    sessionFigures: new Figures(assignment.sessionFigures, SESSION_FIGURES_MAX),
    counters,
    uplink: (message) => channel.send(message),
    onWoken: () => channel.receive((message) => host.handle(message, parcelOf)),
  });
  const { engine, listenTo } = makeEngine(assignment, counters, host);
  listenTo(bell);
  host.attach(engine);
  channel.send({ type: 'ready', engine: engine.name, description: engine.description });
  try {
    await engine.run();
  } finally {
    bell.close();
    assignment.parcels.close();
    // Disks learn of our end by it.
    for (const port of bells) port.close();
  }
}
