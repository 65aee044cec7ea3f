// A SCSI target of one unit without iSCSI around it: CDB and data in, status, sense and data out.
// The processor and the backends are the real ones; the engine is the simulated one.

import type { Loss } from '../../src/backend/backend.ts';
import { createBackend } from '../../src/backend/create.ts';
import { unitMemory } from '../../src/backend/memory.ts';
import { NONE } from '../../src/base/free-list.ts';
import { changeState } from '../../src/control/unit-state.ts';
import { privateFigures } from '../../src/ring/figures.ts';
import type { UnitSnapshot } from '../../src/ring/messages.ts';
import { Meters } from '../../src/ring/meters.ts';
import type { ParcelOf } from '../../src/ring/parcel.ts';
import { nexusKey, type ReserveOrder, type ReserveResult } from '../../src/ring/reservations.ts';
import type { StateOrder, StateResult } from '../../src/ring/unit-state.ts';
import type { SharedTurn } from '../../src/scsi/exclusion.ts';
import { LogicalUnit, type UnitCounts } from '../../src/scsi/logical-unit.ts';
import { Nexus } from '../../src/scsi/nexus.ts';
import { Processor } from '../../src/scsi/processor.ts';
import { SENSE_BYTES_MAX, writeSense } from '../../src/scsi/sense.ts';
import { Movement, Status, Task } from '../../src/scsi/task.ts';
import { STATE_NEWS } from '../../src/session/units.ts';
import { SimEngine, type SimFile } from './sim-engine.ts';

const FD = 7;

/** What a unit of the bench is like; the rest of its snapshot is fixed. */
export interface BenchUnit {
  readonly kind?: 'file' | 'memory' | 'null';
  readonly blockSize?: number;
  readonly blockCount?: number;
  readonly readOnly?: boolean;
  readonly removable?: boolean;
  readonly writeCache?: boolean;
  readonly thin?: boolean;
  /** There is a place for what outlasts a restart. */
  readonly durable?: boolean;
  readonly lun?: number;
  /** Memory units: with atomic writes. */
  readonly atomic?: boolean;
  /** Of {@link ScsiBench.meters}. */
  readonly meter?: number;
  readonly portalGroups?: readonly number[];
  /** The turn among workers; nobody else wants it unless given. */
  readonly turn?: SharedTurn;
}

/** The turn of a unit that no other worker has. */
const NOBODY_ELSES: SharedTurn = { take: () => true, want: () => {}, give: () => false };

/** How a command ended. */
export interface Outcome {
  readonly status: number;
  /** Sense key and additional sense; 0 where there are none. */
  readonly senseKey: number;
  readonly additionalSense: number;
  /** Sense data in hex, of a CHECK CONDITION. */
  readonly sense: string;
  /** Data-In, as much as the initiator expected. */
  readonly data: Buffer;
  /** Bytes the command had for the initiator, whatever it expected. */
  readonly dataLength: number;
}

/** Data-Out and what the initiator said of it. */
export interface Sending {
  readonly data?: Uint8Array;
  /** Expected Data Transfer Length; the data's unless given. */
  readonly expected?: number;
  readonly lun?: number;
  readonly nexus?: Nexus;
  /** Of `Attribute` (scsi/task.ts); SIMPLE unless given. */
  readonly attribute?: number;
  /** The initiator sends nothing. */
  readonly silent?: boolean;
}

function snapshotOf(options: BenchUnit, id: number, lun: number, fd: number): UnitSnapshot {
  const { kind = 'memory', blockSize = 512, blockCount = 2048 } = options;
  const backends = {
    file: { kind: 'file', fd, path: '/disk', direct: false, canPunch: true },
    memory: { kind: 'memory', atomic: options.atomic ?? false },
    null: { kind: 'null' },
  } as const;
  return {
    id,
    targetName: 'iqn.2026-11.io.lunaring:test',
    lun,
    blockSize,
    blockCount,
    readOnly: options.readOnly ?? false,
    removable: options.removable ?? false,
    writeCache: options.writeCache ?? false,
    serial: '0123456789ABCDEF',
    naa: `300000000000000${id}`,
    statePath: (options.durable ?? true) ? '/disk' : null,
    thin: options.thin ?? false,
    meter: options.meter ?? NONE,
    portalGroups: options.portalGroups ?? [1],
    figures: NONE,
    backend: backends[kind],
  };
}

