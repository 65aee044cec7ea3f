// A simulated disk behind a cache: what was written is read back, but only what was synced is sure to be there after a power cut.
// Of the rest each sector is kept or lost by itself. Operations take time, take effect in parts, fall short and fail; a sync that fails may
// lose what it was to keep, and none that comes after it says so.

import { constants } from 'node:os';
import type { SimClock } from './clock.ts';
import type { Heard } from './completions.ts';
import type { Random } from './random.ts';

const { EIO } = constants.errno;
/** Bytes that are written whole or not at all, unless a disk says otherwise. */
export const SECTOR = 512;

/** How bad the disk is. Probabilities are per operation. */
export interface DiskFaults {
  readonly error: number;
  readonly short: number;
  readonly syncError: number;
  /** Milliseconds that an operation takes now and then. */
  readonly slowMs: number;
  /** Of a function of a custom disk's to take too long. */
  readonly late: number;
}

/** A write, or a part of one, that no sync has covered. */
interface Unsynced {
  readonly sector: number;
  readonly bytes: Uint8Array;
  /** When the operation that it belongs to was reported done; Infinity: it has not been. */
  doneAt: number;
}

/** A write and its sync in one that failed. Whoever asked does not know which of both. */
export interface FailedWrite {
  /** Of the sync, which may have lost something: to be called when the second try is known to have succeeded. Null: nothing was written. */
  readonly heard: Heard | null;
}

/** See the file's head. */
export class SimDisk {
  readonly name: string;
  faults: DiskFaults;
  readonly #sector: number;
  readonly #clock: SimClock;
  readonly #random: Random;
  #content: Uint8Array;
  #durable: Uint8Array;
  #unsynced: Unsynced[] = [];
  /** Syncs that have failed, and whose workers do not know yet. */
  #unheard = 0;
  /** A sync has failed, and the disk has not been opened anew since, or only then; Infinity: it is so still. */
  lostUntil = Number.NEGATIVE_INFINITY;
  /** When a worker came to know that; Infinity: none has, or it is opened anew. */
  lostKnownAt = Number.POSITIVE_INFINITY;
  /** When something was last made to last. */
  durableAt = Number.NEGATIVE_INFINITY;
  /** When an operation failed last. */
  failedAt = Number.NEGATIVE_INFINITY;
  inFlight = 0;
  #powerCuts = 0;

  constructor(
    { name, bytes, sector }: { name: string; bytes: number; sector: number },
    clock: SimClock,
    random: Random,
    faults: DiskFaults,
  ) {
    this.name = name;
    this.#sector = sector;
    this.#clock = clock;
    this.#random = random;
    this.faults = faults;
    this.#content = new Uint8Array(bytes);
    this.#durable = new Uint8Array(bytes);
  }

  get size(): number {
    return this.#content.length;
  }

  /** Makes it longer. */
  grow(bytes: number): void {
    if (bytes <= this.size) return;
    for (const key of ['content', 'durable'] as const) {
      const grown = new Uint8Array(bytes);
      grown.set(key === 'content' ? this.#content : this.#durable);
      if (key === 'content') this.#content = grown;
      else this.#durable = grown;
    }
  }

  /** Reads into `into` at some moment between now and `done`. Both may come in parts. */
  read(into: () => Uint8Array, offset: number, length: number, done: (result: number) => void): void {
    this.#operate('read', offset, length, done, (from, to) => {
      into().set(this.#content.subarray(offset + from, offset + to), from);
      return null;
    });
  }

