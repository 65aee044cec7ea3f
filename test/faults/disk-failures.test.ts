// The disk below a unit fails while it is served: it is full, damaged, shorter than it was, removed, forbidden. What initiators and
// administrators hear of that; other units serve on, and so does this one when the fault is mended. Disks that a program brings are
// library/create-target.test.ts, errors of every kind at every moment the simulator's.

import { chmodSync, closeSync, fdatasyncSync, openSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it, type TestContext } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { Bystander } from '../support/bystander.ts';
import { read16, synchronizeCache16, write16 } from '../support/cdbs.ts';
import { Samples } from '../support/exposition-reader.ts';
import type { CommandResult } from '../support/initiator-command.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { LoopDevice, loopObstacle, mountObstacle, SmallFileSystem } from '../support/small-file-system.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const BLOCK = 512;
/** Blocks of a command that moves 256 KiB: one piece. */
const BLOCKS = 512;
const BYTES = BLOCKS * BLOCK;
const FUA = 0x08;
const LBA_PER_MIB = MIB / BLOCK;

type Engine = 'uring' | 'posix';
type FileUnit = { readonly path: string; readonly size?: number; readonly direct?: boolean };

/** Serves `unit` as LUN 0, and one in memory that nothing happens to as LUN 1. */
function serve(engine: Engine, unit: FileUnit, options: Parameters<typeof TargetProcess.start>[1] = {}) {
  return TargetProcess.start(
    {
      tuning: { engine, workers: 2 },
      admin: { port: 0 },
      targets: [
        {
          name: TARGET_NAME,
          luns: [
            { lun: 0, backend: 'file', ...unit },
            { lun: 1, backend: 'memory', size: MIB },
          ],
        },
      ],
    },
    options,
  );
}

function read(initiator: RawInitiator, lba: number, blocks = BLOCKS): Promise<CommandResult> {
  return initiator.command(read16(lba, blocks), { read: blocks * BLOCK });
}

function write(initiator: RawInitiator, lba: number, seed: number): Promise<CommandResult> {
  return initiator.command(write16(lba, BLOCKS), { write: noise(BYTES, seed) });
}

function writeDurably(initiator: RawInitiator, lba: number, seed: number): Promise<CommandResult> {
  const cdb = write16(lba, BLOCKS);
  cdb[1]! |= FUA;
  return initiator.command(cdb, { write: noise(BYTES, seed) });
}

/** Writes to the disk what the page cache has of it. What becomes of that is told to others as well, each on a descriptor of their own. */
function writeBack(path: string): void {
  const fd = openSync(path, 'r');
  try {
    expect(() => fdatasyncSync(fd)).toThrow('EIO');
  } finally {
    closeSync(fd);
  }
}

/** A device that is larger than the file system below has room for. */
function thinDevice(small: SmallFileSystem, bytes: number): LoopDevice {
  const backing = small.file('thin');
  writeFileSync(backing, '');
  truncateSync(backing, bytes);
  return new LoopDevice(backing);
}

/** No MEDIUM ERROR: hosts would try that again. */
function expectLost(result: CommandResult): void {
  expectSense(result, SenseKey.HARDWARE_ERROR, AdditionalSense.WRITE_ERROR);
}

function expectSense({ status, sense }: CommandResult, key: number, additional: number, lba?: number): void {
  expect({ status, ...sense }).toMatchObject({ status: Status.CHECK_CONDITION, key, additional });
  if (lba !== undefined)
    expect({ valid: sense!.bytes[0]! >> 7, lba: sense!.bytes.readUInt32BE(3) }).toEqual({ valid: 1, lba });
}

function expectData({ status, data }: CommandResult, expected: Buffer): void {
  expect({ status, right: data.equals(expected) }).toEqual({ status: Status.GOOD, right: true });
}

/** Commands of LUN 0 that ended with this error, as monitoring hears of them: a worker counts one when its answer is on its way. */
async function expectCounted(target: TargetProcess, error: string, count: number): Promise<void> {
  const counted = async (): Promise<number> => {
    const { value } = await callAdmin(target.ready.admin!, 'GET', '/metrics');
    return new Samples(value).sum('lunaring_lun_errors_total', 'lun="0"', `error="${error}"`);
  };
  await expect.poll(counted, { timeout: 20_000 }).toBe(count);
}

const logged = (target: TargetProcess, what: string) =>
  target.logged(new RegExp(`disk operation.*?failed.*?: ${what}`));

function needs(context: TestContext, obstacle: string | null): void {
  if (obstacle === null) return;
  process.stderr.write(`not tried: ${context.task.name}: ${obstacle}\n`);
  context.skip(obstacle);
}

