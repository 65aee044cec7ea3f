// Sessions on a simulated worker: the real session, SCSI and backend code, without a kernel, a network or a clock.
// Plays main (hand-offs, resets); the initiator's end of each connection is sim-initiator.ts.

import { unitMemory } from '../../src/backend/memory.ts';
import { NONE } from '../../src/base/free-list.ts';
import {
  type ConnectionParameters,
  DEFAULT_CONNECTION_PARAMETERS,
  DEFAULT_SESSION_PARAMETERS,
  type SessionParameters,
} from '../../src/pdu/parameters.ts';
import { COUNTERS_PER_BLOCK } from '../../src/ring/counters.ts';
import { Figures } from '../../src/ring/figures.ts';
import { LostWrites } from '../../src/ring/lost-writes.ts';
import type { BackendSnapshot, FromWorker, Handoff, ToWorker, UnitSnapshot } from '../../src/ring/messages.ts';
import { Meters } from '../../src/ring/meters.ts';
import type { ParcelOf } from '../../src/ring/parcel.ts';
import { Turns } from '../../src/ring/turns.ts';
import { SessionHost } from '../../src/session/session-host.ts';
import { SimEngine, type SimFile, type SimOptions } from './sim-engine.ts';
import { SimInitiator } from './sim-initiator.ts';

const FD = 7;
export const TARGET_NAME = 'iqn.2026-11.io.lunaring:sim';

/** Main numbers its own requests from here on. */
const MAIN_REQUESTS = 1000;

/** Units of the bench, by LUN. */
export const SimLun = { FILE: 0, MEMORY: 1, NULL: 2 } as const;
export const BLOCK_BYTES = 512;

/** The world-wide name of the unit with that LUN. */
export const naaOf = (lun: number): string => `300000000000000${lun}`;

/** What a bench may vary. */
export interface BenchOptions extends SimOptions {
  readonly blockCount?: number;
  /** Instead of one of its own. */
  readonly engine?: SimEngine;
}

/** What a login of the bench may vary; the rest is what libiscsi would agree on. */
export interface SimLogin {
  readonly session?: Partial<SessionParameters>;
  readonly connection?: Partial<ConnectionParameters>;
  readonly queueDepth?: number;
  readonly nopIntervalMs?: number;
  readonly expCmdSN?: number;
  readonly statSN?: number;
  /** What its first Login Request acknowledged of a connection that it restarts. */
  readonly expStatSN?: number;
  /** Where it came in. */
  readonly portal?: string;
  /** Another connection of this session. */
  readonly joins?: SimInitiator;
  /** Of the connection; otherwise one that no other has. */
  readonly cid?: number;
  /** Its LUN map, if not all units of the bench. */
  readonly luns?: Handoff['luns'];
  /** Bytes that came behind the login. */
  readonly received?: Uint8Array;
}

/** One worker, its units, and the initiators that are logged in. */
export class SessionBench {
  readonly engine: SimEngine;
  readonly host: SessionHost;
  /** The bytes and switches of unit FILE. */
  readonly file: SimFile;
  /** The bytes of unit MEMORY. */
  readonly memory: Uint8Array;
  /** Everything the worker told main, log lines left out. */
  readonly messages: FromWorker[] = [];
  readonly log: string[] = [];
  /** What of it is a warning. */
  readonly warnings: string[] = [];
  readonly lostWrites = LostWrites.create();
  readonly meters = Meters.create();
  readonly #parcelOf: ParcelOf;
  #resets: Extract<FromWorker, { type: 'reset' }>[] = [];
  /** Main's request, and the worker's behind it. */
  readonly #resetsUnderWay = new Map<number, number>();
  #handoffs = 0;
  readonly #units = new Map<number, UnitSnapshot>();

  constructor(options: BenchOptions = {}) {
    const { blockCount = 8192 } = options;
    this.engine = options.engine ?? new SimEngine(options);
    this.file = this.engine.addFile(FD, blockCount * BLOCK_BYTES);
    const memory = unitMemory(blockCount * BLOCK_BYTES);
    this.memory = new Uint8Array(memory, 0, blockCount * BLOCK_BYTES);
    this.#parcelOf = (unit) => ({ unit, memory });
    this.host = new SessionHost({
      worker: 0,
      turns: Turns.create(),
      lostWrites: this.lostWrites,
      meters: this.meters,
      unitFigures: Figures.create(1, 1),
      sessionFigures: Figures.create(1, 1),
      counters: new Float64Array(COUNTERS_PER_BLOCK),
      uplink: (message) => this.#hear(message),
      onWoken: () => {},
    });
    this.engine.events = this.host;
    this.host.attach(this.engine);
    const backends: readonly (readonly [lun: number, backend: BackendSnapshot])[] = [
      [SimLun.FILE, { kind: 'file', fd: FD, path: '/disk', direct: false, canPunch: true }],
      [SimLun.MEMORY, { kind: 'memory', atomic: false }],
      [SimLun.NULL, { kind: 'null' }],
    ];
    for (const [lun, backend] of backends) this.#addUnit(lun, blockCount, backend);
  }

