// Writes of a simulated engine: those that are to last and fail are known again when they are tried once more.
// How they fail is disk.ts's; that they are tried again, the file backend's.

import type { Heard } from './completions.ts';
import type { FailedWrite, SimDisk } from './disk.ts';

/** A write, as the engine was asked for it. */
interface Write {
  /** What is written, looked at when that takes effect. */
  readonly from: () => Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly durable: boolean;
  readonly token: number;
}

/** See the file's head. */
export class Writes {
  /** By token. */
  readonly #failed = new Map<number, FailedWrite>();

  write(
    disk: SimDisk,
    { from, offset, length, durable, token }: Write,
    done: (result: number, heard?: Heard) => void,
  ): void {
    const failed = this.#failed.get(token);
    this.#failed.delete(token);
    if (durable) {
      disk.writeThrough(from, offset, length, (result, heard, failure) => {
        if (failure !== null) this.#failed.set(token, failure);
        done(result, heard);
      });
    } else if (failed !== undefined) {
      disk.writeAgain(failed, from, offset, length, done);
    } else {
      disk.write(from, offset, length, false, done);
    }
  }
}
