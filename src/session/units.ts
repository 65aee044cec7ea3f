// The logical units of a worker, and the resets that reach beyond one session (RFC 7143 §11.5.1; SAM-5 §7).
// Main is the authority over both: units arrive as snapshots, resets come back from it once they are due everywhere.

import { createBackend } from '../backend/create.ts';
import { CustomBackend } from '../backend/custom.ts';
import { Countdown } from '../base/countdown.ts';
import { NONE } from '../base/free-list.ts';
import type { Engine } from '../engine/engine.ts';
import { type Figures, privateFigures } from '../ring/figures.ts';
import type { LostWrites } from '../ring/lost-writes.ts';
import type { FromWorker, SharedReset, ToWorker, UnitSnapshot } from '../ring/messages.ts';
import type { ParcelOf } from '../ring/parcel.ts';
import { covers, type ReserveOrder, type ReserveResult } from '../ring/reservations.ts';
import type { Turns } from '../ring/turns.ts';
import type { StateOrder, StateResult } from '../ring/unit-state.ts';
import type { SharedTurn } from '../scsi/exclusion.ts';
import { LogicalUnit, type UnitCounts } from '../scsi/logical-unit.ts';
import type { Nexus } from '../scsi/nexus.ts';
import type { Processor } from '../scsi/processor.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import type { Piece } from '../scsi/task.ts';
import { announceSessionDrop } from './async-message.ts';
import type { Connection } from './connection.ts';
import { DiskFailures } from './disk-failures.ts';
import type { IscsiTask } from './iscsi-task.ts';
import { LentBytes } from './lent-bytes.ts';
import { Pending } from './pending.ts';
import type { Session } from './session.ts';

const NEWS = {
  reservationsPreempted: AdditionalSense.RESERVATIONS_PREEMPTED,
  reservationsReleased: AdditionalSense.RESERVATIONS_RELEASED,
  registrationsPreempted: AdditionalSense.REGISTRATIONS_PREEMPTED,
} as const;

/** The unit attention for each piece of news. */
export const STATE_NEWS = {
  mediumLoaded: AdditionalSense.NOT_READY_TO_READY_CHANGE,
  modeParametersChanged: AdditionalSense.MODE_PARAMETERS_CHANGED,
  accessStateChanged: AdditionalSense.ASYMMETRIC_ACCESS_STATE_CHANGED,
  timestampChanged: AdditionalSense.TIMESTAMP_CHANGED,
} as const;

/** What the units of a worker are given. */
export interface UnitsOptions {
  readonly worker: number;
  readonly turns: Turns;
  readonly lostWrites: LostWrites;
  readonly unitFigures: Figures;
  readonly uplink: (message: FromWorker) => void;
}

/** The units that this worker serves. */
export class Units {
  readonly #engine: Engine;
  readonly #processor: Processor;
  readonly #sessions: ReadonlyMap<number, Session>;
  readonly #uplink: (message: FromWorker) => void;
  readonly #turns: Turns;
  readonly #figures: Figures;
  readonly #worker: number;
  readonly #failures: DiskFailures;
  readonly #lentBytes = new LentBytes();
  readonly #units = new Map<number, LogicalUnit>();
  /** The backends of those whose disk is another thread's, by unit. */
  readonly #customs = new Map<number, CustomBackend<Piece>>();
  /** Resets that this worker asked for. */
  readonly resets = new Pending<void>();
  /** Reservation orders of this worker's commands. */
  readonly orders = new Pending<ReserveResult>();
  /** Changes of units' state that this worker's commands want. */
  readonly changes = new Pending<StateResult>();

