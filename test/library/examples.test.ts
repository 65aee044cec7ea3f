// The examples of docs/examples, run the way their comments say, with an initiator at the other end.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { read10, synchronizeCache16, testUnitReady, write10 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { noise, Scratch } from '../support/scratch.ts';

/** A running example. */
class Example {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(name: string, ...parameters: string[]) {
    const program = join(repositoryRoot(), 'dist/docs/examples', `${name}.js`);
    const command = ['--pdeathsig', 'KILL', process.execPath, program, ...parameters];
    this.child = spawn('setpriv', command, { stdio: ['pipe', 'pipe', 'inherit'] });
    const reader: Interface = createInterface({ input: this.child.stdout! });
    this.#lines = reader[Symbol.asyncIterator]();
    onTestFinished(() => void this.child.kill('SIGKILL'));
  }

  /** The next URL that it prints: port, target and LUN. */
  async url(): Promise<{ readonly port: number; readonly target: string; readonly lun: number }> {
    const { value } = await this.#lines.next();
    const [, port, target, lun] = /^iscsi:\/\/127\.0\.0\.1:(\d+)\/(.*)\/(\d+)$/.exec(value)!;
    return { port: Number(port), target: target!, lun: Number(lun) };
  }

  async status(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

describe('the example', () => {
  test('snapshots: a snapshot stays what it was', async () => {
    const BLOCK = 4096;
    const example = new Example('snapshots', '0');
    const { port, target } = await example.url();
    using initiator = await RawInitiator.logIn(port, { target });
    const [before, after] = [noise(32 * BLOCK, 1), noise(32 * BLOCK, 2)];
    // Across the border of two chunks.
    expect((await initiator.command(write10(8, 32), { write: before })).status).toBe(0);
    example.child.stdin!.write('snapshot\n');
    expect((await example.url()).lun).toBe(1);
    await initiator.command(testUnitReady());
    await initiator.command(testUnitReady(), { lun: 1 });
    expect((await initiator.command(write10(8, 32), { write: after })).status).toBe(0);
    expect((await initiator.command(read10(8, 32), { read: before.length })).data.equals(after)).toBe(true);
    const kept = await initiator.command(read10(8, 32), { lun: 1, read: before.length });
    expect(kept.data.equals(before)).toBe(true);
    const refused = await initiator.command(write10(8, 1), { lun: 1, write: noise(BLOCK) });
    expect(refused.sense).toMatchObject({ key: 0x7, additional: 0x2700 });
    await initiator.logOut();
    example.child.stdin!.end();
    expect(await example.status()).toBe(0);
  });

  test('faults: bad blocks, a full disk, late answers, and a log of it all', async () => {
    const BLOCK = 512;
    using scratch = new Scratch('faults');
    const log = scratch.file('log');
    const faults = {
      path: scratch.file('disk.img'),
      log,
      badBlocks: [5 * BLOCK],
      fullFrom: 1000 * BLOCK,
      slow: { offset: 50 * BLOCK, ms: 100 },
    };
    const example = new Example('faults', JSON.stringify(faults), '0');
    const { port, target } = await example.url();
    using initiator = await RawInitiator.logIn(port, { target });
    const bad = await initiator.command(read10(0, 8), { read: 8 * BLOCK });
    expect(bad.sense).toMatchObject({ key: 0x3, additional: 0x1100 });
    expect(bad.sense!.bytes.readUInt32BE(3)).toBe(5);
    const data = noise(BLOCK);
    expect((await initiator.command(write10(5, 1), { write: data })).status).toBe(0);
    expect((await initiator.command(read10(5, 1), { read: BLOCK })).data.equals(data)).toBe(true);
    const full = await initiator.command(write10(1000, 1), { write: data });
    expect(full.sense).toMatchObject({ key: 0x7, additional: 0x2707 });
    expect((await initiator.command(read10(50, 1), { read: BLOCK })).status).toBe(0);
    expect((await initiator.command(synchronizeCache16())).status).toBe(0);
    await initiator.logOut();
    example.child.kill('SIGINT');
    expect(await example.status()).toBe(0);
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'read 0 4096',
      `write ${5 * BLOCK} 512`,
      `read ${5 * BLOCK} 512`,
      `write ${1000 * BLOCK} 512`,
      `read ${50 * BLOCK} 512`,
      'flush',
      'flush',
      'close',
    ]);
    expect(
      readFileSync(faults.path)
        .subarray(5 * BLOCK, 6 * BLOCK)
        .equals(data),
    ).toBe(true);
  });
});

test('the page’s first example is JavaScript to the oldest Node.js that we run on', () => {
  const page = readFileSync(join(repositoryRoot(), 'docs/library.md'), 'utf8');
  const example = /^```js\n(.*?)^```$/ms.exec(page)![1]!;
  const check = spawnSync(process.execPath, ['--input-type=module', '--check', '-'], { input: example });
  expect(check.stderr.toString()).toBe('');
  expect(check.status).toBe(0);
});