describe.each(['uring', 'posix'] as const)('a disk that fails, engine %s', { timeout: 120_000 }, (engine) => {
  it('because its file system is full, protects what is there until there is room', async (context) => {
    needs(context, mountObstacle());
    using small = new SmallFileSystem(4 * MIB);
    await using target = await serve(engine, { path: small.file('thin'), size: 16 * MIB });
    const bystander = new Bystander(await RawInitiator.logIn(target.port), { luns: [1] });
    using initiator = await RawInitiator.logIn(target.port);
    let written = 0;
    let last = await write(initiator, 0, 1);
    for (; last.status === Status.GOOD; last = await write(initiator, ++written * BLOCKS, written + 1));
    expect(written).toBeGreaterThanOrEqual((3 * MIB) / BYTES);
    expectSense(last, SenseKey.DATA_PROTECT, AdditionalSense.SPACE_ALLOCATION_FAILED_WRITE_PROTECT);
    await logged(target, 'ENOSPC, write at LBA');
    await expectCounted(target, 'data protect', 1);
    // What is there is there, and can be overwritten; what is not reads as zeroes.
    for (let index = 0; index < written; index++)
      expectData(await read(initiator, index * BLOCKS), noise(BYTES, index + 1));
    expect((await write(initiator, 0, 99)).status).toBe(Status.GOOD);
    expectData(await read(initiator, 12 * LBA_PER_MIB), Buffer.alloc(BYTES));
    expect((await initiator.command(synchronizeCache16())).status).toBe(Status.GOOD);
    // UNMAP of a quarter of it makes room.
    const list = Buffer.alloc(24);
    list.writeUInt16BE(22, 0);
    list.writeUInt16BE(16, 2);
    list.writeUInt32BE(2 * LBA_PER_MIB, 16);
    const unmap = Buffer.from([0x42, 0, 0, 0, 0, 0, 0, 0, list.length, 0]);
    expect((await initiator.command(unmap, { write: list })).status).toBe(Status.GOOD);
    expect((await write(initiator, written * BLOCKS, written + 1)).status).toBe(Status.GOOD);
    expectData(await read(initiator, written * BLOCKS), noise(BYTES, written + 1));
    await bystander.stop();
  });

  it.for([
    { way: 'through the page cache', direct: false },
    { way: 'by direct I/O', direct: true },
  ])(
    'because the device below returns EIO, $way, is a MEDIUM ERROR that names the first block',
    async ({ direct }, context) => {
      needs(context, loopObstacle());
      using scratch = new Scratch('loop');
      const backing = scratch.noise('backing', 8 * MIB);
      using device = new LoopDevice(backing);
      await using target = await serve(engine, { path: device.path, direct });
      const bystander = new Bystander(await RawInitiator.logIn(target.port), { luns: [1] });
      using initiator = await RawInitiator.logIn(target.port);
      // What a loop device can't read of its file, it has no other word for.
      const lost = 4 * LBA_PER_MIB;
      truncateSync(backing, 4 * MIB);
      expectSense(await read(initiator, lost, 8), SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, lost);
      await logged(target, `EIO, read at LBA ${lost}`);
      // The last of four pieces fails, from its first block on: a kernel that fails a piece does not say where in it.
      const long = await read(initiator, lost - 3 * BLOCKS, 4 * BLOCKS);
      expectSense(long, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, lost);
      expectData(await read(initiator, 0), noise(8 * MIB).subarray(0, BYTES));
      await expectCounted(target, 'medium error', 2);
      await bystander.stop();
    },
  );

  it('because its file system is full, has lost nothing by a write with FUA through the page cache', async (context) => {
    needs(context, mountObstacle());
    using small = new SmallFileSystem(4 * MIB);
    await using target = await serve(engine, { path: small.file('thin'), size: 16 * MIB, direct: false });
    using initiator = await RawInitiator.logIn(target.port);
    for (let index = 0; index < 16; index++) await write(initiator, index * BLOCKS, index + 1);
    const full = await writeDurably(initiator, 16 * BLOCKS, 17);
    expectSense(full, SenseKey.DATA_PROTECT, AdditionalSense.SPACE_ALLOCATION_FAILED_WRITE_PROTECT);
    expect((await writeDurably(initiator, 0, 99)).status).toBe(Status.GOOD);
    expect((await initiator.command(synchronizeCache16())).status).toBe(Status.GOOD);
  });

  it('after it had acknowledged writes, promises nothing more to anybody until it is opened anew', async (context) => {
    needs(context, mountObstacle() ?? loopObstacle());
    using small = new SmallFileSystem(4 * MIB);
    using device = thinDevice(small, 16 * MIB);
    await using target = await serve(engine, { path: device.path, direct: false });
    using initiator = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    // The page cache takes what the device has no room for.
    for (let index = 0; index < 32; index++)
      expect((await write(initiator, index * BLOCKS, index + 1)).status).toBe(Status.GOOD);
    expectLost(await initiator.command(synchronizeCache16()));
    await target.logged(/writes that were acknowledged may be lost: a sync failed with E[A-Z]+/);
    // The kernel has nothing left to write by now, and would say that all is well.
    expectLost(await initiator.command(synchronizeCache16()));
    expectLost(await other.command(synchronizeCache16()));
    expectLost(await writeDurably(other, 0, 77));
    // What is there can be read still, and written by whom no promise is made.
    expectData(await read(other, 0), noise(BYTES, 1));
    expect((await write(other, 0, 78)).status).toBe(Status.GOOD);
    const luns = `targets/${TARGET_NAME}/luns`;
    const metric = async () => new Samples((await callAdmin(target.ready.admin!, 'GET', '/metrics')).value);
    expect((await callAdmin(target.ready.admin!, 'GET', `${luns}/0`)).value).toMatchObject({ lostWrites: 'EIO' });
    expect((await metric()).sum('lunaring_lun_lost_writes')).toBe(1);
    expect((await callAdmin(target.ready.admin!, 'DELETE', `${luns}/0`)).status).toBe(204);
    const unit = { lun: 0, backend: 'file', path: device.path, direct: false };
    expect((await callAdmin(target.ready.admin!, 'POST', luns, unit)).value).toMatchObject({ lostWrites: null });
    using again = await RawInitiator.logIn(target.port);
    expect((await writeDurably(again, 0, 79)).status).toBe(Status.GOOD);
    expect((await again.command(synchronizeCache16())).status).toBe(Status.GOOD);
    expect((await metric()).sum('lunaring_lun_lost_writes')).toBe(0);
  });

  it('behind the back of everybody, tells the first who asks for durability, and all others', async (context) => {
    needs(context, mountObstacle() ?? loopObstacle());
    using small = new SmallFileSystem(4 * MIB);
    using device = thinDevice(small, 16 * MIB);
    await using target = await serve(engine, { path: device.path, direct: false });
    using initiator = await RawInitiator.logIn(target.port);
    await write(initiator, 0, 1);
    expect((await initiator.command(synchronizeCache16())).status).toBe(Status.GOOD);
    for (let index = 1; index < 32; index++) await write(initiator, index * BLOCKS, index + 1);
    // As the kernel does by itself when data are old, or memory is short.
    writeBack(device.path);
    // There is room for this one: what it hears of is others' data.
    expectLost(await writeDurably(initiator, 0, 77));
    expectLost(await initiator.command(synchronizeCache16()));
  });

  it('because its file was cut short, serves what is left', async () => {
    using scratch = new Scratch('shrunk');
    const path = scratch.noise('disk', 8 * MIB);
    await using target = await serve(engine, { path });
    using initiator = await RawInitiator.logIn(target.port);
    const end = 3 * LBA_PER_MIB + 40;
    truncateSync(path, end * BLOCK);
    expectData(await read(initiator, end - BLOCKS), noise(8 * MIB).subarray(end * BLOCK - BYTES, end * BLOCK));
    const across = await read(initiator, end - 8);
    expectSense(across, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, end);
    const beyond = await read(initiator, 6 * LBA_PER_MIB, 8);
    expectSense(beyond, SenseKey.MEDIUM_ERROR, AdditionalSense.UNRECOVERED_READ_ERROR, 6 * LBA_PER_MIB);
    const [line] = await logged(target, `EIO, read at LBA ${end}`);
    expect(target.log).toContain('the file is shorter than the unit by now');
    expect(line).not.toBe('');
    // Made as long as it was, it is a disk of zeroes there.
    truncateSync(path, 8 * MIB);
    expectData(await read(initiator, 6 * LBA_PER_MIB), Buffer.alloc(BYTES));
    expect((await write(initiator, 6 * LBA_PER_MIB, 7)).status).toBe(Status.GOOD);
    expectData(await read(initiator, 6 * LBA_PER_MIB), noise(BYTES, 7));
  });

  it('because its file was removed, serves on until it is started again, which says so', async () => {
    using scratch = new Scratch('removed');
    const path = scratch.noise('disk', MIB);
    const target = await serve(engine, { path });
    using initiator = await RawInitiator.logIn(target.port);
    rmSync(path);
    expectData(await read(initiator, 0), noise(MIB).subarray(0, BYTES));
    expect((await write(initiator, 0, 5)).status).toBe(Status.GOOD);
    expectData(await read(initiator, 0), noise(BYTES, 5));
    expect((await initiator.command(synchronizeCache16())).status).toBe(Status.GOOD);
    await target.stop();
    await expect(serve(engine, { path })).rejects.toThrow(`${path}: ENOENT`);
    await expect(serve(engine, { path })).rejects.toThrow('check the path');
  });

  it('because it may not be opened any more, serves on until it is started again, which says so', async () => {
    using scratch = new Scratch('forbidden');
    const path = scratch.noise('disk', MIB);
    const options = { obeysModes: true };
    const target = await serve(engine, { path }, options);
    using initiator = await RawInitiator.logIn(target.port);
    chmodSync(path, 0);
    expect((await write(initiator, 0, 5)).status).toBe(Status.GOOD);
    expectData(await read(initiator, 0), noise(BYTES, 5));
    await target.stop();
    await expect(serve(engine, { path }, options)).rejects.toThrow(`${path}: EACCES`);
    expect(statSync(path).size).toBe(MIB);
  });
});