  constructor(
    engine: Engine,
    processor: Processor,
    sessions: ReadonlyMap<number, Session>,
    { uplink, turns, lostWrites, unitFigures, worker }: UnitsOptions,
  ) {
    this.#engine = engine;
    this.#processor = processor;
    this.#sessions = sessions;
    this.#uplink = uplink;
    this.#turns = turns;
    this.#figures = unitFigures;
    this.#worker = worker;
    this.#failures = new DiskFailures(lostWrites, (message, failure) =>
      uplink({ type: 'unitFailure', message, failure }),
    );
  }

  find(id: number): LogicalUnit | undefined {
    return this.#units.get(id);
  }

  /** Ids of a target's units. */
  of(targetName: string): number[] {
    return [...this.#units.values()]
      .filter(({ snapshot }) => snapshot.targetName === targetName)
      .map(({ snapshot }) => snapshot.id);
  }

  /** Takes a new unit, or a newer snapshot of a known one; `parcelOf` finds what came beside it. */
  take(snapshot: UnitSnapshot, parcelOf: ParcelOf): void {
    const known = this.#units.get(snapshot.id);
    if (known !== undefined) {
      const before = known.blockCount;
      known.update(snapshot);
      this.#processor.pacer.review();
      // Of other portal groups it tells nobody, as LIO does not: initiators without multipath fail the command that is told.
      if (snapshot.blockCount !== before) this.#tellAll(known, AdditionalSense.CAPACITY_DATA_HAS_CHANGED);
      return;
    }
    const complete = (piece: Piece, errno: number): void => {
      if (errno !== 0) this.#failures.note(piece, errno, this.#engine.now());
      this.#processor.pieceDone(piece, errno);
    };
    const backend = createBackend(this.#engine, snapshot, parcelOf, complete, this.#failures.lossOf(snapshot));
    if (backend instanceof CustomBackend) this.#customs.set(snapshot.id, backend);
    this.#units.set(
      snapshot.id,
      new LogicalUnit(snapshot, backend, this.#turnOf(snapshot.id), this.#countsOf(snapshot.figures)),
    );
  }

  /** A thread that has disks may have answered. */
  disksAnswered(): void {
    for (const custom of this.#customs.values()) custom.answered();
  }

  /** About once a second: disks have only so long to answer, and what they failed is told. */
  tick(now: number): void {
    this.#failures.tick(now);
    this.#lentBytes.tick(now);
    for (const custom of this.#customs.values()) custom.tick(now);
  }

  /** The thread of a unit's disk has ended. */
  diskLost(id: number): void {
    this.#customs.get(id)?.lost();
  }

  #countsOf(slot: number): UnitCounts {
    const own = slot === NONE ? privateFigures() : this.#figures.block(this.#worker, slot);
    return { own, total: () => (slot === NONE ? own : this.#figures.total(slot)) };
  }

  /** A unit attention for every nexus that sees the unit. */
  #tellAll(unit: LogicalUnit, additionalSense: AdditionalSense): void {
    for (const { nexus } of this.#sessions.values()) {
      if (nexus.sees(unit)) unit.attention(nexus, additionalSense);
    }
  }

  /** A target has these units now: its sessions address them, and are told that there are others than before. */
  map(targetName: string, luns: readonly (readonly [lun: number, unit: number])[], request: number): void {
    for (const { nexus } of this.#sessions.values()) {
      if (nexus.targetName !== targetName) continue;
      nexus.address(luns.map(([lun, id]) => [lun, id === NONE ? null : this.#units.get(id)!]));
      for (const unit of nexus.units.values()) unit.attention(nexus, AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
    }
    this.#uplink({ type: 'done', request });
  }

  #turnOf(unit: number): SharedTurn {
    const want = (): void => this.#uplink({ type: 'turnWanted', unit });
    return {
      take: () => {
        const taken = this.#turns.take(unit, this.#worker);
        if (!taken) want();
        return taken;
      },
      want,
      give: () => {
        const wanted = this.#turns.give(unit, this.#worker);
        if (wanted) this.#uplink({ type: 'turnFreed', unit });
        return wanted;
      },
    };
  }

  /** The turn at a unit may be free. */
  turnCame(id: number): void {
    const task = this.#units.get(id)?.exclusion.turnCame() ?? null;
    if (task !== null) this.#processor.turnCame(task);
  }

  /** The initiator of a session is limited by this meter from now on, or by none. */
  limit(tsih: number, meter: number): void {
    const session = this.#sessions.get(tsih);
    if (session !== undefined) session.nexus.meter = meter;
    this.#processor.pacer.review();
  }

  /**
   * Takes a unit out of every session; main hears when its tasks are gone, and those of others have nothing under way there any more.
   * `replaced`: another is about to come under its number, and until then commands find it busy.
   */
  remove(id: number, request: number, replaced = false): void {
    const unit = this.#units.get(id);
    const wait = new Countdown(() => {
      const sending = unit !== undefined && unit.backend.lender !== null ? this.#connectionsOf(unit) : [];
      this.#lentBytes.whenSent(sending, this.#engine.now(), () => {
        unit?.backend.detach();
        this.#units.delete(id);
        this.#customs.delete(id);
        this.#uplink({ type: 'done', request });
      });
    });
    if (unit !== undefined) {
      for (const { nexus } of this.#sessions.values()) {
        if (nexus.sees(unit)) nexus.remove(unit, replaced);
      }
      this.#disown(unit, (task) => !task.inSet);
      this.#processor.stopWork(unit, wait);
      wait.add();
      this.#processor.quiescence.vacate(unit, () => {
        this.#disown(unit, () => true);
        wait.done();
      });
    }
    wait.seal();
  }

  /** Tasks of a unit that is removed have none any more: those whose turn has yet to come find no unit, the others were ended and wait for data of their initiators. */
  #disown(unit: LogicalUnit, concerned: (task: IscsiTask) => boolean): void {
    for (const { members } of this.#sessions.values()) {
      for (const { lastTask } of members) {
        for (let task = lastTask; task !== null; task = task.previousInConnection) {
          if (task.unit === unit && concerned(task)) this.#processor.disown(task);
        }
      }
    }
  }

  /** The connections that may still have bytes of a unit to send. */
  #connectionsOf({ snapshot }: LogicalUnit): Connection[] {
    return [...this.#sessions.values()]
      .filter(({ nexus }) => nexus.targetName === snapshot.targetName)
      .flatMap(({ members }) => [...members]);
  }

  /** Has a reservation order carried out; `then` runs when every worker knows what came of it. */
  reserve(order: ReserveOrder, then: (result: ReserveResult) => void): void {
    const request = this.orders.add(then);
    const { generation } = this.#units.get(order.unit)!.reservations;
    this.#uplink({ type: 'reserve', request, order, generation });
  }

  /** A unit's reservations have changed: from here on nothing starts that they forbid, and main hears when the preempted have stopped. */
  applyReservation(message: Extract<ToWorker, { type: 'reservation' }>): void {
    const wait = new Countdown(() => this.#uplink({ type: 'done', request: message.request }));
    const unit = this.#units.get(message.unit);
    const isPreempted = ({ name }: Nexus): boolean => message.abort.some((nexus) => covers(nexus, name));
    unit?.reserve(message.state);
    // What they copy from or to the unit is another unit's task: it finds the reservation at its next operation (SPC-2 §7.2.4).
    unit?.awaitGuests(({ nexus }) => isPreempted(nexus!), wait);
    for (const session of unit === undefined ? [] : this.#sessions.values()) {
      if (session.nexus.targetName !== unit!.snapshot.targetName) continue;
      for (const { nexus, news } of message.news)
        if (covers(nexus, session.nexus.name)) unit!.attention(session.nexus, NEWS[news]);
      if (isPreempted(session.nexus)) session.abortTasks((task) => task.unit === unit, wait);
    }
    wait.seal();
  }

  /** Has a unit's state changed; `then` runs when every worker knows what came of it. */
  changeState(order: StateOrder, then: (result: StateResult) => void): void {
    this.#uplink({ type: 'changeState', request: this.changes.add(then), order });
  }

  /** Initiators have made something else of a unit, and all but the one who did hear of it. */
  applyState({ request, unit: id, state, news, by }: Extract<ToWorker, { type: 'unitState' }>): void {
    const unit = this.#units.get(id);
    const done = (): void => this.#uplink({ type: 'done', request });
    for (const { nexus } of unit === undefined || news === null ? [] : this.#sessions.values()) {
      if (nexus.sees(unit!) && nexus.reservationKey !== by) unit!.attention(nexus, STATE_NEWS[news!]);
    }
    if (unit === undefined) done();
    else this.#processor.takeState(unit, state, done);
  }

  /** Has a reset applied on every worker; `then` runs when that is done. */
  requestReset(reset: SharedReset, then: () => void): void {
    this.#uplink({ type: 'reset', request: this.resets.add(then), reset });
  }

  /** Applies a reset here, and tells main when the last task that it aborts has ended. */
  applyReset(reset: SharedReset, request: number): void {
    const wait = new Countdown(() => {
      if (reset.closeConnections) this.#dropSessions(reset);
      this.#uplink({ type: 'done', request });
    });
    for (const id of reset.units) {
      const unit = this.#units.get(id);
      if (unit === undefined) continue;
      for (const session of this.#sessions.values()) this.#resetForSession(session, unit, reset, wait);
      // A copy of another unit's ends with that unit's reset only; what it has under way here is the unit's all the same.
      unit.awaitGuests(() => true, wait);
    }
    wait.seal();
  }

  #resetForSession(session: Session, unit: LogicalUnit, reset: SharedReset, wait: Countdown): void {
    let cleared = false;
    // The session that asked has aborted its own.
    const asked = session.tsih === reset.byTsih;
    session.abortTasks((task) => {
      if (task.unit !== unit || asked) return false;
      cleared = true;
      return true;
    }, wait);
    if (!session.nexus.sees(unit)) return;
    if (reset.kind !== 'clearTaskSet') {
      // SAM-5 §6.3.3: for every I_T nexus, the one that asked for the reset included.
      unit.attention(session.nexus, AdditionalSense.BUS_DEVICE_RESET_FUNCTION_OCCURRED);
    } else if (cleared) {
      unit.attention(session.nexus, AdditionalSense.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);
    }
  }

  /** TARGET COLD RESET: the connections of the target's other sessions end as well; the asker's do after its answer. */
  #dropSessions(reset: SharedReset): void {
    const names = new Set(reset.units.map((id) => this.#units.get(id)?.snapshot.targetName));
    for (const session of this.#sessions.values()) {
      if (!names.has(session.nexus.targetName) || session.tsih === reset.byTsih) continue;
      for (const connection of session.members) {
        if (connection.open) announceSessionDrop(connection);
        connection.leave('target cold reset');
      }
    }
  }
}
