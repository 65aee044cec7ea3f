// The C library's calls, each held against what Node or /proc knows of the same thing.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Errno } from '../../src/kernel/errno.ts';
import {
  blockDeviceGeometry,
  close,
  createEventfd,
  duplicate,
  FallocateMode,
  fallocate,
  pinThread,
  Resource,
  resourceLimit,
  ringEventfd,
  SocketOption,
  setSocketOption,
} from '../../src/kernel/libc.ts';
import { Scratch } from '../support/scratch.ts';

describe('descriptors', () => {
  it('are duplicated and closed', () => {
    const fd = openSync('/proc/self/status', 'r');
    const copy = duplicate(fd);
    expect(fstatSync(copy).ino).toBe(fstatSync(fd).ino);
    closeSync(fd);
    expect(fstatSync(copy).isFile()).toBe(true);
    close(copy);
    expect(() => fstatSync(copy)).toThrow('EBADF');
    expect(() => close(copy)).toThrow('close: EBADF');
    expect(() => duplicate(copy)).toThrow('dup: EBADF');
  });

  it('that count events are rung from anywhere and read once', () => {
    const fd = createEventfd();
    ringEventfd(fd);
    ringEventfd(fd);
    const count = new BigUint64Array(1);
    expect(readSync(fd, count)).toBe(8);
    expect(count[0]).toBe(2n);
    close(fd);
    expect(() => ringEventfd(fd)).toThrow('EBADF');
  });

  it('that are no sockets have no socket options', () => {
    const fd = openSync('/dev/null', 'r');
    const ENOTSOCK = 88;
    expect(setSocketOption(fd, SocketOption.tcpNoDelay, 1)).toBe(ENOTSOCK);
    closeSync(fd);
  });

  it('that are no block devices have no geometry', () => {
    using scratch = new Scratch('libc');
    const fd = openSync(scratch.noise('file', 10), 'r');
    expect(() => blockDeviceGeometry(fd)).toThrow('ioctl (BLKGETSIZE64): ENOTTY');
    closeSync(fd);
  });
});

describe('fallocate', () => {
  const run = promisify((fd: number, offset: number, done: (nothing: null, errno: number) => void) =>
    fallocate(fd, FallocateMode.punchHole, offset, 4096, (errno) => done(null, errno)),
  );

  it('works off the loop, and says what went wrong', async () => {
    using scratch = new Scratch('libc');
    const path = scratch.noise('file', 16384);
    const fd = openSync(path, 'r+');
    expect(await run(fd, 4096)).toBe(0);
    expect(await run(fd, -1)).toBe(Errno.EINVAL);
    closeSync(fd);
    expect(await run(fd, 0)).toBe(Errno.EBADF);
    const bytes = readFileSync(path);
    expect(bytes.subarray(4096, 8192).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(0, 4096).some((byte) => byte !== 0)).toBe(true);
  });
});

describe('the process', () => {
  it('has the limits that /proc says', () => {
    const text = readFileSync('/proc/self/limits', 'utf8');
    const expected = (name: string): { soft: number; hard: number } => {
      const [, soft, hard] = new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(text)!;
      const number = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word));
      return { soft: number(soft!), hard: number(hard!) };
    };
    expect(resourceLimit(Resource.processes)).toEqual(expected('Max processes'));
    expect(resourceLimit(Resource.openFiles)).toEqual(expected('Max open files'));
    expect(resourceLimit(Resource.lockedMemory)).toEqual(expected('Max locked memory'));
  });

  it('has threads that stay on the CPUs they are told', () => {
    const allowed = (): string =>
      /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))![1]!;
    const before = allowed();
    const first = Number(/^\d+/.exec(before)![0]);
    pinThread([first]);
    expect(allowed()).toBe(String(first));
    expect(() => pinThread([1023])).toThrow('sched_setaffinity: EINVAL');
    expect(() => pinThread([5000])).toThrow('sched_setaffinity: EINVAL');
    const cpus = before.split(',').flatMap((range) => {
      const [from, to = from] = range.split('-').map(Number);
      return Array.from({ length: to! - from! + 1 }, (_, index) => from! + index);
    });
    pinThread(cpus);
    expect(allowed()).toBe(before);
  });
});
