// A target in a program: its disks under both engines with two workers, what initiators hear of their errors, and its end.

import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CreateTargetOptions, LunOptions } from '../../src/library/options.ts';
import { read10, synchronizeCache16, write10 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { TARGET_NAME } from '../support/target-process.ts';
import { BLOCK, BLOCKS, ConfigurationError, createTarget, DiskError, readableLog, ToldDisk } from './program.ts';

const FUA = 0x08;
const GOOD = 0;
const CHECK_CONDITION = 2;
const SIZE = BLOCK * BLOCKS;
/** Of a disk that is too slow. It is also what the disk, which is in this process, is given once it answers again. */
const TIMEOUT_MS = 4000;

type Engine = 'uring' | 'posix';

function options(
  engine: Engine,
  lun: Partial<LunOptions>,
  rest: Partial<CreateTargetOptions> = {},
): CreateTargetOptions {
  const luns = [{ lun: 0, backend: 'custom', size: SIZE, ...lun } as LunOptions];
  return {
    portals: [{ address: '127.0.0.1', port: 0 }],
    tuning: { engine, workers: 2, slabMiB: 16 },
    targets: [{ name: TARGET_NAME, luns }],
    log: readableLog().log,
    ...rest,
  };
}

describe.each(['uring', 'posix'] as const)('a program’s target (%s)', (engine) => {
  test('has initiators on all workers write to a disk and read from it', async () => {
    const disk = new ToldDisk();
    await using target = await createTarget(options(engine, { disk }));
    const { port } = target.portals[0]!;
    const initiators = await Promise.all([1, 2, 3, 4].map(() => RawInitiator.logIn(port)));
    expect(new Set(target.sessions().map(({ worker }) => worker)).size).toBe(2);
    await Promise.all(
      initiators.map(async (initiator, index) => {
        // Longer than one operation carries, and of a length that is no slot's.
        const data = noise(BLOCK * 500, index + 1);
        const lba = index * 500;
        expect((await initiator.command(write10(lba, 500), { write: data })).status).toBe(GOOD);
        expect(disk.bytes.subarray(lba * BLOCK, (lba + 500) * BLOCK).equals(data)).toBe(true);
        const { status, data: read } = await initiator.command(read10(lba, 500), { read: data.length });
        expect(status).toBe(GOOD);
        expect(read.equals(data)).toBe(true);
        initiator[Symbol.dispose]();
      }),
    );
  });

  test('flushes when initiators ask, and at its end, once more than that', async () => {
    const disk = new ToldDisk();
    const target = await createTarget(options(engine, { disk }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    await initiator.command(write10(3, 1, FUA), { write: noise(BLOCK) });
    expect((await initiator.command(synchronizeCache16())).status).toBe(GOOD);
    expect(disk.calls).toEqual(['write 3+1', 'flush', 'flush']);
    await initiator.logOut();
    await target.close();
    expect(disk.calls.slice(3)).toEqual(['flush', 'close']);
    await target.close();
    expect(disk.calls).toHaveLength(5);
  });

  test('gives blocks back', async () => {
    const disk = new ToldDisk();
    disk.bytes.fill(0xff);
    await using target = await createTarget(options(engine, { disk }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    const list = Buffer.alloc(24);
    list.writeUInt16BE(22, 0);
    list.writeUInt16BE(16, 2);
    list.writeUInt32BE(8, 12);
    list.writeUInt32BE(4, 16);
    const unmap = Buffer.from([0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0]);
    expect((await initiator.command(unmap, { write: list })).status).toBe(GOOD);
    expect(disk.calls).toEqual(['unmap 8+4']);
    expect((await initiator.command(read10(8, 4), { read: 4 * BLOCK })).data.equals(Buffer.alloc(4 * BLOCK))).toBe(
      true,
    );
  });

  test.each([
    ['medium', 0x3, 0x1100],
    ['notReady', 0x2, 0x0401],
    ['noMedium', 0x2, 0x3a00],
    ['hardware', 0x4, 0x3e01],
    ['aborted', 0xb, 0x0000],
    ['writeProtected', 0x7, 0x2700],
    ['space', 0x7, 0x2707],
  ] as const)('tells initiators of an error of the kind %s', async (kind, key, additional) => {
    const disk = new ToldDisk();
    const { log, lines } = readableLog();
    await using target = await createTarget(options(engine, { disk }, { log }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    disk.before = (_, offset) => {
      throw new DiskError(kind, 'as the test wants it', { offset: offset + 2 * BLOCK });
    };
    const { status, sense } = await initiator.command(read10(16, 8), { read: 8 * BLOCK });
    expect(status).toBe(CHECK_CONDITION);
    expect(sense).toMatchObject({ key, additional });
    // The block that failed, in fixed format.
    if (kind === 'medium') expect(sense!.bytes.readUInt32BE(3)).toBe(18);
    disk.before = () => {};
    expect((await initiator.command(read10(16, 8), { read: 8 * BLOCK })).status).toBe(GOOD);
    expect(lines.filter((line) => line.includes('function threw'))).toEqual([]);
  });

  test('takes any other error for one of the medium, and logs each kind once', async () => {
    const disk = new ToldDisk();
    const { log, lines } = readableLog();
    await using target = await createTarget(options(engine, { disk }, { log }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    disk.before = () => {
      throw new TypeError('a mistake in the disk');
    };
    for (let times = 0; times < 3; times++) {
      const { sense } = await initiator.command(write10(9, 1), { write: noise(BLOCK) });
      expect(sense).toMatchObject({ key: 0x3, additional: 0x0c00 });
      expect(sense!.bytes.readUInt32BE(3)).toBe(9);
    }
    const told = lines.filter((line) => line.includes('TypeError: a mistake in the disk'));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0]!)).toMatchObject({ targetName: TARGET_NAME, lun: 0, operation: 'write' });
    // There is no file to look at.
    const failed = lines.map((line) => JSON.parse(line).msg).filter((msg) => msg.includes('disk operation'));
    expect(failed[0]).toMatch(/: EIO, write at LBA 9; a function of the program's disk failed: /);
    disk.before = () => {};
  });

  test('promises nothing to last once a flush has failed, until the unit is added anew', async () => {
    const disk = new ToldDisk();
    await using target = await createTarget(options(engine, { disk }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    disk.before = (operation) => {
      if (operation !== 'flush') return;
      disk.before = () => {};
      // What fdatasync says, once.
      throw Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });
    };
    const write = (flags = 0) => initiator.command(write10(0, 1, flags), { write: noise(BLOCK) });
    for (const failed of [await write(FUA), await initiator.command(synchronizeCache16()), await write(FUA)]) {
      expect(failed.sense).toMatchObject({ key: 0x4, additional: 0x0c00 });
    }
    expect((await write()).status).toBe(GOOD);
    expect(target.target(TARGET_NAME)).toMatchObject({ units: [{ lostWrites: 'EIO' }] });
    await target.removeUnit(TARGET_NAME, 0);
    const lun: LunOptions = { lun: 1, backend: 'custom', size: SIZE, disk };
    await target.addUnit(TARGET_NAME, lun);
    using again = await RawInitiator.logIn(target.portals[0]!.port);
    expect((await again.command(synchronizeCache16(), { lun: 1 })).status).toBe(GOOD);
  });

  test('waits for a function for so long and no longer, and takes it back when it has answered', async () => {
    const disk = new ToldDisk();
    disk.bytes.fill(0x5a);
    await using target = await createTarget(options(engine, { disk, timeoutMs: TIMEOUT_MS, concurrency: 1 }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    let answer = (): void => {};
    disk.before = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const late = await initiator.command(read10(0, 1), { read: BLOCK });
    expect(late.sense).toMatchObject({ key: 0xb, additional: 0x0801 });
    // The one place is still taken.
    const next = await initiator.command(read10(1, 1), { read: BLOCK });
    expect(next.sense).toMatchObject({ key: 0xb, additional: 0x0801 });
    expect(disk.calls).toEqual(['read 0+1']);
    disk.before = () => {};
    answer();
    await sleep(0);
    const { status, data } = await initiator.command(read10(2, 1), { read: BLOCK });
    expect(status).toBe(GOOD);
    expect(data.equals(Buffer.alloc(BLOCK, 0x5a))).toBe(true);
  });

  test('keeps what is written after a function has had its time from what that one still writes', async () => {
    const disk = new ToldDisk();
    await using target = await createTarget(options(engine, { disk, timeoutMs: TIMEOUT_MS }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    const write = (byte: number) => initiator.command(write10(0, 1), { write: Buffer.alloc(BLOCK, byte) });
    let answer = (): void => {};
    disk.before = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    for (const times of [1, 2]) {
      expect((await write(times)).sense).toMatchObject({ key: 0xb, additional: 0x0801 });
      disk.before = () => {};
    }
    expect((await initiator.command(synchronizeCache16())).status).toBe(GOOD);
    const newer = write(3);
    answer();
    expect((await newer).status).toBe(GOOD);
    expect((await initiator.command(read10(0, 1), { read: BLOCK })).data.equals(Buffer.alloc(BLOCK, 3))).toBe(true);
    expect(disk.calls).toEqual(['write 0+1', 'flush', 'write 0+1', 'read 0+1']);
  });

  test('is read-only without a function write', async () => {
    await using target = await createTarget(options(engine, { disk: { read: () => {} } }));
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    const { sense } = await initiator.command(write10(0, 1), { write: noise(BLOCK) });
    expect(sense).toMatchObject({ key: 0x7, additional: 0x2700 });
    const { data } = await initiator.command(read10(0, 1), { read: BLOCK });
    expect(data.equals(Buffer.alloc(BLOCK))).toBe(true);
  });
});

test('a disk that can’t be flushed at the end is closed even so, and the program hears of it', async () => {
  const disk = new ToldDisk();
  const target = await createTarget(options('posix', { disk }));
  disk.before = (operation) => {
    if (operation === 'flush') throw new Error('lost');
  };
  await expect(target.close()).rejects.toThrow('lost');
  expect(disk.calls).toEqual(['flush', 'close']);
});

test('of several disks that can’t be closed in order the program hears of the first, and the log of the others', async () => {
  const { log, lines } = readableLog();
  const luns = ['first', 'second'].map((message, lun) => {
    const disk = new ToldDisk();
    disk.before = () => {
      throw new Error(message);
    };
    return { lun, backend: 'custom', size: SIZE, disk } as const;
  });
  const target = await createTarget(options('posix', {}, { log, targets: [{ name: TARGET_NAME, luns }] }));
  await expect(target.close()).rejects.toThrow('first');
  const told = lines.filter((line) => line.includes('a disk was not closed in order'));
  expect(told).toEqual([expect.stringContaining('"message":"second"')]);
});

describe('createTarget', () => {
  const disk = { read: () => {} };
  const refusalOf = async (lun: object): Promise<string> => {
    const started = createTarget(options('posix', lun));
    await started.then(
      (target) => target.close(),
      () => {},
    );
    return started.then(
      () => 'it started',
      (error: Error) => `${error.name}\n${error.message}`,
    );
  };

  test.each([
    [{}, /targets\[0\]\.luns\[0\]\.disk.*\n.*neither disk nor module\n.*\n.*add one of them/],
    [{ disk, module: new URL('file:///x.js') }, /disk and module/],
    [{ disk, data: 5 }, /luns\[0\]\.data.*\n.*data beside disk/],
    [{ disk: {} }, /luns\[0\]\.disk.*\n.*a disk has a function read/],
    [{ module: './x.js' }, /module.*\n.*received {2}string\n.*a URL/],
    [{ module: new URL('file:///nowhere/x.js') }, /luns\[0\]\.module.*\n.*nowhere/],
    [{ disk, timeoutMs: 999 }, /timeoutMs.*\n.*999\n.*1000 to 600000/],
    [{ disk, concurrency: 257 }, /concurrency.*\n.*257\n.*1 to 256/],
    [{ disk, size: 1000 }, /size/],
    [{ disk, sise: 1 }, /an unknown key, sise/],
  ])('refuses %o', async (lun, message) => {
    const refusal = await refusalOf(lun);
    expect(refusal).toMatch(/^ConfigurationError/);
    expect(refusal).toMatch(message);
  });

  test.each<[what: string, wrong: unknown, message: RegExp]>([
    ['nothing', undefined, /options.*\n.*undefined\n.*an object/],
    ['a number', 5, /options.*\n.*5\n.*an object/],
    ['an array', [], /options.*\n.*an array\n.*an object/],
    ['targets that are no list', { targets: {} }, /targets.*\n.*received {2}a mapping/],
    ['targets that are nothing', { targets: null }, /targets.*\n.*received {2}null/],
    ['a directory that is no text', { targets: [], directory: 5 }, /directory.*\n.*number\n.*a path/],
    ['a log that has not all levels', { targets: [], log: console }, /log.*\n.*no logger/],
    ['what a log is made of', { targets: [], log: { level: 'warn' } }, /log.*\n.*no logger/],
    ['two of these', { targets: [], log: null, directory: 5 }, /directory[\s\S]*log.*\n.*no logger/],
  ])('refuses %s for options', async (_, wrong, message) => {
    const started = createTarget(wrong as CreateTargetOptions);
    await expect(started).rejects.toThrow(ConfigurationError);
    await expect(started).rejects.toThrow(message);
  });

  test('says everything that is wrong at once', async () => {
    const luns: LunOptions[] = [{ lun: 0, backend: 'custom', size: SIZE, disk, timeoutMs: 1 }];
    const started = createTarget({ targets: [{ name: 'no iSCSI name', luns }], log: readableLog().log });
    await expect(started).rejects.toThrow(ConfigurationError);
    await expect(started).rejects.toThrow(/timeoutMs[\s\S]*targets\[0\]\.name/);
  });

  test('has no admin interface, and says so to who asks for one', async () => {
    const admin = (value: unknown) =>
      createTarget({ ...options('posix', { disk }), admin: value } as CreateTargetOptions);
    await expect(admin({ port: 1 })).rejects.toThrow(ConfigurationError);
    await expect(admin({ port: 1 })).rejects.toThrow(/admin.*\n.*an unknown key, admin/);
    await (await admin(false)).close();
  });

  test('closes the disks that it has opened when it can’t start', async () => {
    const open = new ToldDisk();
    const luns: LunOptions[] = [
      { lun: 0, backend: 'custom', size: SIZE, disk: open },
      { lun: 1, path: '/nowhere/disk.img' },
    ];
    const started = createTarget({ ...options('posix', {}), targets: [{ name: TARGET_NAME, luns }] });
    await expect(started).rejects.toThrow(ConfigurationError);
    expect(open.calls).toEqual(['flush', 'close']);
  });

  test('keeps the state of its units in a directory that no other target has', async () => {
    using scratch = new Scratch('create-target');
    const luns: LunOptions[] = [{ lun: 0, backend: 'custom', size: SIZE, disk: new ToldDisk() }];
    const given = { ...options('posix', {}), targets: [{ name: TARGET_NAME, luns }] };
    const start = () => createTarget({ ...given, directory: scratch.path, stateDirectory: '.' });
    const first = await start();
    await expect(start()).rejects.toThrow(new RegExp(`${scratch.path}: locked`));
    await first.close();
    await (await start()).close();
  });

  test('lets go of the files that it has opened when what is kept beside them can’t be read', async () => {
    using scratch = new Scratch('create-target');
    const path = scratch.file('disk.img');
    writeFileSync(path, noise(BLOCK));
    writeFileSync(`${path}.reservations.json`, '{');
    const luns: LunOptions[] = [{ lun: 0, path, direct: false }];
    const start = () => createTarget({ ...options('posix', {}), targets: [{ name: TARGET_NAME, luns }] });
    await expect(start()).rejects.toThrow(/not a file of reservations/);
    rmSync(`${path}.reservations.json`);
    await (await start()).close();
  });
});
