// What strangers do to the admin interface: it serves or refuses them, and a session beside it goes on without an error.
// What each request owes is test/admin's.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { missingClients } from '../support/clients.ts';
import { type FioResult, fio } from '../support/fio.ts';
import { loginStatus } from '../support/login-attempt.ts';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const TOKEN = 'c2VjcmV0IG9mIHRoZSBhZG1pbmlzdHJhdG9y';
const AUTHORIZED = { Authorization: `Bearer ${TOKEN}` };
const CONNECTIONS = 1000;
const BODY_BYTES = 10 * MIB;

test('connections that say half of something to the JavaScript server leave descriptors for logins', async () => {
  const NODE_OPTIONS = `--require=${join(repositoryRoot(), 'test/support/without-native.cjs')}`;
  const [descriptors, count] = [400, 500];
  const luns = [{ lun: 0, backend: 'memory', size: MIB }] as const;
  await using target = await TargetProcess.start(
    { admin: { port: 0 }, targets: [{ name: TARGET_NAME, luns: [...luns] }] },
    { descriptors, env: { NODE_OPTIONS } },
  );
  const { hostname, port } = new URL(target.ready.admin!);
  let closed = 0;
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname));
  for (const socket of sockets) {
    socket.on('error', () => {}).on('close', () => closed++);
    socket.write('GET /api/v1/status HTTP/1.1\r\n');
  }
  await expect.poll(() => closed, { timeout: 60_000 }).toBe(count - descriptors / 4);
  expect(await loginStatus(target.port)).toBe('0000');
  expect((await callAdmin(target.ready.admin!, 'GET', 'status')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
});

describe.skipIf(missingClients().length > 0)('the admin interface among strangers', () => {
  const scratch = new Scratch('hostile');
  const enough = new AbortController();
  let target: TargetProcess;
  let load: Promise<FioResult>;

  beforeAll(async () => {
    writeFileSync(scratch.file('admin.token'), TOKEN, { mode: 0o600 });
    target = await TargetProcess.start({
      admin: { port: 0, tokenFile: scratch.file('admin.token') },
      targets: [{ name: 'iqn.2026-11.io.lunaring:disk0', luns: [{ lun: 0, backend: 'memory', size: 32 * MIB }] }],
      tuning: { workers: 2 },
    });
    const options = { size: 32 * MIB, time_based: 1, runtime: 200 };
    const job = { url: target.url(), rw: 'randrw', blockSize: 4 * KIB, depth: 16, options } as const;
    load = fio(job, { limitSeconds: 240, stop: enough.signal });
    while ((await call('GET', 'sessions')).value.length === 0);
  });
  afterAll(async () => {
    await target.stop();
    scratch[Symbol.dispose]();
  });

  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = AUTHORIZED) =>
    callAdmin(target.ready.admin!, method, path, body, headers);

  /** It answers those who are welcome, logins are taken, and fio's I/O goes on. */
  async function fine(): Promise<void> {
    const commands = async () => {
      const { status, value } = await call('GET', 'workers');
      expect(status).toBe(200);
      return value.reduce((sum: number, worker: { figures: { commands: number } }) => sum + worker.figures.commands, 0);
    };
    const before = await commands();
    expect(await loginStatus(target.port)).toBe('0000');
    while ((await commands()) <= before);
  }

  async function open(count: number, said: string): Promise<Socket[]> {
    const port = Number(new URL(target.ready.admin!).port);
    const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    for (const socket of sockets) {
      socket.on('error', () => {});
      socket.write(said);
    }
    return sockets;
  }

  /** Ends them as a browser that is killed does. */
  function kill(sockets: readonly Socket[]): void {
    for (const socket of sockets) socket.resetAndDestroy();
  }

  const HOST = 'Host: 127.0.0.1\r\n';
  const TOKEN_LINE = `Authorization: Bearer ${TOKEN}\r\n`;

  test.each([
    ['none', {}],
    ['another', { Authorization: 'Bearer guess' }],
    ['one that is too long', { Authorization: `Bearer ${'x'.repeat(2000)}` }],
  ])('a token that is %s is refused', async (_, headers) => {
    const { status, value } = await call('DELETE', 'targets/iqn.2026-11.io.lunaring:disk0', undefined, headers);
    expect(status).toBe(401);
    expect(JSON.stringify(value)).not.toContain(TOKEN);
    await fine();
  });

  test('a body of 10 MB is refused, from whomever it comes', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(BODY_BYTES) });
    expect((await call('POST', 'targets', body)).status).toBe(413);
    expect((await call('POST', 'targets', body, {})).status).toBe(401);
    await fine();
  });

  test.each([
    ['cut short', '{"name":', 400],
    ['no JSON', 'name: x', 400],
    ['nested without end', '['.repeat(500_000), 400],
    ['another kind of value', '[[[[{}]]]]', 422],
    ['full of names that objects have', '{"__proto__":{"state":"offline"},"constructor":1}', 422],
  ])('a body that is %s is refused', async (_, body, expected) => {
    expect((await call('POST', 'targets', body)).status).toBe(expected);
    await fine();
  });

  test(`${CONNECTIONS} connections that say nothing, or half of something, keep nobody out`, async () => {
    const silent = await open(CONNECTIONS / 2, '');
    const halfway = await open(
      CONNECTIONS / 2,
      `POST /api/v1/targets HTTP/1.1\r\n${HOST}${TOKEN_LINE}Content-Length: 99\r\n\r\n{`,
    );
    await fine();
    kill([...silent, ...halfway]);
    await fine();
  });

  test('answers that nobody reads are let go of', async () => {
    const request = `GET /openapi.json HTTP/1.1\r\n${HOST}${TOKEN_LINE}\r\n`;
    const deaf = await open(100, request.repeat(20));
    for (const socket of deaf) socket.pause();
    await fine();
    kill(deaf);
    await fine();
  });

  test('and fio had no error', async () => {
    enough.abort();
    const { errors, read, write } = await load;
    expect([errors, read.ios > 0, write.ios > 0]).toEqual([0, true, true]);
    expect(target.log).not.toContain(TOKEN);
    expect(target.log).not.toContain('"level":60');
  });
});