  /** Writes from `from`, which is looked at when it takes effect. */
  write(bytes: () => Uint8Array, offset: number, length: number, durable: boolean, done: (result: number) => void) {
    this.#operate(
      'write',
      offset,
      length,
      done,
      (from, to) => this.#put(bytes().slice(from, to), offset + from),
      durable,
    );
  }

  /**
   * A write and its sync in one, as direct I/O has them. Either may fail. What a sync that fails has lost, the syncs to come say nothing of, until
   * whoever asked has written once more.
   */
  writeThrough(
    bytes: () => Uint8Array,
    offset: number,
    length: number,
    done: (result: number, heard: Heard, failure: FailedWrite | null) => void,
  ): void {
    const begun = this.#clock.now;
    if (!this.#random.chance(this.faults.syncError)) {
      const ended = (result: number): void => done(result, () => {}, result < 0 ? { heard: null } : null);
      this.write(bytes, offset, length, true, ended);
      return;
    }
    this.#later(0.5, () => {
      const written = this.#put(bytes().slice(0, length), offset);
      const heard = this.#failSync((each) => each.doneAt <= begun || written.includes(each));
      for (const each of written) each.doneAt = this.#clock.now;
      this.#clock.note(`${this.name} write ${offset}+${length} failed at its sync`);
      const heardOfFirst = (known: boolean): void => {
        if (!known) heard(false);
      };
      done(-EIO, heardOfFirst, { heard });
    });
  }

  /** A write through that failed is written once more, without having it last. What can't be written fails again. */
  writeAgain(
    { heard }: FailedWrite,
    bytes: () => Uint8Array,
    offset: number,
    length: number,
    done: (result: number, heard?: Heard) => void,
  ): void {
    this.#later(0.5, () => {
      if (heard === null) {
        this.failedAt = this.#clock.now;
        done(-EIO);
        return;
      }
      for (const each of this.#put(bytes().slice(0, length), offset)) each.doneAt = this.#clock.now;
      done(length, heard);
    });
  }

  clear(offset: number, length: number, done: (result: number) => void, durable = false): void {
    const part = (from: number, to: number): Unsynced[] => this.#put(new Uint8Array(to - from), offset + from);
    this.#operate('clear', offset, length, done, part, durable);
  }

  /**
   * What was reported done before now is durable when it succeeds. When it fails, some of that will never be: it is in the cache, as if it
   * had been written, and the syncs to come succeed without it. Those that end before the worker knows fail as well: which of several the
   * kernel tells is not simulated, nor that a worker fails in between and takes what it was told with it.
   */
  sync(done: (result: number, heard: Heard) => void): void {
    const begun = this.#clock.now;
    const before = (each: Unsynced): boolean => each.doneAt <= begun;
    const draws = this.#random.chance(this.faults.syncError);
    this.#later(2, () => {
      const fails = draws || this.#unheard !== 0;
      if (!fails) {
        this.durableAt = this.#clock.now;
        this.#keep(before);
      }
      const heard = fails ? this.#failSync(before) : () => {};
      this.#clock.note(`${this.name} sync ${fails ? 'failed' : 'done'}`);
      done(fails ? -EIO : 0, heard);
    });
  }

  /** A sync fails. What this answers is to be told when the worker knows; one that never will has lost nothing. */
  #failSync(concerned: (each: Unsynced) => boolean): Heard {
    const lost = this.#lose(concerned);
    this.failedAt = this.#clock.now;
    this.lostUntil = Number.POSITIVE_INFINITY;
    this.#unheard++;
    const cuts = this.#powerCuts;
    return (known) => {
      if (this.#powerCuts !== cuts) return;
      this.#unheard--;
      if (known) this.lostKnownAt = Math.min(this.lostKnownAt, this.#clock.now);
      else this.#restore(lost);
    };
  }

  /** It is opened anew; true: with writes lost that were acknowledged. */
  reopen(): boolean {
    if (this.lostUntil !== Number.POSITIVE_INFINITY) return false;
    this.lostUntil = this.#clock.now;
    this.lostKnownAt = Number.POSITIVE_INFINITY;
    this.#unheard = 0;
    return true;
  }

  /** The power fails: of what was not synced, any part is lost. */
  cutPower(): void {
    for (const { sector, bytes } of this.#random.shuffled(this.#unsynced)) {
      if (this.#random.chance(0.5)) this.#durable.set(bytes, sector * this.#sector);
    }
    this.#unsynced = [];
    this.#content = this.#durable.slice();
    this.reopen();
    this.#unheard = 0;
    this.#powerCuts++;
    this.inFlight = 0;
  }

  /** Whether something that was reported done by then is not sure to last. */
  mayLose(time: number): boolean {
    return this.#unsynced.some(({ doneAt }) => doneAt <= time);
  }

  /** Whether the {@link SECTOR} bytes at `offset` are all zeroes. */
  isZero(offset: number): boolean {
    return this.#content.subarray(offset, offset + SECTOR).every((byte) => byte === 0);
  }

  #put(bytes: Uint8Array, offset: number): Unsynced[] {
    this.#content.set(bytes, offset);
    const entries: Unsynced[] = [];
    for (let at = 0; at < bytes.length; at += this.#sector) {
      const entry = {
        sector: (offset + at) / this.#sector,
        bytes: bytes.slice(at, at + this.#sector),
        doneAt: Infinity,
      };
      entries.push(entry);
      this.#unsynced.push(entry);
    }
    return entries;
  }

  /** Some of what was written is durable, and what lay beneath it is gone for good. */
  #keep(concerned: (each: Unsynced) => boolean): void {
    const last = new Map<number, number>();
    for (const [index, each] of this.#unsynced.entries()) {
      if (!concerned(each)) continue;
      this.#durable.set(each.bytes, each.sector * this.#sector);
      last.set(each.sector, index);
    }
    this.#unsynced = this.#unsynced.filter(({ sector }, index) => index > (last.get(sector) ?? -1));
  }

  /** Of some of what was written each sector is durable or never will be. Answers the latter. */
  #lose(concerned: (each: Unsynced) => boolean): Unsynced[] {
    const lost = this.#unsynced.filter((each) => concerned(each) && this.#random.chance(0.5));
    this.#keep((each) => concerned(each) && !lost.includes(each));
    this.#unsynced = this.#unsynced.filter((each) => !lost.includes(each));
    return lost;
  }

  /** What was lost is durable after all, but for what has been synced over it. */
  #restore(lost: readonly Unsynced[]): void {
    for (const { sector, bytes } of lost) {
      const at = sector * this.#sector;
      const isLatest = Buffer.from(bytes).equals(this.#content.subarray(at, at + this.#sector));
      if (isLatest || this.#unsynced.some((each) => each.sector === sector)) this.#durable.set(bytes, at);
    }
  }

  /** One operation: takes effect in up to two parts, falls short or fails, and is reported done. */
  #operate(
    kind: string,
    offset: number,
    length: number,
    done: (result: number) => void,
    part: (from: number, to: number) => Unsynced[] | null,
    durable = false,
  ): void {
    const random = this.#random;
    const sectors = Math.ceil(length / this.#sector);
    const fails = random.chance(this.faults.error);
    // Ranges are cleared whole or not.
    const short = kind !== 'clear' && sectors > 1 && random.chance(this.faults.short);
    // What fails has done any part of its work.
    const reach =
      fails || short ? random.between(fails ? 0 : 1, sectors - 1) * this.#sector : Math.min(length, this.size - offset);
    const middle = random.between(0, Math.floor(reach / this.#sector)) * this.#sector;
    const written: Unsynced[] = [];
    this.#later(0.5, () => {
      written.push(...(middle === 0 ? [] : (part(0, middle) ?? [])));
      this.#later(0.5, () => {
        written.push(...(middle === reach ? [] : (part(middle, reach) ?? [])));
        for (const each of written) each.doneAt = this.#clock.now;
        // What one that fails has done lasts as well.
        if (durable) this.#keep((each) => written.includes(each));
        if (durable && !fails) this.durableAt = this.#clock.now;
        if (fails) this.failedAt = this.#clock.now;
        this.#clock.note(`${this.name} ${kind} ${offset}+${length} ${fails ? 'failed' : reach}`);
        done(fails ? -EIO : reach);
      });
    });
  }

  #later(usual: number, run: () => void): void {
    this.inFlight++;
    const before = this.#powerCuts;
    this.#clock.after(this.#random.delay(usual, this.faults.slowMs), () => {
      // What it was doing when the power failed, it never did.
      if (this.#powerCuts !== before) return;
      this.inFlight--;
      run();
    });
  }
}