/** Of a unit that no other worker has. */
export function makeLoss(): Loss {
  let happened = false;
  return {
    get happened() {
      return happened;
    },
    note: () => {
      happened = true;
    },
  };
}

function counts(): UnitCounts {
  const own = privateFigures();
  return { own, total: () => own };
}

/** One unit, one nexus (or more), and a way to send them commands. */
export class ScsiBench {
  readonly engine = new SimEngine();
  readonly processor: Processor;
  readonly meters = Meters.create();
  readonly nexus: Nexus;
  readonly unit: LogicalUnit;
  /** The file unit's bytes and switches. */
  readonly file: SimFile;
  /** The memory unit's bytes. */
  readonly memory: Uint8Array;
  /** Reservation orders that main was to carry out, and what it answers. */
  readonly orders: ReserveOrder[] = [];
  reserveResult: ReserveResult = 'good';
  readonly #lun: number;
  readonly #nexuses: Nexus[] = [];
  readonly #received: Buffer[] = [];
  #outcome: Outcome | null = null;
  readonly #sendings = new WeakMap<Task, Uint8Array>();

  constructor(options: BenchUnit = {}) {
    const { kind = 'memory', blockSize = 512, blockCount = 2048, lun = 0 } = options;
    this.#lun = lun;
    this.file = this.engine.addFile(FD, kind === 'file' ? blockSize * blockCount : 0);
    const memoryBytes = kind === 'memory' ? blockSize * blockCount : 0;
    const memory = unitMemory(memoryBytes, options.atomic);
    this.memory = new Uint8Array(memory, 0, memoryBytes);
    this.processor = new Processor(
      this.engine,
      {
        dataReady: (task) => this.#take(task),
        dataWanted: (task) => this.#give(task),
        complete: (task) => this.#end(task),
        reserve: (order, then) => {
          this.orders.push(order);
          then(this.reserveResult);
        },
        changeState: (order, then) => this.#change(order, then),
      },
      this.meters,
    );
    this.engine.events = {
      hungry: false,
      received: () => 0,
      receivedInto: () => {},
      released: () => {},
      ended: () => {},
      closed: () => {},
      woken: () => {},
      tick: () => {},
      alarmed: () => this.processor.pacer.alarmed(),
      fileDone: (token, result) => this.processor.fileDone(token, result),
    };
    const snapshot = snapshotOf(options, 1, lun, FD);
    const parcelOf: ParcelOf = (unit) => ({ unit, memory });
    const backend = createBackend(this.engine, snapshot, parcelOf, this.processor.pieceDone, makeLoss());
    const turn = options.turn ?? NOBODY_ELSES;
    this.unit = new LogicalUnit(snapshot, backend, turn, counts());
    this.nexus = this.addNexus(1);
  }

  /** Another unit, in a file of its own, that every nexus sees under the LUN after the first one's. */
  addFileUnit(options: BenchUnit = {}): { readonly unit: LogicalUnit; readonly file: SimFile } {
    const { blockSize = 512, blockCount = 2048 } = options;
    const file = this.engine.addFile(FD + 1, blockSize * blockCount);
    const lun = this.#lun + 1;
    const snapshot = snapshotOf({ ...options, kind: 'file' }, 2, lun, FD + 1);
    const parcelOf: ParcelOf = () => this.#noMemory();
    const backend = createBackend(this.engine, snapshot, parcelOf, this.processor.pieceDone, makeLoss());
    const unit = new LogicalUnit(snapshot, backend, NOBODY_ELSES, counts());
    for (const nexus of this.#nexuses) {
      nexus.units.set(lun, unit);
      nexus.luns = [...nexus.luns, lun];
    }
    return { unit, file };
  }

