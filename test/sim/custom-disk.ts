// A simulated custom disk: the functions that a program brings, over a disk of disk.ts, behind the real control/disk-server.ts.
// They are late, fail and throw in all the ways that docs/library.md allows, and judge what they are asked.

import type { MessagePort } from 'node:worker_threads';
import { type Disk, DiskError } from '../../src/backend/disk.ts';
import type { CustomDisk, CustomDiskLink } from '../../src/config/custom-lun.ts';
import { DiskServer } from '../../src/control/disk-server.ts';
import { EXCHANGE_DATA_BYTES } from '../../src/ring/exchange.ts';
import type { Bell } from '../../src/ring/parcel.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { type SimClock, Violation } from './clock.ts';
import { SECTOR, type SimDisk } from './disk.ts';
import type { Random } from './random.ts';

/** A function may take longer than its time by so much. */
const LATE_MS = 4000;

/** What functions throw, by the sense key that an initiator hears of it. */
const ERRORS: readonly (readonly [senseKey: number, make: () => unknown])[] = [
  [SenseKey.MEDIUM_ERROR, () => new DiskError('medium', 'simulated')],
  [SenseKey.MEDIUM_ERROR, () => new Error('simulated')],
  [SenseKey.MEDIUM_ERROR, () => undefined],
  [SenseKey.HARDWARE_ERROR, () => new DiskError('hardware', 'simulated')],
  [SenseKey.DATA_PROTECT, () => Object.assign(new Error('simulated'), { code: 'ENOSPC' })],
  [SenseKey.DATA_PROTECT, () => new DiskError('writeProtected', 'simulated')],
  [SenseKey.NOT_READY, () => new DiskError('noMedium', 'simulated')],
];
/** What a flush throws that has lost nothing, and others throw as well. */
const HARMLESS: typeof ERRORS = [
  [SenseKey.NOT_READY, () => new DiskError('notReady', 'simulated')],
  [SenseKey.ABORTED_COMMAND, () => new DiskError('aborted', 'simulated')],
];

/** A function under way. */
interface Call {
  readonly name: string;
  /** Bytes from the start of the disk; those of a flush are none. */
  readonly start: number;
  readonly end: number;
  readonly changes: boolean;
}

type Settle = (resolve: () => void, reject: (error: unknown) => void) => void;

/** The port between a worker and the disk's thread. What is posted takes its time. */
export class DiskPort {
  /** The worker's end. */
  readonly bell: Bell;
  readonly #later: (run: () => void) => void;
  readonly #wake: () => void;
  readonly #listeners = { message: (): void => {}, close: (): void => {} };
  #open = true;

  /** `wake` is called when the disk has posted something. */
  constructor(later: (run: () => void) => void, wake: () => void) {
    this.#later = later;
    this.#wake = wake;
    this.bell = { postMessage: () => this.#tell('message'), close: () => this.#tell('close') };
  }

  #tell(event: 'message' | 'close'): void {
    this.#later(() => {
      if (!this.#open) return;
      this.#open = event !== 'close';
      this.#listeners[event]();
    });
  }

  on(event: 'message' | 'close', listener: () => void): void {
    this.#listeners[event] = listener;
  }

  postMessage(): void {
    this.#later(this.#wake);
  }

  close(): void {
    this.#open = false;
  }

  /** The disk's end, as far as that uses one. */
  get port(): MessagePort {
    return this as unknown as MessagePort;
  }
}

/** What is known of a custom unit's disk, however often it is opened. */
export class CustomRecord {
  readonly canFlush: boolean;
  readonly canUnmap: boolean;
  readonly concurrency: number;
  readonly timeoutMs: number;
  /** When a function failed last in a way that initiators hear of by that sense key. */
  readonly failedAt = new Map<number, number>();

  constructor(random: Random) {
    this.canFlush = random.chance(0.8);
    this.canUnmap = random.chance(0.7);
    this.concurrency = random.pick([1, 2, 8, 32]);
    this.timeoutMs = random.pick([1000, 2000]);
  }
}

/** See the file's head. From its opening to its end, or to a power cut. */
export class SimCustomDisk implements CustomDisk {
  readonly canWrite = true;
  readonly canFlush: boolean;
  readonly canUnmap: boolean;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly #disk: SimDisk;
  readonly #record: CustomRecord;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #server: DiskServer;
  readonly #calls = new Set<Call>();
  readonly #ports: MessagePort[] = [];
  /** By worker. */
  readonly #lostListeners = new Map<number, () => void>();
  #closed = false;
  /** Its functions go on no more: the power is off, or the thread hangs, or has ended. */
  #off = false;
  #ended = false;

  constructor(disk: SimDisk, record: CustomRecord, clock: SimClock, random: Random) {
    this.canFlush = record.canFlush;
    this.canUnmap = record.canUnmap;
    this.concurrency = record.concurrency;
    this.timeoutMs = record.timeoutMs;
    this.#disk = disk;
    this.#record = record;
    this.#clock = clock;
    this.#random = random;
    this.#server = new DiskServer(this.#functions(), () => {});
    if (record.failedAt.get(SenseKey.HARDWARE_ERROR) === Number.POSITIVE_INFINITY)
      record.failedAt.set(SenseKey.HARDWARE_ERROR, clock.now);
  }

  connect(link: CustomDiskLink): void {
    if (this.#ended) {
      link.port.close();
      return;
    }
    this.#ports.push(link.port as MessagePort);
    this.#server.connect(link);
  }

