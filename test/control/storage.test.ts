import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { getuid } from 'node:process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FileLunSettings } from '../../src/config/settings.ts';
import { identifyStorage, openStorage, rehearseStorage, StorageError } from '../../src/control/storage.ts';
import { rehearseGrowth } from '../../src/control/storage-growth.ts';
import { pageOffset } from '../../src/kernel/memory.ts';
import { Scratch } from '../support/scratch.ts';

const MIB = 2 ** 20;

const LONGEST = 2 ** 44;
/** What was synced, by path, in order; whether syncing directories fails. */
const disk = vi.hoisted(() => ({ synced: [] as string[], failsDirectories: false }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const failed = (code: string): Error => Object.assign(new Error(code), { code });
  const fsyncSync = (fd: number): void => {
    if (disk.failsDirectories && fs.fstatSync(fd).isDirectory()) throw failed('EIO');
    fs.fsyncSync(fd);
    disk.synced.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
  };
  // As ext4 does; others hold more.
  const ftruncateSync = (fd: number, length: number): void => {
    if (length > LONGEST) throw failed('EFBIG');
    fs.ftruncateSync(fd, length);
  };
  const openSync = (path: string, ...rest: [flags: string | number, mode?: number]): number => {
    // It would wait until somebody writes.
    if (fs.statSync(path, { throwIfNoEntry: false })?.isFIFO() === true) throw failed('EDEADLK');
    return fs.openSync(path, ...rest);
  };
  return { ...fs, fsyncSync, ftruncateSync, openSync };
});

let scratch: Scratch;
beforeEach(() => {
  disk.failsDirectories = false;
  scratch = new Scratch('storage');
});
afterEach(() => scratch[Symbol.dispose]());

function lun(path: string, rest: Partial<FileLunSettings> = {}): FileLunSettings {
  return { lun: 0, backend: 'file', path, direct: true, blockSize: 512, readOnly: false, removable: false, ...rest };
}

/** A file of `size` bytes. */
function file(name: string, size: number): string {
  const path = scratch.file(name);
  writeFileSync(path, '');
  truncateSync(path, size);
  return path;
}