  #noMemory(): never {
    throw new Error('a file has no memory');
  }

  /** What main would do, and every worker after it. */
  #change({ by, change }: StateOrder, then: (result: StateResult) => void): void {
    const { result, state, news } = changeState(this.unit.state, by, change);
    for (const nexus of this.#nexuses) {
      if (news !== null && nexus.reservationKey !== nexusKey(by)) this.unit.attention(nexus, STATE_NEWS[news]);
    }
    this.processor.takeState(this.unit, state, () => then(result));
  }

  /** Another initiator that sees the same unit. */
  addNexus(tsih: number, portalGroupTag = 1): Nexus {
    const name = `iqn.2026-11.io.lunaring:initiator${tsih}`;
    const nexus = new Nexus(tsih, name, '00023d000001', this.unit.snapshot.targetName, portalGroupTag);
    nexus.units.set(this.#lun, this.unit);
    nexus.luns = [this.#lun];
    this.#nexuses.push(nexus);
    return nexus;
  }

  /** Runs the command in `cdb` (hex, spaces allowed) to its end. */
  run(cdb: string, sending: Sending = {}): Outcome {
    const task = this.begin(cdb, sending);
    this.engine.settle();
    return this.#outcomeOf(cdb, task);
  }

  /** Runs a command that needs no turn of the engine. */
  runNow(cdb: string, sending: Sending = {}): Outcome {
    return this.#outcomeOf(cdb, this.begin(cdb, sending));
  }

  #outcomeOf(cdb: string, task: Task): Outcome {
    if (this.#outcome === null) throw new Error(`${cdb} has not ended, status ${task.status}`);
    return this.#outcome;
  }

  /** Starts the command without turning the engine. */
  begin(cdb: string, sending: Sending = {}): Task {
    const bytes = Buffer.from(cdb.replaceAll(' ', ''), 'hex');
    const task = new Task();
    this.#outcome = null;
    const data = sending.data ?? new Uint8Array();
    if (sending.silent !== true) this.#sendings.set(task, data);
    if (sending.attribute !== undefined) task.attribute = sending.attribute;
    task.nexus = sending.nexus ?? this.nexus;
    task.lun = sending.lun ?? this.#lun;
    task.unit = task.nexus.units.get(task.lun) ?? null;
    for (const [offset, byte] of bytes.entries()) task.cdb.setUint8(offset, byte);
    task.cdbBytes = Math.max(16, bytes.length);
    task.expectedDataTransferLength = sending.expected ?? data.length;
    this.processor.decode(task);
    const writes = task.movement === Movement.listOut || task.movement === Movement.streamOut;
    task.writes = writes;
    task.reads = !writes && task.movement !== Movement.none;
    task.expectedDataTransferLength = sending.expected ?? (writes ? data.length : task.transferLength);
    task.moveLength = Math.min(task.transferLength, task.expectedDataTransferLength);
    if (task.movement === Movement.replyIn || task.movement === Movement.none) task.moveLength = 0;
    if (this.processor.admit(task)) this.processor.start(task);
    else this.processor.finishWhenIdle(task);
    return task;
  }

  /** Data-Out: as much as the task has room for. */
  #give(task: Task): void {
    if (!this.#sendings.has(task)) return;
    while (task.assigned < task.moveLength) {
      const piece = this.processor.memory.nextPiece(task);
      if (piece === null) throw new Error('no memory for the data');
      const data = this.#sendings.get(task)!;
      this.engine.slab.bytes.set(data.subarray(piece.start, piece.start + piece.length), piece.at);
      piece.received = piece.length;
      this.processor.pieceFilled(piece);
    }
  }

  /** Data-In of READs. */
  #take(task: Task): void {
    while (task.firstPiece?.done === true) {
      const piece = task.firstPiece;
      const length = Math.min(piece.length, task.moveLength - piece.start);
      this.#received.push(Buffer.from(this.engine.memoryAt(piece.address, length)));
      const { slot } = piece;
      this.processor.pieceSent(piece);
      if (slot >= 0) this.engine.slab.release(slot);
    }
  }

  #end(task: Task): void {
    const failed = task.status === Status.CHECK_CONDITION;
    const sense = Buffer.alloc(SENSE_BYTES_MAX);
    const view = new DataView(sense.buffer, sense.byteOffset, sense.length);
    const senseLength = failed ? writeSense(view, 0, task, task.unit?.senseFormat) : 0;
    const replied = task.movement === Movement.replyIn && task.status === Status.GOOD;
    const length = replied ? Math.min(task.dataLength, task.expectedDataTransferLength) : 0;
    const reply = Buffer.from(this.engine.slab.bytes.subarray(task.at, task.at + length));
    this.#outcome = {
      status: task.status,
      senseKey: task.senseKey,
      additionalSense: task.additionalSense,
      sense: sense.subarray(0, senseLength).toString('hex'),
      data: replied ? reply : Buffer.concat(this.#received.splice(0)),
      dataLength: replied ? task.dataLength : 0,
    };
    this.processor.releaseReply(task);
  }
}
