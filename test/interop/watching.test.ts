// Many watchers, some of whom do not read, and one whose browser is killed: initiators do not feel them, and all that they hold is let go.
// What watchers see is page.test.ts's.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { browserMissing, browserPath } from '../support/browser.ts';
import { missingClients } from '../support/clients.ts';
import { Samples } from '../support/exposition-reader.ts';
import { fio } from '../support/fio.ts';
import { Listener } from '../support/listener.ts';
import { loginStatus } from '../support/login-attempt.ts';
import { checkMetrics, promtoolMissing } from '../support/promtool.ts';
import { freePort, Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

vi.setConfig({ testTimeout: 180_000 });
const LISTENERS = 1000;
const DEAF = 100;
const MISSING = missingClients().length > 0 || browserMissing() || promtoolMissing();

describe.skipIf(MISSING)('a target that is watched', () => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      admin: { address: '127.0.0.1', port: 0 },
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: 64 * MIB }] }],
    });
  });

  afterAll(() => target?.stop());

  /** Fio until that is enough. */
  const load = (enough: AbortController) => {
    const options = { time_based: 1, runtime: 200, norandommap: 1, size: 32 * MIB };
    const job = { url: target.url(), rw: 'randrw', blockSize: 4 * KIB, depth: 32, options } as const;
    return fio(job, { limitSeconds: 240, stop: enough.signal });
  };

  async function scrape(): Promise<Samples> {
    const answer = await fetch(new URL('/metrics', target.ready.admin!), { headers: { accept: 'text/plain' } });
    const text = await answer.text();
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    checkMetrics(text);
    return new Samples(text);
  }

  test(`by ${LISTENERS} at its WebSocket serves on, and tells each of them`, async () => {
    const enough = new AbortController();
    const loaded = load(enough);
    const listeners: Listener[] = [];
    while (listeners.length < LISTENERS) {
      const some = Array.from({ length: 50 }, (_, index) =>
        Listener.open(target.ready.admin!, { reads: listeners.length + index >= DEAF }),
      );
      listeners.push(...(await Promise.all(some)));
    }
    const readers = listeners.slice(DEAF);
    const before = readers.map(({ messages }) => messages);
    await expect
      .poll(() => readers.every(({ messages }, index) => messages > before[index]! + 1), { timeout: 60_000 })
      .toBe(true);
    await expect
      .poll(() => readers[0]!.last, { timeout: 60_000 })
      .toMatchObject({ type: 'status', status: { sessionCount: 1 } });
    expect(await loginStatus(target.port)).toBe('0000');
    expect((await scrape()).sum('lunaring_worker_up')).toBe(target.ready.workers);
    enough.abort();
    expect((await loaded).errors).toBe(0);
    for (const listener of listeners) listener[Symbol.dispose]();
    // Their places are free again, all of them.
    await expect
      .poll(
        async () => {
          const again = await Promise.allSettled(Array.from({ length: 100 }, () => Listener.open(target.ready.admin!)));
          for (const each of again) if (each.status === 'fulfilled') each.value[Symbol.dispose]();
          return again.every(({ status }) => status === 'fulfilled');
        },
        { timeout: 60_000 },
      )
      .toBe(true);
  });

  test('by a browser that is killed in the middle serves on', async () => {
    using scratch = new Scratch('browser');
    const port = await freePort();
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${scratch.path}`];
    const browser = spawn(browserPath()!, [...flags, `--remote-debugging-port=${port}`, 'about:blank'], {
      stdio: 'ignore',
      detached: true,
    });
    const ended = once(browser, 'exit');
    const enough = new AbortController();
    const loaded = load(enough);
    try {
      const connected = await connect(port);
      const page = await connected.newPage();
      await page.goto(target.ready.admin!, { timeout: 60_000 });
      await page.locator('#connection.live').waitFor({ timeout: 60_000 });
    } finally {
      // The whole group: its renderers and all.
      process.kill(-browser.pid!, 'SIGKILL');
      await ended;
    }
    const reads = async () => (await scrape()).sum('lunaring_lun_commands_total', 'operation="read"');
    const before = await reads();
    await expect.poll(reads, { timeout: 60_000 }).toBeGreaterThan(before);
    enough.abort();
    expect((await loaded).errors).toBe(0);
    expect(await loginStatus(target.port)).toBe('0000');
    expect(target.running).toBe(true);
  });
});

/** To a browser that is still starting. */
async function connect(port: number) {
  for (;;) {
    try {
      return await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
    } catch {
      await sleep(200);
    }
  }
}
