// What a reload changes of a service that is in use: portals come and go, targets move to other portal groups, logins meet other tuning,
// and sessions, those of portals that are gone among them, go on without an error.

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { missingClients } from '../support/clients.ts';
import { accepts } from '../support/daemon.ts';
import { type FioResult, fio } from '../support/fio.ts';
import { admitted, loginStatus } from '../support/login-attempt.ts';
import type { RawInitiator } from '../support/raw-initiator.ts';
import { freePort } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const OTHER = 'iqn.2026-11.io.lunaring:other';
const SECRET = 'sixteen letters!';
/** 256 bytes of it. */
const REPORT_TARGET_PORT_GROUPS = Buffer.from('a30a00000000000001000000', 'hex');

describe.skipIf(missingClients().length > 0).each(['uring', 'posix'] as const)(
  'a reload of a service under load on %s',
  (engine) => {
    let target: TargetProcess;
    let load: Promise<FioResult>;
    const enough = new AbortController();
    /** Of the portals: where fio came in, and others. */
    let first: number;
    let second: number;

    const file = (more: object) => ({
      portals: [{ address: '127.0.0.1', port: first }],
      admin: { address: '127.0.0.1', port: 0 },
      targets: [
        { name: TARGET_NAME, luns: [{ lun: 0, path: 'load.img', size: 32 * MIB }] },
        { name: OTHER, luns: [{ lun: 0, backend: 'memory', size: MIB }] },
      ],
      tuning: { engine, workers: 2 },
      log: { format: 'json' },
      ...more,
    });

    beforeAll(async () => {
      [first, second] = [await freePort(), await freePort()];
      target = await TargetProcess.start(file({}) as Parameters<typeof TargetProcess.start>[0]);
      const options = { size: 32 * MIB, time_based: 1, runtime: 200 };
      const job = { url: target.url(), rw: 'randrw', blockSize: 4 * KIB, depth: 16, options } as const;
      load = fio(job, { limitSeconds: 240, stop: enough.signal });
      while ((await ask('GET', `sessions?target=${TARGET_NAME}`)).length === 0);
    });
    afterAll(() => target.stop());

    // biome-ignore lint/suspicious/noExplicitAny: what it is, the tests say.
    async function ask(method: string, path: string, body?: unknown): Promise<any> {
      const { status, value } = await callAdmin(target.ready.admin!, method, path, body);
      expect({ status, value }).toMatchObject({ status: 200 });
      return value;
    }

    /** Reloads a file that differs from the first one; answers what has changed. */
    async function reload(more: object): Promise<string[]> {
      writeFileSync(target.file('lunaring.yaml'), JSON.stringify(file(more)));
      const planned = await ask('POST', 'reload?plan=true');
      const { changes } = await ask('POST', 'reload');
      expect(changes).toEqual(planned.changes);
      return changes.map(({ action, path }: { action: string; path: string }) => `${action} ${path}`);
    }

    const status = (port: number, name = TARGET_NAME) => loginStatus(port, { target: name });

    /** Tags of the target port groups that a unit tells of. */
    async function groupsOf(initiator: RawInitiator): Promise<number[]> {
      const { data } = await initiator.command(REPORT_TARGET_PORT_GROUPS, { read: 256 });
      const groups: number[] = [];
      for (let at = 4; at < 4 + data.readUInt32BE(0); at += 12) groups.push(data.readUInt16BE(at + 2));
      return groups;
    }

    test('adds a portal of another group, whose paths sessions are told of, and gives one target to it alone', async () => {
      const portals = [
        { address: '127.0.0.1', port: first },
        { address: '127.0.0.1', port: second, tag: 2 },
      ];
      expect(await status(first, OTHER)).toBe('0000');
      using initiator = await admitted(first);
      const [own, other] = file({}).targets;
      expect(await reload({ portals, targets: [own, { ...other, portalGroups: [2] }] })).toEqual([
        `add portals[127.0.0.1:${second}]`,
        `change targets[${TARGET_NAME}].portalGroups`,
        `change targets[${OTHER}].portalGroups`,
      ]);
      expect(
        (await ask('GET', 'status')).portals.map(({ port, tag }: { port: number; tag: number }) => [port, tag]),
      ).toEqual([
        [first, 1],
        [second, 2],
      ]);
      expect([await status(second), await status(second, OTHER), await status(first, OTHER)]).toEqual([
        '0000',
        '0000',
        '0203',
      ]);
      expect(await groupsOf(initiator)).toEqual([1, 2]);
      await initiator.logOut();
    });

    test('leaves the portal that fio came in by, and listens there again', async () => {
      const sessions = await ask('GET', `sessions?target=${TARGET_NAME}`);
      const { reads } = sessions[0].figures;
      await reload({ portals: [{ address: '127.0.0.1', port: second }] });
      expect([await accepts(first), await status(second)]).toEqual([false, '0000']);
      const after = () => ask('GET', `sessions/${sessions[0].tsih}`);
      // It goes on.
      await expect.poll(async () => (await after()).figures.reads > reads + 100, { timeout: 20_000 }).toBe(true);
      expect(await reload({})).toEqual([`add portals[127.0.0.1:${first}]`, `remove portals[127.0.0.1:${second}]`]);
      expect([await status(first), await accepts(second)]).toEqual(['0000', false]);
    });

    test('makes room for a portal on all addresses, and can’t listen where somebody else does', async () => {
      expect(await reload({ portals: [{ address: '0.0.0.0', port: first }] })).toHaveLength(2);
      expect(await status(first)).toBe('0000');
      const admin = Number(new URL(target.ready.admin!).port);
      writeFileSync(
        target.file('lunaring.yaml'),
        JSON.stringify(file({ portals: [{ address: '127.0.0.1', port: admin }], tuning: { engine, queueDepth: 9 } })),
      );
      const refused = await callAdmin(target.ready.admin!, 'POST', 'reload');
      expect(refused.status).toBe(422);
      expect(refused.value.error.findings[0]).toMatchObject({ path: `portals[127.0.0.1:${admin}].address` });
      expect(await status(first)).toBe('0000');
      expect(await ask('GET', 'settings')).toMatchObject({ queueDepth: 128 });
      await reload({});
      expect(await status(first)).toBe('0000');
    });

    test('has logins meet other tuning, while sessions keep theirs', async () => {
      using before = await admitted(first);
      const tuning = { engine, workers: 3, maxBurstLength: 65_536, firstBurstLength: 4096, initialR2T: true };
      expect(await reload({ tuning })).toEqual([
        'change tuning.maxBurstLength',
        'change tuning.firstBurstLength',
        'change tuning.initialR2T',
        'restart tuning.workers',
      ]);
      using after = await admitted(first);
      const parametersOf = async ({ session }: RawInitiator) =>
        (await ask('GET', `sessions/${session.tsih}`)).parameters;
      expect(await parametersOf(before)).toMatchObject({ maxBurstLength: MIB, initialR2T: false });
      expect(await parametersOf(after)).toMatchObject({
        maxBurstLength: 65_536,
        firstBurstLength: 4096,
        initialR2T: true,
      });
      await before.logOut();
      await after.logOut();
      await reload({});
    });

    test('asks who discovers, and later nobody', async () => {
      const discovery = { auth: { method: 'chap', users: [{ name: 'alice', secret: SECRET }] } };
      const discover = () => loginStatus(first, { sessionType: 'Discovery' });
      expect(await discover()).toBe('0000');
      expect(await reload({ discovery })).toEqual(['change discovery']);
      expect(await discover()).toBe('0201');
      await reload({});
      expect(await discover()).toBe('0000');
    });

    test('and settings that are changed one by one are met by logins, saved, and reloaded', async () => {
      expect(
        await ask('PUT', 'settings', { queueDepth: 17, loginTimeoutMs: 14_000, immediateData: false }),
      ).toMatchObject({
        queueDepth: 17,
        loginTimeoutMs: 14_000,
        immediateData: false,
        initialR2T: false,
      });
      const wrong = await callAdmin(target.ready.admin!, 'PUT', 'settings', {
        firstBurstLength: '200KiB',
        maxBurstLength: '64KiB',
      });
      expect([wrong.status, wrong.value.error.findings[0].path]).toEqual([422, 'firstBurstLength']);
      const start = await callAdmin(target.ready.admin!, 'PUT', 'settings', { workers: 3 });
      expect([start.status, start.value.error.findings[0].remedy]).toEqual([
        422,
        expect.stringContaining('start again'),
      ]);
      using guest = await admitted(first);
      expect((await ask('GET', `sessions/${guest.session.tsih}`)).parameters).toMatchObject({ immediateData: false });
      await guest.logOut();
      await ask('PUT', 'settings?save=true', { queueDepth: 18 });
      expect(await ask('POST', 'reload?plan=true')).toEqual({ changes: [], applied: false, warnings: [] });
      expect(await reload({})).toEqual([
        'change tuning.queueDepth',
        'change tuning.immediateData',
        'change tuning.loginTimeoutMs',
      ]);
      expect(await ask('GET', 'settings')).toMatchObject({ queueDepth: 128, immediateData: true });
    });

    test('and fio had no error', async () => {
      expect(await ask('GET', `sessions?target=${TARGET_NAME}`)).toHaveLength(1);
      enough.abort();
      const { errors, read, write } = await load;
      expect([errors, read.ios > 0, write.ios > 0]).toEqual([0, true, true]);
    });
  },
);
