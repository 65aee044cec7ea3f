// File systems and devices that tests may fill, shrink and lose: a tmpfs of a few megabytes, a loop device over a file.
// Both take root, and a kernel that has them; who has neither is told why.

import { spawnSync } from 'node:child_process';
import { Scratch } from './scratch.ts';

/** Runs a program of the system; throws with what it said when it fails, or there is none. */
function call(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Why there can be no {@link SmallFileSystem} here; null: there can. */
export function mountObstacle(): string | null {
  try {
    using _tried = new SmallFileSystem(2 ** 20);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why there can be no {@link LoopDevice} here; null: there can. */
export function loopObstacle(): string | null {
  using scratch = new Scratch('loop');
  try {
    using _tried = new LoopDevice(scratch.noise('tried', 4096));
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A file system in memory that holds so many bytes and no more; gone with its scope. Throws where mounting is not permitted. */
export class SmallFileSystem implements Disposable {
  readonly #scratch = new Scratch('mount');

  constructor(bytes: number) {
    try {
      call('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'lunaring-test', this.#scratch.path);
    } catch (error) {
      this.#scratch[Symbol.dispose]();
      throw error;
    }
  }

  file(name: string): string {
    return this.#scratch.file(name);
  }

  /** Lazily, so that nobody who still has a file open keeps it. */
  [Symbol.dispose](): void {
    call('umount', '--lazy', this.#scratch.path);
    this.#scratch[Symbol.dispose]();
  }
}

/** A block device over a file; gone with its scope. Throws where the kernel or its administrator gives none. */
export class LoopDevice implements Disposable {
  /** As in /dev/loop3. */
  readonly path: string;

  constructor(file: string) {
    this.path = call('losetup', '--find', '--show', file);
  }

  [Symbol.dispose](): void {
    call('losetup', '--detach', this.path);
  }
}
