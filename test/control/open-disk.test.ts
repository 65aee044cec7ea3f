// Disks that are modules: loaded into a thread of their own, used from there by the workers of a target, and what is left when it ends.

import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Exchange } from '../../src/ring/exchange.ts';
import { createTarget, readableLog } from '../library/program.ts';
import { read10, write10 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { succeed } from '../support/run.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { TARGET_NAME } from '../support/target-process.ts';

const { openDisk, openDiskModule }: typeof import('../../src/control/open-disk.ts') = await import(
  join(repositoryRoot(), 'dist/src/control/open-disk.js')
);
const { createEventfd }: typeof import('../../src/kernel/libc.ts') = await import(
  join(repositoryRoot(), 'dist/src/kernel/libc.js')
);

const BLOCK = 512;
const SIZE = 1024 * BLOCK;
const USE = {
  concurrency: 4,
  timeoutMs: 5000,
  transitionMs: 20_000,
  log: readableLog().log,
  unit: { targetName: 'iqn.2026-11.com.example:disk0', lun: 3 },
};

/** A module with this text. */
function moduleOf(text: string): URL {
  const scratch = new Scratch('disk');
  onTestFinished(() => scratch[Symbol.dispose]());
  const path = scratch.file('disk.mjs');
  writeFileSync(path, text);
  return pathToFileURL(path);
}

/** A disk in memory that ends its thread when block 7 is read, and does not close where it is told so. */
const MODULE = `
import { isMainThread } from 'node:worker_threads';
export default async ({ size, fill, stuck }) => {
  const bytes = new Uint8Array(size).fill(fill);
  if (isMainThread) throw new Error('not on a thread of its own');
  return {
    read(buffer, offset) {
      if (offset === 7 * 512) process.exit(3);
      if (offset === 8 * 512) throw new RangeError('a mistake in a module');
      buffer.set(bytes.subarray(offset, offset + buffer.length));
    },
    async write(data, offset) { bytes.set(data, offset); },
    close: () => stuck ? new Promise(() => {}) : undefined,
  };
};`;

describe('a disk that is a module', () => {
  test.each(['uring', 'posix'] as const)('serves from a thread of its own (%s)', async (engine) => {
    const { log, lines } = readableLog();
    const module = moduleOf(MODULE);
    await using target = await createTarget({
      portals: [{ address: '127.0.0.1', port: 0 }],
      tuning: { engine, workers: 2, slabMiB: 16 },
      targets: [
        { name: TARGET_NAME, luns: [{ lun: 0, backend: 'custom', size: SIZE, module, data: { size: SIZE, fill: 9 } }] },
      ],
      log,
    });
    const { port } = target.portals[0]!;
    using initiator = await RawInitiator.logIn(port);
    using other = await RawInitiator.logIn(port);
    const data = noise(3 * BLOCK);
    expect((await initiator.command(write10(1, 3), { write: data })).status).toBe(0);
    expect((await other.command(read10(1, 3), { read: data.length })).data.equals(data)).toBe(true);
    expect((await other.command(read10(4, 1), { read: BLOCK })).data[0]).toBe(9);
    const mistake = await other.command(read10(8, 1), { read: BLOCK });
    expect(mistake.sense).toMatchObject({ key: 0x3, additional: 0x1100 });
    // It comes from the thread by way of its own.
    await expect.poll(() => lines.join(''), { timeout: 20_000 }).toContain('RangeError: a mistake in a module');
    // The thread ends under a command: it fails, and so do all that follow, on either worker.
    for (const [each, lba] of [
      [initiator, 7],
      [initiator, 1],
      [other, 1],
    ] as const) {
      const { sense } = await each.command(read10(lba, 1), { read: BLOCK });
      expect(sense).toMatchObject({ key: 0x4, additional: 0x3e01 });
    }
    const ended = lines.find((line) => line.includes("a disk's thread ended"));
    expect(JSON.parse(ended!)).toMatchObject({ targetName: TARGET_NAME, lun: 0 });
  });

  test('is loaded with the data, closed once, and its thread ended', async () => {
    const disk = await openDiskModule(moduleOf(MODULE), { size: SIZE, fill: 0 }, USE);
    expect(disk).toMatchObject({ canWrite: true, canFlush: false, canUnmap: false, concurrency: 4, timeoutMs: 5000 });
    let lost = 0;
    disk.onLost(0, () => lost++);
    await disk.close();
    expect(lost).toBe(0);
  });

  test('serves a program that is no file', async () => {
    const program = `
      import { createTarget } from '${join(repositoryRoot(), 'dist/src/library/index.js')}';
      const unit = { lun: 0, backend: 'custom', size: ${SIZE}, module: new URL('${moduleOf(MODULE)}'), data: { size: ${SIZE} } };
      const target = await createTarget({
        portals: [{ address: '127.0.0.1', port: 0 }],
        tuning: { workers: 1, slabMiB: 16 },
        targets: [{ name: '${TARGET_NAME}', luns: [unit] }],
      });
      console.log(target.targets()[0].units[0].backend);
      await target.close();`;
    const { stdout } = await succeed(process.execPath, ['--input-type=module', '--eval', program]);
    expect(stdout.trim()).toBe('custom');
  });

  test('may say what it likes to the thread that started its own, and hears nothing there', async () => {
    const talks = `
      import { parentPort } from 'node:worker_threads';
      export default () => {
        for (const message of [null, 'hello', { type: 'failed' }, { type: 'closed' }]) parentPort.postMessage(message);
        let heard = 0;
        parentPort.on('message', () => heard++);
        return { read() {}, close() { if (heard !== 0) throw new Error('it was told ' + heard + ' things'); } };
      };`;
    const disk = await openDiskModule(moduleOf(talks), null, USE);
    let lost = 0;
    disk.onLost(0, () => lost++);
    await disk.close();
    expect(lost).toBe(0);
  });

  test('tells each worker once that its thread has ended, whoever ran in its place before', async () => {
    const ends = `export default () => {
      setTimeout(() => process.exit(0), 200);
      return { read() {} };
    };`;
    const disk = await openDiskModule(moduleOf(ends), null, USE);
    const told: string[] = [];
    disk.onLost(0, () => told.push('0, which has failed since'));
    disk.onLost(1, () => told.push('1'));
    disk.onLost(0, () => told.push('0'));
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(2);
    expect(told).toEqual(['0', '1']);
    // Who comes later hears of it at once.
    disk.onLost(2, () => told.push('2'));
    expect(told.at(-1)).toBe('2');
    await disk.close();
  });

  describe('leaves no descriptor open', () => {
    /** A worker's way to a disk, and whether the descriptor that it is woken by is open. */
    function makeLink() {
      const { port1, port2 } = new MessageChannel();
      const wakeFd = createEventfd();
      const isOpen = (): boolean => {
        try {
          return readlinkSync(`/proc/self/fd/${wakeFd}`).includes('eventfd');
        } catch {
          return false;
        }
      };
      return { link: { memory: Exchange.allocate(4), port: port1, wakeFd }, worker: port2, isOpen };
    }

    test('when a worker leaves', async () => {
      const disk = await openDiskModule(moduleOf(MODULE), { size: SIZE, fill: 0 }, USE);
      const { link, worker, isOpen } = makeLink();
      disk.connect(link);
      worker.close();
      await expect.poll(isOpen, { timeout: 20_000 }).toBe(false);
      await disk.close();
    });

    test.each([
      ['by itself', false],
      ['because it does not close in time', true],
    ])('when its thread ends %s, nor for workers that come later', async (_, stuck) => {
      const hangs = `
        const bell = new Int32Array(new SharedArrayBuffer(4));
        export default ({ stuck }) => {
          setImmediate(() => (stuck ? Atomics.wait(bell, 0, 0) : process.exit(0)));
          return { read() {} };
        };`;
      const disk = await openDiskModule(moduleOf(hangs), { stuck }, { ...USE, transitionMs: 3000 });
      const [before, after] = [makeLink(), makeLink()];
      const lost = new Promise<void>((resolve) => disk.onLost(0, resolve));
      disk.connect(before.link);
      if (stuck) await expect(disk.close()).rejects.toThrow(/longer than 3000 ms/);
      else await lost;
      expect(before.isOpen()).toBe(false);
      disk.connect(after.link);
      expect(after.isOpen()).toBe(false);
    });
  });

  test.each([
    ['throws', "throw new Error('not today');", /not today/],
    ['has no default export', 'export const disk = {};', /default export is no function/],
    ['makes no disk', 'export default () => ({});', /a disk has a function read/],
    ['ends its thread', 'process.exit(0);', /its thread ended/],
    ['is no JavaScript', 'export default {', /Unexpected/],
  ])('is refused when it %s', async (_, text, message) => {
    const { log, lines } = readableLog();
    await expect(openDiskModule(moduleOf(text), null, { ...USE, log })).rejects.toThrow(message);
    // It is an error of whoever opens it, and no unit's.
    expect(lines).toEqual([]);
  });

  test('is refused when it is not loaded in time', async () => {
    const module = moduleOf('await new Promise((resolve) => setTimeout(resolve, 1e9));');
    await expect(openDiskModule(module, null, { ...USE, transitionMs: 300 })).rejects.toThrow(/longer than 300 ms/);
  });

  test('is ended when it does not close in time', async () => {
    const use = { ...USE, transitionMs: 10_000 };
    const disk = await openDiskModule(moduleOf(MODULE), { size: SIZE, fill: 0, stuck: true }, use);
    await expect(disk.close()).rejects.toThrow(/longer than 10000 ms/);
  });
});

test('functions of this thread have so long to close', async () => {
  const disk = openDisk({ read: () => {}, close: () => new Promise(() => {}) }, { ...USE, transitionMs: 50 });
  await expect(disk.close()).rejects.toThrow(/closing a disk took longer than 50 ms/);
});
