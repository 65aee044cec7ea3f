import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AdminContext } from '../../src/admin/context.ts';
import { Gate } from '../../src/admin/gate.ts';
import { type Answer, ApiError, DONE, jsonAnswer, type SocketHandler } from '../../src/admin/http.ts';
import { type Route, withBody } from '../../src/admin/route.ts';
import { TokenGuard } from '../../src/admin/token.ts';
import { Sequence } from '../../src/base/sequence.ts';
import { section, text } from '../../src/config/fields.ts';
import { LoadingError } from '../../src/config/finding.ts';
import type { Wanted } from '../../src/config/rewrite.ts';
import { type Saving, SavingError } from '../../src/control/saving.ts';
import { StorageError } from '../../src/control/storage.ts';
import { requestWith } from './request-with.ts';

const HOST = { host: '127.0.0.1:9260' };
const logged: string[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => logged.push(line) });
const context = { log, changes: new Sequence() } as unknown as AdminContext;

const described = { summary: '', answers: {} };
const events: string[] = [];
const routes: Route[] = [
  { ...described, method: 'GET', path: '/page', open: true, handle: () => jsonAnswer(200, 'page') },
  { ...described, method: 'GET', path: '/fails', handle: () => Promise.reject(new Error('a secret of ours')) },
  {
    ...described,
    method: 'DELETE',
    path: '/slow/{name}',
    handle: async ({ parameters }) => {
      events.push(`${parameters['name']} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      events.push(`${parameters['name']} ends`);
      return DONE;
    },
  },
  withBody({
    ...described,
    method: 'PUT',
    path: '/user',
    body: section({ name: text(), secret: z.string().min(4) }),
    handle: ({ body }) => jsonAnswer(200, body.name),
  }),
  {
    ...described,
    method: 'GET',
    path: '/disk',
    handle: () => {
      throw new StorageError('size', '1GiB', 'at least 2GiB', 'choose a larger size');
    },
  },
];
const FILE_FINDINGS = [
  { severity: 'warning', path: 'LUNARING_X', origin: 'environment', received: 'a', allowed: 'b', remedy: 'c' },
  {
    severity: 'error',
    path: 'tuning.queueDepth',
    origin: 'lunaring.yaml:3',
    received: '0',
    allowed: '1',
    remedy: 'change it',
  },
] as const;
routes.push({
  ...described,
  method: 'POST',
  path: '/reload',
  handle: () => {
    throw new LoadingError(FILE_FINDINGS);
  },
});
const socket: SocketHandler = { opened: () => {}, closed: () => {} };
const options = { routes, sockets: new Map([['/events', socket]]), context };
const open = new Gate({ ...options, guard: null });
const guarded = new Gate({ ...options, guard: new TokenGuard('the-token') });

async function ask(
  gate: Gate,
  method: string,
  path: string,
  more: { headers?: Record<string, string>; body?: string } = {},
): Promise<Answer & { readonly value: { readonly error?: { readonly code: string; readonly findings?: unknown[] } } }> {
  const type = more.body === undefined ? {} : { 'content-type': 'application/json' };
  const step = gate.begin(requestWith({ ...HOST, ...type, ...more.headers }, path, method));
  const answer = typeof step === 'function' ? await step(Buffer.from(more.body ?? '')) : step;
  return { ...answer, value: answer.type === '' ? {} : JSON.parse(String(answer.body)) };
}

describe('the gate', () => {
  test('leads to routes, and tells what there is not', async () => {
    expect(await ask(open, 'PUT', '/user', { body: '{"name":"a","secret":"long"}' })).toMatchObject({
      status: 200,
      value: 'a',
    });
    expect(await ask(open, 'GET', '/nothing')).toMatchObject({ status: 404 });
    expect(await ask(open, 'POST', '/user')).toMatchObject({ status: 405, headers: { Allow: 'PUT' } });
    expect(await ask(open, 'GET', '/events')).toMatchObject({ status: 426 });
  });

  test('asks for the token before it says whether there is something', async () => {
    for (const path of ['/user', '/nothing', '/disk']) {
      const answer = await ask(guarded, 'GET', path);
      expect(answer).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': 'Bearer' } });
    }
    expect(await ask(guarded, 'GET', '/page')).toMatchObject({ status: 200 });
    const headers = { authorization: 'Bearer the-token' };
    expect(await ask(guarded, 'GET', '/nothing', { headers })).toMatchObject({ status: 404 });
  });

  test('asks for no body of whom it refuses', () => {
    expect(guarded.begin(requestWith(HOST, '/user', 'PUT'))).toMatchObject({ status: 401 });
    expect(open.begin(requestWith({ host: 'evil.example' }, '/user', 'PUT'))).toMatchObject({ status: 403 });
  });

  test('judges WebSockets like requests', () => {
    expect(open.upgrade(requestWith(HOST, '/events'))).toBe(socket);
    expect(open.upgrade(requestWith({ ...HOST, origin: 'http://evil.example' }, '/events'))).toMatchObject({
      status: 403,
    });
    expect(open.upgrade(requestWith(HOST, '/page'))).toMatchObject({ status: 404 });
    expect(guarded.upgrade(requestWith(HOST, '/events'))).toMatchObject({ status: 401 });
    expect(guarded.upgrade(requestWith({ ...HOST, authorization: 'Bearer the-token' }, '/events'))).toBe(socket);
  });

  test('says of a body where it is wrong, and shows no secret', async () => {
    const answer = await ask(open, 'PUT', '/user', { body: '{"nam":"a","secret":"abc"}' });
    expect(answer.status).toBe(422);
    expect(answer.value.error?.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: 'name', received: 'nothing' }),
        expect.objectContaining({ path: 'secret', received: '[secret of 3 characters]' }),
        expect.objectContaining({ path: 'nam', remedy: 'did you mean name?' }),
      ]),
    );
    expect(String(answer.body)).not.toContain('abc');
    expect((await ask(open, 'PUT', '/user')).value.error?.findings).toMatchObject([{ path: 'the body' }]);
  });

  test('says what storage has against it', async () => {
    const { status, value } = await ask(open, 'GET', '/disk');
    expect([status, value.error?.findings]).toEqual([
      422,
      [{ path: 'size', received: '1GiB', allowed: 'at least 2GiB', remedy: 'choose a larger size' }],
    ]);
  });

  test('says of a configuration file where it is wrong: on which line', async () => {
    const { status, value } = await ask(open, 'POST', '/reload');
    expect([status, value.error]).toEqual([
      422,
      { code: 'unusable', message: 'tuning.queueDepth: 0; change it', findings: FILE_FINDINGS },
    ]);
  });

  test('keeps to itself what went wrong inside', async () => {
    const answer = await ask(open, 'GET', '/fails');
    expect(answer).toMatchObject({ status: 500, value: { error: { code: 'failed' } } });
    expect(String(answer.body)).not.toContain('secret');
    expect(logged.join()).toContain('a secret of ours');
  });

  test('makes one change after another', async () => {
    events.length = 0;
    await Promise.all([ask(open, 'DELETE', '/slow/a'), ask(open, 'DELETE', '/slow/b')]);
    expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('changes nothing while the target stops', async () => {
    const gate = new Gate({ ...options, guard: null });
    gate.stopping = 'the target is stopping';
    expect(await ask(gate, 'DELETE', '/slow/a')).toMatchObject({ status: 503, value: { error: { code: 'stopping' } } });
    expect(await ask(gate, 'GET', '/page')).toMatchObject({ status: 200 });
  });
});

test('an error is what it says', () => {
  expect(new ApiError(409, 'exists', 'there is one')).toMatchObject({ status: 409, word: 'exists', findings: [] });
});

describe('a change that is to be saved', () => {
  /** A gate before a file that says what `saving` does; answers what was done. */
  function gateOf(saving: Partial<Saving>) {
    const done: string[] = [];
    const route: Route = {
      ...described,
      method: 'DELETE',
      path: '/thing',
      intends: () => ({ logLevel: 'trace' }),
      handle: () => {
        done.push('made');
        return DONE;
      },
    };
    const administration = { servedTargets: () => [] };
    const running = { administration, loginSettings: { tuning: {} } };
    const served = { ...context, running, saving } as unknown as AdminContext;
    return { done, gate: new Gate({ routes: [route], sockets: new Map(), guard: null, context: served }) };
  }
  const fails = () => {
    throw new SavingError('the disk is full');
  };

  test.each(['save=1', 'save=TRUE', 'save', 'save=true&save=false'])('is not made with %s', async (query) => {
    const { gate, done } = gateOf({ check: () => {}, save: () => 'lunaring.yaml' });
    const { status, value } = await ask(gate, 'DELETE', `/thing?${query}`);
    expect(status).toBe(422);
    expect(value.error!.findings).toMatchObject([{ path: 'save', allowed: 'true or false' }]);
    expect(done).toEqual([]);
  });

  test('is made without it, too', async () => {
    const { gate, done } = gateOf({ check: fails });
    expect((await ask(gate, 'DELETE', '/thing?save=false')).status).toBe(204);
    expect(done).toEqual(['made']);
  });

  test('is judged before, with what it intends', async () => {
    const checked: Wanted[] = [];
    const { gate, done } = gateOf({ check: (wanted) => void checked.push(wanted), save: () => 'lunaring.yaml' });
    expect((await ask(gate, 'DELETE', '/thing?save=true')).status).toBe(204);
    expect([checked, done]).toEqual([[{ targets: [], tuning: {}, logLevel: 'trace' }], ['made']]);
  });

  test('is not made where the file can’t be written', async () => {
    const { gate, done } = gateOf({ check: fails });
    const { status, value } = await ask(gate, 'DELETE', '/thing?save=true');
    expect([status, value.error]).toEqual([409, { code: 'not-saved', message: 'the disk is full' }]);
    expect(done).toEqual([]);
  });

  test('is said to hold where only the file could not be written', async () => {
    const { gate, done } = gateOf({ check: () => {}, save: fails });
    const { status, value } = await ask(gate, 'DELETE', '/thing?save=true');
    const message = 'the change was made and holds, but the file does not say it: the disk is full';
    expect([status, value.error]).toEqual([409, { code: 'not-saved', message }]);
    expect(done).toEqual(['made']);
  });
});
