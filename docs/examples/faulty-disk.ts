// A disk in a file that writes down what it is asked for, and fails where it is told to: for trying out what hosts make of bad blocks, full
// disks and late answers. A module of its own, so that its thread is too; faults.ts serves it.

import { constants, type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disk, DiskError, type MakeDisk } from 'lunaring/disk';

/** What is to go wrong. Offsets are bytes. */
export interface Faults {
  /** The file that keeps the blocks; made if there is none. */
  readonly path: string;
  /** The file that is written to for every operation; left out: none. */
  readonly log?: string;
  /** Blocks that can't be read; writing one mends it. */
  readonly badBlocks?: readonly number[];
  /** Writes from here on find no space. */
  readonly fullFrom?: number;
  /** Reads that touch this block take so long. */
  readonly slow?: { readonly offset: number; readonly ms: number };
}

class FaultyDisk implements Disk {
  readonly #file: FileHandle;
  readonly #log: FileHandle | null;
  readonly #faults: Faults;
  readonly #bad: Set<number>;

  constructor(file: FileHandle, log: FileHandle | null, faults: Faults) {
    this.#file = file;
    this.#log = log;
    this.#faults = faults;
    this.#bad = new Set(faults.badBlocks);
  }

  async read(buffer: Uint8Array, offset: number): Promise<void> {
    const end = offset + buffer.length;
    await this.#note(`read ${offset} ${buffer.length}`);
    const { slow } = this.#faults;
    if (slow !== undefined && slow.offset >= offset && slow.offset < end) await sleep(slow.ms);
    for (const bad of this.#bad) {
      if (bad >= offset && bad < end) throw new DiskError('medium', 'a bad block', { offset: bad });
    }
    // Beyond the file's end there is nothing to read, and the buffer holds zeroes.
    await this.#file.read(buffer, 0, buffer.length, offset);
  }

  async write(data: Uint8Array, offset: number): Promise<void> {
    const end = offset + data.length;
    await this.#note(`write ${offset} ${data.length}`);
    if (end > (this.#faults.fullFrom ?? Number.POSITIVE_INFINITY)) throw new DiskError('space', 'full');
    await this.#file.write(data, 0, data.length, offset);
    for (const bad of this.#bad) if (bad >= offset && bad < end) this.#bad.delete(bad);
  }

  async flush(): Promise<void> {
    await this.#note('flush');
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#note('close');
    await this.#file.close();
    await this.#log?.close();
  }

  async #note(line: string): Promise<void> {
    await this.#log?.write(`${line}\n`);
  }
}

/** Called in the disk's thread, with a copy of the `data` that createTarget was given. */
const makeDisk: MakeDisk<Faults> = async (faults) => {
  const file = await open(faults.path, constants.O_RDWR | constants.O_CREAT);
  const log = faults.log === undefined ? null : await open(faults.log, 'a');
  return new FaultyDisk(file, log, faults);
};
export default makeDisk;
