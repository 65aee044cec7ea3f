// A temporary directory that goes away by itself, a free port, an address of one's own, and files full of bytes that can't compress or repeat.
// Knows nothing of targets.

import { createHash, randomInt } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** A parent for files that have to be on a disk: where temporary files go may be memory, which knows no alignment and has nothing but its page cache. */
export const ON_DISK = '/var/tmp';

/** A directory of its own, removed when the scope that declared it with `using` ends, or else the process. */
export class Scratch implements Disposable {
  readonly path: string;
  // A process that was killed may take a moment to stop making files in it.
  readonly #remove = () => rmSync(this.path, { recursive: true, force: true, maxRetries: 10 });

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

/** Below all that the kernel gives away by itself (net.ipv4.ip_local_port_range): no connection takes one before it is listened on. */
const PORTS_FROM = 16_384;
const PORTS_TO = 32_768;
const PORT_TRIES = 100;

/** A TCP port that nothing listens on now, on any address, and that nobody gets by chance. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    const port = randomInt(PORTS_FROM, PORTS_TO);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${PORTS_FROM} to ${PORTS_TO} is free`);
}

/** An address of the loopback that no other process gets from here: for a port that has to have its number. */
export function ownAddress(): string {
  const { pid } = process;
  return `127.${64 + (pid >> 16)}.${(pid >> 8) & 0xff}.${pid & 0xff}`;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}