  onLost(worker: number, then: () => void): void {
    if (this.#ended) then();
    else this.#lostListeners.set(worker, then);
  }

  /** Rejects when the last flush fails, and when there is nobody to flush any more. */
  close(): Promise<void> {
    return this.#ended ? Promise.reject(new Error('its thread has ended')) : this.#server.close();
  }

  /** Its thread ends, after so long in which it answers nothing. What it was doing then has been done, or never will be, when this resolves. */
  async end(silentMs: number): Promise<void> {
    this.#off = true;
    await this.#pass(silentMs);
    this.#clock.note(`${this.#disk.name}: its thread ends`);
    for (const port of this.#ports) port.close();
    while (this.#disk.inFlight !== 0) await this.#pass(1);
    this.#ended = true;
    // Until another has its place.
    this.#record.failedAt.set(SenseKey.HARDWARE_ERROR, Number.POSITIVE_INFINITY);
    for (const then of this.#lostListeners.values()) then();
  }

  #pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(milliseconds, () => {
        this.#clock.mainTouched = true;
        resolve();
      });
    });
  }

  cutPower(): void {
    this.#off = true;
  }

  #functions(): Disk {
    const disk = this.#disk;
    const durable = !this.canFlush;
    const functions: Disk = {
      read: (buffer, offset) => {
        const call = this.#call('read', offset, buffer.length, false);
        this.#claim(
          buffer.every((byte) => byte === 0),
          'a disk reads into zeroes',
          call,
        );
        return this.#perform(call, (done) => disk.read(() => buffer, offset, buffer.length, done), buffer);
      },
      write: (data, offset) => {
        const call = this.#call('write', offset, data.length, true);
        return this.#perform(call, (done) => disk.write(() => data, offset, data.length, durable, done), data);
      },
      close: () => {
        const changing = [...this.#calls].find(({ changes }) => changes);
        if (changing !== undefined) this.#claim(false, 'a disk is closed when nothing changes it any more', changing);
        this.#call('close', 0, 0, false);
        this.#closed = true;
      },
    };
    if (this.canFlush) functions.flush = () => this.#flush();
    if (this.canUnmap) {
      functions.unmap = (offset, length) => {
        const call = this.#call('unmap', offset, length, true);
        return this.#perform(call, (done) => disk.clear(offset, length, done, durable), null);
      };
    }
    return functions;
  }

  #claim(holds: boolean, rule: string, { name, start, end }: Call): void {
    if (holds) return;
    // Not from in here, where it would be one of the disk's errors.
    this.#clock.after(0, () => {
      throw new Violation(rule, `${this.#disk.name} ${name} ${start}+${end - start}`);
    });
  }

  #call(name: string, start: number, length: number, changes: boolean): Call {
    const call = { name, start, end: start + length, changes };
    this.#claim(!this.#closed, 'a disk that is closed is not used', call);
    const isWhole = start % SECTOR === 0 && length % SECTOR === 0;
    const isInside = call.end <= this.#disk.size && (name === 'unmap' || length <= EXCHANGE_DATA_BYTES);
    this.#claim(isWhole && isInside, 'a disk is asked for blocks that it has', call);
    const overlaps = [...this.#calls].some(
      (other) => (other.changes || changes) && Math.max(other.start, start) < Math.min(other.end, call.end),
    );
    this.#claim(!overlaps, 'what overlaps on a disk is kept apart', call);
    return call;
  }

  #error(kinds: typeof ERRORS = [...ERRORS, ...HARMLESS]): unknown {
    const [senseKey, make] = this.#random.pick(kinds);
    this.#record.failedAt.set(senseKey, this.#clock.now);
    return make();
  }

  /** `buffer` is the disk's until it has answered: it may leave there what it likes. */
  #perform(call: Call, operate: (done: (result: number) => void) => void, buffer: Uint8Array | null): Promise<void> {
    if (this.#random.chance(this.#disk.faults.error / 2)) throw this.#error();
    return this.#promise(call, (end) =>
      operate((result) => {
        const fails = result < 0 || (call.name !== 'unmap' && result < call.end - call.start);
        if (buffer !== null && (fails || call.changes) && this.#random.chance(0.3)) buffer.fill(0xaa);
        end((resolve, reject) => (fails ? reject(this.#error()) : resolve()));
      }),
    );
  }

  #flush(): Promise<void> {
    const call = this.#call('flush', 0, 0, false);
    if (this.#random.chance(this.#disk.faults.syncError / 2)) throw this.#error(HARMLESS);
    return this.#promise(call, (end) =>
      this.#disk.sync((result, heard) => {
        end((resolve, reject) => {
          if (result < 0) reject(this.#random.pick(ERRORS)[1]());
          else resolve();
          heard(true);
        });
      }),
    );
  }

  /** A function that takes its time: now and then too much of it, before it has done anything or when it has. */
  #promise(call: Call, work: (end: (settle: Settle) => void) => void): Promise<void> {
    const isLate = (): boolean => this.#random.chance(this.#disk.faults.late);
    const delay = (): number => (isLate() ? this.#random.between(this.timeoutMs / 2, this.timeoutMs + LATE_MS) : 0);
    this.#calls.add(call);
    return new Promise((resolve, reject) => {
      const end = (settle: Settle): void =>
        this.#later(delay(), () => {
          this.#calls.delete(call);
          this.#clock.note(`${this.#disk.name} answers ${call.name} ${call.start}+${call.end - call.start}`);
          settle(resolve, reject);
        });
      this.#later(delay(), () => work(end));
    });
  }

  #later(delayMs: number, run: () => void): void {
    const hear = (): void => {
      if (this.#off) return;
      this.#clock.mainTouched = true;
      run();
    };
    if (delayMs === 0) hear();
    else this.#clock.after(delayMs, hear);
  }
}
