// A disk held in memory, of which snapshots can be taken at any time: they cost nothing but what is written afterwards.
// How it is served is snapshots.ts's.

import type { Disk } from 'lunaring';

const CHUNK = 64 * 1024;

type Chunks = Map<number, Uint8Array>;

/** Fills `buffer` from chunks; what there is none of stays as it came, which is zero. */
function readChunks(chunks: Chunks, buffer: Uint8Array, offset: number): void {
  for (let done = 0; done < buffer.length; ) {
    const start = (offset + done) % CHUNK;
    const length = Math.min(CHUNK - start, buffer.length - done);
    const chunk = chunks.get((offset + done - start) / CHUNK);
    if (chunk !== undefined) buffer.set(chunk.subarray(start, start + length), done);
    done += length;
  }
}

/** See the head of this file. Its functions answer at once: nothing here waits. */
export class SnapshotDisk implements Disk {
  #chunks: Chunks = new Map();
  /** Chunks that no snapshot has. */
  #own = new WeakSet<Uint8Array>();

  read(buffer: Uint8Array, offset: number): void {
    readChunks(this.#chunks, buffer, offset);
  }

  write(data: Uint8Array, offset: number): void {
    for (let done = 0; done < data.length; ) {
      const start = (offset + done) % CHUNK;
      const length = Math.min(CHUNK - start, data.length - done);
      const chunk = this.#chunkToWrite((offset + done - start) / CHUNK);
      chunk.set(data.subarray(done, done + length), start);
      done += length;
    }
  }

  unmap(offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const start = (offset + done) % CHUNK;
      const part = Math.min(CHUNK - start, length - done);
      const index = (offset + done - start) / CHUNK;
      if (part === CHUNK) this.#chunks.delete(index);
      else if (this.#chunks.has(index)) this.#chunkToWrite(index).fill(0, start, start + part);
      done += part;
    }
  }

  /** The disk as it is now, for ever. Without a function `write` it is read-only. */
  snapshot(): Disk {
    const chunks = new Map(this.#chunks);
    this.#own = new WeakSet();
    return { read: (buffer, offset) => readChunks(chunks, buffer, offset) };
  }

  /** Bytes of memory that the disk itself takes. */
  get size(): number {
    return this.#chunks.size * CHUNK;
  }

  /** A chunk that may be written to: a snapshot keeps the old one. */
  #chunkToWrite(index: number): Uint8Array {
    const present = this.#chunks.get(index);
    if (present !== undefined && this.#own.has(present)) return present;
    const chunk = present === undefined ? new Uint8Array(CHUNK) : present.slice();
    this.#own.add(chunk);
    this.#chunks.set(index, chunk);
    return chunk;
  }
}