function refusal(settings: FileLunSettings): StorageError {
  try {
    closeSync(openStorage(settings).fd);
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
  throw new Error('it was opened');
}

describe('a regular file', () => {
  test('is opened as it is', () => {
    const opened = openStorage(lun(file('a.img', MIB)));
    closeSync(opened.fd);
    expect(opened).toMatchObject({ size: MIB, created: false });
  });

  test('opened for direct I/O takes an aligned write and read', () => {
    const { fd } = openStorage(lun(file('a.img', MIB)));
    const memory = new SharedArrayBuffer(3 * 4096);
    const block = new Uint8Array(memory, pageOffset(memory), 4096);
    block.fill(0x5a);
    expect(writeSync(fd, block, 0, 4096, 8192)).toBe(4096);
    block.fill(0);
    expect(readSync(fd, block, 0, 4096, 8192)).toBe(4096);
    expect(block.every((byte) => byte === 0x5a)).toBe(true);
    closeSync(fd);
  });

  test('that is missing is made, sparse, when its size is given', () => {
    const path = scratch.file('new.img');
    const opened = openStorage(lun(path, { size: 64 * MIB }));
    closeSync(opened.fd);
    expect(opened).toMatchObject({ size: 64 * MIB, created: true });
    expect(statSync(path)).toMatchObject({ size: 64 * MIB, blocks: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    closeSync(openStorage(lun(path, { size: 64 * MIB })).fd);
  });

  test('that is made has its name on stable storage, and itself before that', () => {
    const path = scratch.file('new.img');
    disk.synced.length = 0;
    closeSync(openStorage(lun(path, { size: MIB })).fd);
    expect(disk.synced).toEqual([realpathSync(path), realpathSync(dirname(path))]);
  });

  test('that can not be made as long as its size leaves nothing behind', () => {
    const path = scratch.file('new.img');
    expect(refusal(lun(path, { size: LONGEST + MIB }))).toMatchObject({
      key: 'size',
      received: `${path}: EFBIG`,
      remedy: 'set a smaller size, or move the file',
    });
    expect(existsSync(path)).toBe(false);
  });

  test('whose name can not be put on stable storage is not made', () => {
    const path = scratch.file('new.img');
    disk.failsDirectories = true;
    expect(refusal(lun(path, { size: MIB }))).toMatchObject({ key: 'path', received: `${path}: EIO` });
    expect(existsSync(path)).toBe(false);
  });

  test('that is missing is refused without a size, and when it is only to be read', () => {
    expect(refusal(lun(scratch.file('no.img')))).toMatchObject({
      key: 'path',
      received: expect.stringContaining('ENOENT'),
    });
    expect(refusal(lun(scratch.file('no.img'), { size: MIB, readOnly: true })).received).toContain('ENOENT');
    expect(refusal(lun(scratch.file('no/no.img'), { size: MIB })).remedy).toContain('mkdir');
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('that a link should lead to is not made: where it is may not be mounted', () => {
    const path = scratch.file('link.img');
    symlinkSync(scratch.file('elsewhere.img'), path);
    const expected = {
      key: 'path',
      received: `${path}: ENOENT`,
      remedy: expect.stringContaining(`readlink -m ${path}`),
    };
    expect(refusal(lun(path, { size: MIB }))).toMatchObject(expected);
    expect(() => rehearseStorage(lun(path, { size: MIB }))).toThrow(/readlink -m/);
    expect(readdirSync(scratch.path)).toEqual(['link.img']);
  });

  test('of another size than configured is refused', () => {
    const error = refusal(lun(file('a.img', MIB), { size: 2 * MIB }));
    expect(error).toMatchObject({
      key: 'size',
      received: expect.stringContaining('1MiB'),
      allowed: expect.stringContaining('2MiB'),
    });
  });

  test('that is shorter than configured may be lengthened, one that is longer is never to be cut off', () => {
    const path = file('a.img', 2 * MIB);
    expect(refusal(lun(path, { size: 4 * MIB })).remedy).toMatch(
      /^set size: 2MiB, or leave it out.*; or truncate -s 4194304 /,
    );
    expect(refusal(lun(path, { size: MIB })).remedy).toBe(`set size: 2MiB, or leave it out, to serve ${path} as it is`);
  });

  test('that is empty, or no whole number of blocks, is refused', () => {
    expect(refusal(lun(file('empty.img', 0))).received).toContain('empty');
    expect(refusal(lun(file('odd.img', 1000))).remedy).toContain('truncate -s 1024');
    expect(refusal(lun(file('half.img', 512), { blockSize: 4096 })).remedy).toContain('truncate -s 4096');
  });

  test('that is read-only is not written', () => {
    const { fd, canPunch } = openStorage(lun(file('a.img', MIB), { readOnly: true, direct: false }));
    expect(canPunch).toBe(false);
    expect(() => writeSync(fd, 'x')).toThrow(/EBADF/);
    closeSync(fd);
  });

  test('can have holes punched here', () => {
    const { fd, canPunch, size } = openStorage(lun(file('a.img', MIB)));
    closeSync(fd);
    expect(canPunch).toBe(true);
    expect(statSync(scratch.file('a.img')).size).toBe(size);
  });

  test('is served once: a second opening is refused, unless both only read', () => {
    const path = file('a.img', MIB);
    const { fd } = openStorage(lun(path));
    expect(refusal(lun(path)).received).toContain('locked');
    expect(refusal(lun(path, { readOnly: true })).received).toContain('locked');
    closeSync(fd);
    const readers = [openStorage(lun(path, { readOnly: true })), openStorage(lun(path, { readOnly: true }))];
    expect(refusal(lun(path)).received).toContain('locked');
    for (const reader of readers) closeSync(reader.fd);
    closeSync(openStorage(lun(path)).fd);
  });

  test('is the same by every name', () => {
    const path = file('a.img', MIB);
    symlinkSync(path, scratch.file('b.img'));
    expect(identifyStorage(scratch.file('b.img'))).toBe(identifyStorage(path));
    expect(identifyStorage(file('c.img', MIB))).not.toBe(identifyStorage(path));
    expect(identifyStorage(scratch.file('no.img'))).toBeNull();
  });
});

test.each(['/dev/null', '/', '/proc/self/mem'])('%s is refused', (path) => {
  expect(refusal(lun(path, { direct: false }))).toBeInstanceOf(StorageError);
});

test('a pipe is not even opened', () => {
  const path = scratch.file('pipe');
  execFileSync('mkfifo', [path]);
  const settings = lun(path, { direct: false, readOnly: true });
  expect(refusal(settings)).toMatchObject({ key: 'path', received: `${path}: neither` });
  expect(() => rehearseStorage(settings)).toThrow(/neither/);
});

describe('a rehearsal', () => {
  test('says what opening would, and makes nothing', () => {
    rehearseStorage(lun(file('a.img', MIB)));
    rehearseStorage(lun(scratch.file('new.img'), { size: MIB }));
    expect(() => rehearseStorage(lun(scratch.file('no.img')))).toThrow(StorageError);
    expect(() => rehearseStorage(lun(scratch.file('no/new.img'), { size: MIB }))).toThrow(StorageError);
    expect(() => rehearseStorage(lun(scratch.file('a.img'), { size: 2 * MIB }))).toThrow(StorageError);
    expect(readdirSync(scratch.path)).toEqual(['a.img']);
  });

  test('of what we have open ourselves takes no heed of our own lock', () => {
    const settings = lun(file('a.img', MIB));
    const { fd } = openStorage(settings);
    expect(() => rehearseStorage(settings)).toThrow(/locked/);
    rehearseStorage(settings, true);
    expect(() => rehearseStorage({ ...settings, size: 2 * MIB }, true)).toThrow(/as size says/);
    // It is locked as before.
    expect(refusal(settings).received).toContain('locked');
    closeSync(fd);
  });

  test('of growth leaves the file as it is', () => {
    const path = file('a.img', MIB);
    const { fd } = openStorage(lun(path));
    rehearseGrowth({ fd, path, readOnly: false }, 4 * MIB, MIB);
    expect(() => rehearseGrowth({ fd, path, readOnly: false }, MIB / 2, MIB)).toThrow(StorageError);
    expect(statSync(path).size).toBe(MIB);
    closeSync(fd);
  });
});

const canMakeDevices = getuid?.() === 0 && existsSync('/dev/loop-control');

describe.runIf(canMakeDevices)('a block device (needs root and loop devices)', () => {
  let device: string;
  const attach = (path: string, sectorSize: number) =>
    execFileSync('losetup', ['-f', '--show', '-b', String(sectorSize), path], { encoding: 'utf8' }).trim();
  afterEach(() => execFileSync('losetup', ['-d', device]));

  test('that we have ourselves can be rehearsed', () => {
    device = attach(file('disk.img', 3 * MIB), 512);
    const { fd } = openStorage(lun(device));
    expect(() => rehearseStorage(lun(device))).toThrow(/EBUSY/);
    rehearseStorage(lun(device), true);
    expect(() => rehearseGrowth({ fd, path: device, readOnly: false }, 4 * MIB, 3 * MIB)).toThrow(
      /device longer first/,
    );
    closeSync(fd);
  });

  test('has the size that the device has', () => {
    device = attach(file('disk.img', 3 * MIB), 512);
    const opened = openStorage(lun(device));
    closeSync(opened.fd);
    expect(opened).toMatchObject({ size: 3 * MIB, created: false });
  });

  test('is not shared with another writer', () => {
    device = attach(file('disk.img', 3 * MIB), 512);
    const { fd } = openStorage(lun(device));
    expect(refusal(lun(device)).received).toContain('EBUSY');
    closeSync(openStorage(lun(device, { readOnly: true })).fd);
    closeSync(fd);
  });

  test('with larger sectors than the block size is refused for direct I/O, and told how to go on', () => {
    device = attach(file('disk.img', 4 * MIB), 4096);
    const error = refusal(lun(device));
    expect(error.key).toBe('blockSize');
    expect(error.remedy).toContain('blockSize: 4096');
    expect(error.remedy).toContain('direct: false');
    closeSync(openStorage(lun(device, { blockSize: 4096 })).fd);
    closeSync(openStorage(lun(device, { direct: false })).fd);
  });
});