  #addUnit(lun: number, blockCount: number, backend: BackendSnapshot): void {
    this.#units.set(lun, {
      id: 100 + lun,
      targetName: TARGET_NAME,
      lun,
      blockSize: BLOCK_BYTES,
      blockCount,
      readOnly: false,
      removable: false,
      writeCache: false,
      serial: `0123456789ABCDE${lun}`,
      naa: naaOf(lun),
      thin: false,
      portalGroups: [1],
      figures: NONE,
      meter: NONE,
      statePath: null,
      backend,
    });
    this.changeUnit(lun, {});
  }

  /** Main tells of a unit anew. */
  changeUnit(lun: number, change: Partial<UnitSnapshot>): void {
    const unit = { ...this.#units.get(lun)!, ...change };
    this.#units.set(lun, unit);
    this.tell({ type: 'unit', unit });
  }

  /** A message from main. */
  tell(message: ToWorker): void {
    this.host.handle(message, this.#parcelOf);
  }

  /** Logs an initiator in; throws when the worker refuses it. */
  logIn(login: SimLogin = {}): SimInitiator {
    const id = ++this.#handoffs;
    const { joins: first, cid = id } = login;
    const tsih = first?.tsih ?? id;
    const session = first?.session ?? { ...DEFAULT_SESSION_PARAMETERS, initialR2T: false, ...login.session };
    const connection = {
      ...DEFAULT_CONNECTION_PARAMETERS,
      maxRecvDataSegmentLength: 262144,
      maxXmitDataSegmentLength: 262144,
      ...login.connection,
    };
    const expCmdSN = login.expCmdSN ?? 1;
    const statSN = login.statSN ?? 1;
    const initiator = new SimInitiator(this.engine, this.engine.connect(), {
      tsih,
      cid,
      session,
      connection,
      cmdSN: expCmdSN,
    });
    const handoff: Handoff = {
      type: 'handoff',
      id,
      fd: 0,
      initiatorName: `iqn.2026-11.io.lunaring:sim-initiator${tsih}`,
      targetName: TARGET_NAME,
      isid: '80000000000a',
      tsih,
      cid,
      portalGroupTag: 1,
      peerAddress: '127.0.0.1:40000',
      expCmdSN,
      statSN,
      expStatSN: login.expStatSN ?? 0,
      session,
      connection,
      luns: login.luns ?? Object.values(SimLun).map((lun) => [lun, 100 + lun] as const),
      afterPowerOn: false,
      sendTargets: `TargetName=${TARGET_NAME}\0TargetAddress=${login.portal ?? '127.0.0.1:3260'},1\0`,
      // A Login Response's header, which is all that anyone here looks at.
      finalResponse: Buffer.from([0x23, ...Array<number>(47).fill(0)]).toString('base64'),
      received: Buffer.from(login.received ?? []).toString('base64'),
      joins: first !== undefined,
      queueDepth: login.queueDepth ?? 32,
      nopIntervalMs: login.nopIntervalMs ?? 0,
      meter: NONE,
      figures: NONE,
    };
    if (first !== undefined) initiator.share(first);
    this.tell(handoff);
    const answer = this.messages.findLast((message) => message.type === 'accepted' || message.type === 'refused');
    if (answer?.type !== 'accepted') throw new Error(`refused: ${JSON.stringify(answer)}`);
    this.settle();
    initiator.early = initiator.replies().slice(1);
    return initiator;
  }

  /** Runs until nothing happens any more; resets reach the worker the way main sends them. */
  settle(): void {
    for (;;) {
      this.engine.settle();
      const resets = this.#resets;
      if (resets.length === 0) return;
      this.#resets = [];
      for (const { request, reset } of resets) {
        this.#resetsUnderWay.set(MAIN_REQUESTS + request, request);
        this.tell({ type: 'reset', request: MAIN_REQUESTS + request, reset });
      }
    }
  }

  /** Lets so many milliseconds pass, a tick of the engine's for each second. */
  pass(milliseconds: number): void {
    const end = this.engine.clock + milliseconds;
    while (this.engine.clock < end) {
      this.engine.clock = Math.min(end, this.engine.clock + 1000);
      this.host.tick();
      this.settle();
    }
  }

  #hear(message: FromWorker): void {
    if (message.type === 'log') {
      this.log.push(message.message);
      if (message.level === 'warn') this.warnings.push(message.message);
      return;
    }
    if (message.type === 'unitFailure') {
      this.log.push(message.message);
      return;
    }
    this.messages.push(message);
    if (message.type === 'reset') this.#resets.push(message);
    const request = message.type === 'done' ? this.#resetsUnderWay.get(message.request) : undefined;
    if (request !== undefined) this.tell({ type: 'resetDone', request });
  }
}
