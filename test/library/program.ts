// A program that uses the library, which is the compiled one, so that its workers are real; and a disk that does as it is told.

import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Disk } from '../../src/backend/disk.ts';
import { repositoryRoot } from '../support/repository.ts';

const library: typeof import('../../src/library/index.ts') = await import(
  join(repositoryRoot(), 'dist/src/library/index.js')
);

export const { createTarget, DiskError, ConfigurationError } = library;

export const BLOCK = 512;
export const BLOCKS = 2048;

/** What a program sees of its disk: blocks in memory, calls in order, and functions that a test may put in the place of others. */
export class ToldDisk implements Disk {
  readonly bytes = Buffer.alloc(BLOCK * BLOCKS);
  readonly calls: string[] = [];
  /** Called before each operation. */
  before: (operation: string, offset: number) => void | Promise<void> = () => {};

  async read(buffer: Uint8Array, offset: number): Promise<void> {
    await this.#note('read', offset, buffer.length);
    buffer.set(this.bytes.subarray(offset, offset + buffer.length));
  }

  async write(data: Uint8Array, offset: number): Promise<void> {
    await this.#note('write', offset, data.length);
    this.bytes.set(data, offset);
  }

  async flush(): Promise<void> {
    await this.#note('flush', 0, 0);
  }

  async unmap(offset: number, length: number): Promise<void> {
    await this.#note('unmap', offset, length);
    this.bytes.fill(0, offset, offset + length);
  }

  async close(): Promise<void> {
    await this.#note('close', 0, 0);
  }

  async #note(operation: string, offset: number, length: number): Promise<void> {
    this.calls.push(length === 0 ? operation : `${operation} ${offset / BLOCK}+${length / BLOCK}`);
    await this.before(operation, offset);
  }
}

/** A log whose lines a test can read. */
export function readableLog() {
  const lines: string[] = [];
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString());
      done();
    },
  });
  return { lines, log: pino({ level: 'info' }, stream) };
}
