// Provocation against our own target, which gets everything right, and against servers that do anything else.

import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { Opcode } from '../../src/pdu/opcode.ts';
import type { Subject } from '../../src/provoke/attempt.ts';
import { provoke, type Report } from '../../src/provoke/provocation.ts';
import { freePort } from '../support/scratch.ts';
import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const ACCOUNT = { user: 'alice', secret: 'a secret of alice' };
const AUTH = { method: 'chap' as const, users: [{ name: ACCOUNT.user, secret: ACCOUNT.secret }] };

const subject = (port: number, overrides: Partial<Subject> = {}): Subject => ({
  address: { host: '127.0.0.1', port },
  target: TARGET_NAME,
  initiator: 'iqn.2026-11.io.lunaring:provoke',
  account: null,
  answerMs: 20_000,
  ...overrides,
});

const wrong = ({ results }: Report) => results.filter(({ right }) => !right);
const omitted = ({ omissions }: Report, code: string) =>
  omissions.filter((omission) => omission.code === code).map((omission) => omission.case);

describe('our own target', () => {
  async function play(
    target: Partial<NonNullable<ConfigurationFile['targets']>[number]>,
    overrides: Partial<Subject> = {},
    portal: object = {},
  ): Promise<Report> {
    await using running = await TargetProcess.start({
      portals: [{ address: '127.0.0.1', port: 0, ...portal }],
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }], ...target }],
      tuning: { workers: 1 },
    });
    return (await provoke(subject(running.port, overrides)))!;
  }

  test('without CHAP', async () => {
    const report = await play({});
    expect(wrong(report)).toEqual([]);
    expect(report).toMatchObject({ login: '0000' });
    expect(report.results.length).toBeGreaterThan(45);
    expect(omitted(report, '0201')).toContain('CSG=1 straight away');
    expect(omitted(report, '0202')).toContain('an initiator that nobody configured');
  });

  test('with CHAP, and an account', async () => {
    const report = await play({ auth: AUTH }, { account: ACCOUNT });
    expect(wrong(report)).toEqual([]);
    expect(report).toMatchObject({ login: '0000' });
    expect(report.results.filter(({ code }) => code === '0201').length).toBeGreaterThan(10);
    expect(omitted(report, '0201')).toEqual([]);
  });

  test('with CHAP, and no account: what needs a login is named', async () => {
    const report = await play({ auth: AUTH });
    expect(wrong(report)).toEqual([]);
    expect(report.login).toBe('0201');
    expect(omitted(report, '020A')).toContain('an invented TSIH');
    expect(report.omissions.find((omission) => omission.case === 'an invented TSIH')?.why).toContain('ends with 0201');
  });

  test('with an access list, a mutual secret and no discovery', async () => {
    const initiator = 'iqn.2026-11.io.lunaring:known';
    const auth = { ...AUTH, mutual: { name: 'target', secret: 'a secret of the target' } };
    const acl = { initiators: [initiator, `${initiator}-2`] };
    const report = await play({ auth, acl }, { account: ACCOUNT, initiator }, { discovery: false });
    expect(wrong(report)).toEqual([]);
    expect(report.omissions).toContainEqual({
      code: '0208',
      case: 'a connection to a discovery session',
      why: 'the session that it needs ends with 0209',
    });
    expect(report.results.filter(({ code }) => code === '0202')).toHaveLength(1);
    expect(omitted(report, '0201')).toEqual(['CHAP_I and CHAP_C to a target with no mutual secret']);
    expect(omitted(report, '0209')).toEqual([]);
  });

  test('names what can not be provoked from outside', async () => {
    const { omissions, results } = await play({});
    for (const code of ['0101', '0102', '0204', '0300', '0301', '0302']) {
      expect(omissions.some((omission) => omission.code === code && omission.why !== '')).toBe(true);
    }
    const codes = new Set([...omissions, ...results].map(({ code }) => code));
    expect(codes.size).toBe(18);
  });
});

describe('anything else', () => {
  let server: Server | undefined;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server?.close();
  });

  async function serve(serveOne: (socket: Socket) => void): Promise<number> {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      serveOne(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return typeof address === 'object' ? address!.port : 0;
  }

  const verdicts = (report: Report | null) => new Set(report!.results.map(({ got }) => got));

  test('nobody there', async () => {
    expect(await provoke(subject(await freePort()))).toBeNull();
  });

  test('a server that says nothing', async () => {
    const report = await provoke(subject(await serve(() => undefined), { answerMs: 100 }));
    expect(report?.login).toBe('silent');
    expect(verdicts(report)).toEqual(new Set(['silent']));
  }, 120_000);

  test('a server that takes the connection in time, while whoever asks is kept from looking', async () => {
    const port = await serve((socket) => socket.on('data', () => socket.end()));
    // What follows runs where Node hears of files and sockets: its timers come next, and only then does it look at sockets again.
    await stat('.');
    const pending = provoke(subject(port, { answerMs: 200 }));
    const until = performance.now() + 400;
    while (performance.now() < until);
    expect(await pending).not.toBeNull();
  });

  test('a server that hangs up', async () => {
    const report = await provoke(subject(await serve((socket) => socket.on('data', () => socket.end()))));
    // Once that is even right: what is no login is not answered.
    expect(verdicts(report)).toEqual(new Set(['closed']));
    expect(report?.results.filter(({ right }) => right)).toHaveLength(1);
  });

  test('a server that speaks something else', async () => {
    const page = Buffer.from(`HTTP/1.1 400 Bad Request\r\n${'X-Filler: x\r\n'.repeat(200)}\r\n`);
    const report = await provoke(subject(await serve((socket) => socket.on('data', () => socket.end(page)))));
    for (const verdict of verdicts(report)) expect(verdict).toMatch(/^(closed|opcode 0x08)$/);
  });

  test('a target that accepts every step, and never goes on to the next stage', async () => {
    const port = await serve((socket) => {
      socket.on('data', () => {
        const response = Buffer.alloc(48);
        response[0] = Opcode.LOGIN_RESPONSE;
        socket.write(response);
      });
    });
    const report = await provoke(subject(port));
    expect(report?.login).toBe('no last step');
    expect(report?.omissions.find((omission) => omission.case === 'a plain login')?.why).toContain('no last step');
  });

  test('a target that is gone after the first request', async () => {
    let connections = 0;
    const port = await serve((socket) => {
      connections++;
      socket.on('data', () => socket.destroy());
      if (connections === 2) server!.close();
    });
    const report = await provoke(subject(port));
    expect(report?.login).toBe('closed');
    expect(report?.omissions.map(({ why }) => why)).toContain('the target takes no connections any more');
    expect(verdicts(report)).toEqual(new Set(['no connection']));
  });
});
