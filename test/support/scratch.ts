// A temporary directory that goes away by itself, a free port, and files full of bytes that can't compress or repeat.
// Knows nothing of targets.

import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** A directory of its own, removed when the scope that declared it with `using` ends, or else the process. */
export class Scratch implements Disposable {
  readonly path: string;
  readonly #remove = () => rmSync(this.path, { recursive: true, force: true });

  /** In `parent`, or where temporary files go. */
  constructor(name: string, parent: string = tmpdir()) {
    this.path = mkdtempSync(join(parent, `lunaring-${name}-`));
    process.once('exit', this.#remove);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Writes `length` bytes of noise that `seed` determines. */
  noise(name: string, length: number, seed = 1): string {
    const path = this.file(name);
    writeFileSync(path, noise(length, seed));
    return path;
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#remove);
    this.#remove();
  }
}

/** `length` bytes of noise, the same for the same seed: xorshift32, no need for more. */
export function noise(length: number, seed = 1): Buffer {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = seed | 0 || 1;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return Buffer.from(words.buffer, 0, length);
}

/** Hex SHA-256 of a file. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A TCP port on the loopback that nothing listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()));
    });
  });
}
