// A worker's sessions: what the engine reports goes to the connection it belongs to, what main asks for is done here.
// Composes session/, scsi/ and backend/ over whichever engine it is given; knows neither threads nor rings.

import { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import type { Engine, EngineEvents, SocketHandle } from '../engine/engine.ts';
import { NO_RELEASE } from '../engine/engine.ts';
import { CELL_BYTES } from '../engine/slab.ts';
import { Counter } from '../ring/counters.ts';
import type { Figures } from '../ring/figures.ts';
import type { LostWrites } from '../ring/lost-writes.ts';
import { type FromWorker, type Handoff, RefusalReason, type ToWorker } from '../ring/messages.ts';
import type { Meters } from '../ring/meters.ts';
import type { ParcelOf } from '../ring/parcel.ts';
import type { ReserveOrder, ReserveResult } from '../ring/reservations.ts';
import type { Turns } from '../ring/turns.ts';
import type { StateOrder, StateResult } from '../ring/unit-state.ts';
import { Processor } from '../scsi/processor.ts';
import type { Task } from '../scsi/task.ts';
import type { Orders, TaskEvents } from '../scsi/task-events.ts';
import { beginConnection, welcome } from './begin-connection.ts';
import { beginSession } from './begin-session.ts';
import { Budget } from './budget.ts';
import type { Connection } from './connection.ts';
import { ConnectionState } from './connection-state.ts';
import { sendPieces } from './data-in.ts';
import { requestData } from './data-out.ts';
import { type IscsiTask, TaskPool } from './iscsi-task.ts';
import { Lateness } from './lateness.ts';
import { SENT_BYTES_OF_WORKER_MAX } from './sent-pdus.ts';
import type { Session } from './session.ts';
import { Stopping } from './stopping.ts';
import { Units } from './units.ts';

/** Tasks made at start; more are made when more are running than ever before. */
const TASKS_AT_START = 512;
/** Commands that a worker promises over all its sessions: their tasks are some 10 MiB of heap if all come at once. */
const TASKS_MAX = 32 * 1024;

/** What a worker is given. */
export interface SessionHostOptions {
  readonly worker: number;
  readonly turns: Turns;
  /** Units whose storage has lost writes, which any worker may find out. */
  readonly lostWrites: LostWrites;
  readonly meters: Meters;
  /** What is counted of units, by this worker among others, and of sessions. */
  readonly unitFigures: Figures;
  readonly sessionFigures: Figures;
  /** The worker's block of figures, by {@link Counter}. */
  readonly counters: Float64Array;
  readonly uplink: (message: FromWorker) => void;
  readonly onWoken: () => void;
}

/** Everything full-feature on one worker. */
export class SessionHost implements EngineEvents, TaskEvents, Orders {
  readonly #options: SessionHostOptions;
  readonly counters: Float64Array;
  readonly sessionFigures: Figures;
  readonly uplink: (message: FromWorker) => void;
  engine!: Engine;
  processor!: Processor;
  units!: Units;
  readonly #sessions = new Map<number, Session>();
  /** By socket handle. */
  readonly connections: (Connection | null)[] = [];
  readonly tasks = new TaskPool(TASKS_AT_START);
  readonly #taskBudget = new Budget(TASKS_MAX);
  readonly sentBudget = new Budget(SENT_BYTES_OF_WORKER_MAX);
  nextTagSerial = 0;
  /** Slots and cells that the engine has for sending: they come back as peers read. */
  unsentTokens = 0;
  /** Where a PDU is written that will never be sent: its connection has just been given up for want of memory. */
  spareCell: number = NONE;
  /** Connections that wait for memory before they read on. */
  readonly stalled = new Set<Connection>();
  /** Connections that are not read because too much of theirs is unsent. */
  throttled = 0;
  readonly #stopping = new Stopping(this);
  readonly #lateness = new Lateness();

  constructor(options: SessionHostOptions) {
    this.#options = options;
    this.counters = options.counters;
    this.sessionFigures = options.sessionFigures;
    this.uplink = options.uplink;
  }

  /** The engine that reports to this host. Once, before anything else. */
  attach(engine: Engine): void {
    this.engine = engine;
    this.processor = new Processor(engine, this, this.#options.meters);
    this.counters[Counter.slabBytes] = engine.slab.slotBytes + engine.slab.cellCount * CELL_BYTES;
    this.spareCell = engine.slab.takeCell();
    this.units = new Units(engine, this.processor, this.#sessions, this.#options);
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  get hungry(): boolean {
    return this.processor.memory.hungry || this.stalled.size !== 0 || this.throttled !== 0;
  }

  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void {
    this.uplink({ type: 'log', level, message, fields });
  }

  // What the engine reports

  received(socket: SocketHandle, at: number, length: number): number {
    return this.connections[socket]!.framer.consume(at, length);
  }

  receivedInto(socket: SocketHandle, length: number): void {
    this.connections[socket]!.framer.receivedInto(length);
  }

  released(socket: SocketHandle, token: number): void {
    if (token === NO_RELEASE) return;
    this.connections[socket]!.released(token);
    this.#memoryFreed();
  }

  ended(socket: SocketHandle, errno: number): void {
    const connection = this.connections[socket]!;
    connection.close(errno === 0 ? 'closed by the initiator' : `connection lost (errno ${errno})`);
  }

  closed(socket: SocketHandle): void {
    const connection = this.connections[socket]!;
    // Now, and not when its tasks have ended: another connection may have the handle by then.
    this.connections[socket] = null;
    connection.socketClosed();
    const { session } = connection;
    if (session.holding) session.runHeld();
    this.#stopping.transportGone(session);
  }

  fileDone(token: number, result: number): void {
    this.processor.fileDone(token, result);
    this.#memoryFreed();
  }

  woken(): void {
    this.#options.onWoken();
    this.units.disksAnswered();
    this.#memoryFreed();
  }

  tick(): void {
    const now = this.engine.now();
    this.counters[Counter.slabBytesInUse] = this.engine.slab.bytesInUse;
    this.counters[Counter.stalledConnections] = this.stalled.size;
    this.counters[Counter.throttledConnections] = this.throttled;
    const late = this.#lateness.of(now);
    for (const connection of this.connections) connection?.tick(now, late);
    this.units.tick(now);
    this.#memoryFreed();
    for (const session of this.#sessions.values()) session.tick(now);
    this.#stopping.tick(now);
  }

  alarmed(): void {
    this.processor.pacer.alarmed();
  }

  /**
   * Memory has come back: tasks first, then connections that could not even take a header in. These go on as well when nothing is certain to bring
   * back what tasks wait for: data that would may stand behind the header.
   */
  #memoryFreed(): void {
    const { memory } = this.processor;
    if (memory.hungry) memory.freed();
    const comesBack = this.processor.operationsInFlight !== 0 || this.unsentTokens !== 0;
    if (this.stalled.size === 0 || (memory.starved && comesBack)) return;
    for (const connection of this.stalled) {
      this.stalled.delete(connection);
      connection.resume();
      if (this.stalled.has(connection)) return;
    }
  }

  // What SCSI reports

  dataReady(task: Task): void {
    sendPieces((task as IscsiTask).connection!, task as IscsiTask);
  }

  dataWanted(task: Task): void {
    const connection = (task as IscsiTask).connection!;
    if (connection.open) requestData(connection, task as IscsiTask);
  }

  complete(task: Task): void {
    (task as IscsiTask).connection!.session.complete(task as IscsiTask);
  }

  reserve(order: ReserveOrder, then: (result: ReserveResult) => void): void {
    this.units.reserve(order, then);
  }

  changeState(order: StateOrder, then: (result: StateResult) => void): void {
    this.units.changeState(order, then);
  }

  // What main asks for

  /** Acts on a message of main's; `parcelOf` finds what came for a unit beside its snapshot. */
  handle(message: ToWorker, parcelOf: ParcelOf): void {
    switch (message.type) {
      case 'handoff': {
        const refusal = this.#accept(message);
        if (refusal !== null) this.uplink({ type: 'refused', id: message.id, ...refusal });
        return;
      }
      case 'unit':
        this.units.take(message.unit, parcelOf);
        return;
      case 'diskLost':
        this.units.diskLost(message.unit);
        return;
      case 'unitRemoved':
        this.units.remove(message.id, message.request, message.replaced);
        return;
      case 'lunMap':
        this.units.map(message.targetName, message.luns, message.request);
        return;
      case 'reset':
        this.units.applyReset(message.reset, message.request);
        return;
      case 'resetDone':
        this.units.resets.answer(message.request);
        return;
      case 'reservation':
        this.units.applyReservation(message);
        return;
      case 'turn':
        this.units.turnCame(message.unit);
        return;
      case 'unitState':
        this.units.applyState(message);
        return;
      case 'stateChanged':
        this.units.changes.answer(message.request, message.result);
        return;
      case 'reserved':
        this.units.orders.answer(message.request, message.result);
        return;
      case 'sessionMeter':
        this.units.limit(message.tsih, message.meter);
        return;
      case 'endSession':
        this.#endSession(message);
        return;
      case 'endConnection':
        this.#endConnection(message);
        return;
      case 'stop':
        this.#stopping.begin(message.graceMs);
    }
  }

  /** Takes a connection over: everything it needs is reserved before main hears yes, and the final Login Response leaves first. */
  #accept(handoff: Handoff): { reason: RefusalReason; detail: string } | null {
    if (this.#stopping.begun) return { reason: RefusalReason.stopping, detail: 'the worker is stopping' };
    const slab = this.engine.slab;
    const response = Buffer.from(handoff.finalResponse, 'base64');
    const received = Buffer.from(handoff.received, 'base64');
    const joined = this.#sessions.get(handoff.tsih) ?? null;
    if (joined !== null) joined.awaited = false;
    if (handoff.joins && joined?.ending !== false)
      return { reason: RefusalReason.sessionEnded, detail: 'it ended just now' };
    const full = this.counters[Counter.connections]! >= slab.connectionsMax;
    const cell = full ? NONE : slab.takeCell();
    const slot = cell === NONE ? NONE : slab.takeSlot(Math.max(response.length, received.length));
    const session = slot === NONE ? null : (joined ?? this.#begin(handoff));
    if (session === null) {
      if (slot !== NONE) slab.release(slot);
      if (cell !== NONE) slab.release(cell);
      if (joined?.over) this.#sessionClosed(joined);
      const detail = slot === NONE ? 'no I/O memory for another connection' : 'no commands left for another session';
      return { reason: slot === NONE ? RefusalReason.memory : RefusalReason.commands, detail };
    }
    const connection = beginConnection(this, session, handoff, cell);
    this.counters[Counter.connections]!++;
    this.uplink({ type: 'accepted', id: handoff.id });
    welcome(connection, response, received, slot);
    return null;
  }

  #begin(handoff: Handoff): Session | null {
    const session = beginSession(this, handoff, this.units, this.#taskBudget);
    if (session === null) return null;
    this.#sessions.set(session.tsih, session);
    this.counters[Counter.sessions]!++;
    return session;
  }

  /** A connection and its tasks are gone. */
  connectionClosed(connection: Connection): void {
    const session = connection.session;
    this.engine.slab.release(connection.cell);
    connection.sent?.clear();
    this.counters[Counter.connections]!--;
    session.connectionGone(connection);
    // Another may have its CID by now.
    if (session.connections.get(connection.cid) === connection) session.connections.delete(connection.cid);
    session.lost = session.lost.filter((lost) => lost !== connection);
    if (session.over) this.#sessionClosed(session);
    this.#stopping.connectionClosed();
    this.#memoryFreed();
  }

  #sessionClosed(session: Session): void {
    // A connection that was replaced while it was leaving may be the last to close.
    if (this.#sessions.get(session.tsih) !== session) return;
    this.#sessions.delete(session.tsih);
    session.dropHeld();
    session.closed();
    this.#taskBudget.give(session.window.promised);
    this.counters[Counter.sessions]!--;
    for (const unit of session.nexus.units.values()) unit.forget(session.nexus);
  }

  // Ending

  #endSession({ tsih, reason, request, announced }: Extract<ToWorker, { type: 'endSession' }>): void {
    const wait = new Countdown(() => this.uplink({ type: 'done', request }));
    const session = this.#sessions.get(tsih);
    session?.beginEnd();
    for (const connection of session?.members ?? []) connection.closeThen(reason, wait, { announced });
    if (session?.over) this.#sessionClosed(session);
    wait.seal();
  }

  #endConnection({ tsih, cid, reason, request, replaced }: Extract<ToWorker, { type: 'endConnection' }>): void {
    const wait = new Countdown(() => this.uplink({ type: 'done', request }));
    const session = this.#sessions.get(tsih);
    if (session?.ending === false) session.awaited = replaced;
    const connection = session?.memberWith(cid);
    // §6.3.4, §7.2.2: the tasks of one that is lost wait for one that takes its place, be it this one or the next.
    if (connection?.state !== ConnectionState.lost) connection?.closeThen(reason, wait, { recovers: replaced });
    if (session?.over) this.#sessionClosed(session);
    wait.seal();
  }
}
