// The admin interface of a running target, route by route, while fio works at a target of it: what is answered is of the shape that is
// described, what is asked for happens, and no I/O fails. The commands upon it are administration.test.ts's.

import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { z } from 'zod';
import { errorReport, eventReport } from '../../src/admin/answers.ts';
import { ROUTES } from '../../src/admin/parts.ts';
import { KIB, MIB } from '../../src/config/limits.ts';
import { AsyncEvent, AsyncMessage } from '../../src/pdu/async-message.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { missingClients } from '../support/clients.ts';
import { type FioResult, fio } from '../support/fio.ts';
import { Listener } from '../support/listener.ts';
import { admitted, loginStatus } from '../support/login-attempt.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const OTHER = 'iqn.2026-11.io.lunaring:other';
const NEW = 'iqn.2026-11.io.lunaring:new';
const SECRET = 'a secret for nobody else';

describe.skipIf(missingClients().length > 0).each(['uring', 'posix'] as const)(
  'administration under load on %s',
  (engine) => {
    let target: TargetProcess;
    let load: Promise<FioResult>;
    const enough = new AbortController();

    beforeAll(async () => {
      target = await TargetProcess.start({
        admin: { port: 0 },
        targets: [
          { name: TARGET_NAME, luns: [{ lun: 0, path: 'load.img', size: 32 * MIB }] },
          { name: OTHER, luns: [{ lun: 0, path: 'other.img', size: 16 * MIB }] },
        ],
        tuning: { engine, workers: 2 },
      });
      const options = { size: 32 * MIB, time_based: 1, runtime: 200 };
      const job = { url: target.url(), rw: 'randrw', blockSize: 4 * KIB, depth: 16, options } as const;
      load = fio(job, { limitSeconds: 240, stop: enough.signal });
      while ((await ask('GET', `sessions?target=${TARGET_NAME}`)).length === 0);
    });
    afterAll(() => target.stop());

    const call = (method: string, path: string, body?: unknown) => callAdmin(target.ready.admin!, method, path, body);

    /** What is answered when all is well. */
    // biome-ignore lint/suspicious/noExplicitAny: what it is, the tests say.
    async function ask(method: string, path: string, body?: unknown, expected = 200): Promise<any> {
      const { status, value } = await call(method, path, body);
      expect({ status, value }).toMatchObject({ status: expected });
      return value;
    }

    async function refused(method: string, path: string, body?: unknown) {
      const { status, value } = await call(method, path, body);
      const { error } = errorReport.parse(value);
      return `${status} ${error.code}`;
    }

    /** The TSIHs of fio's sessions. */
    async function loaded(): Promise<number[]> {
      const sessions = await ask('GET', `sessions?target=${TARGET_NAME}`);
      return sessions.map(({ tsih }: { tsih: number }) => tsih);
    }

    test('every answer has the shape that is described', async () => {
      await loginStatus(target.port, { target: 'iqn.2026-11.io.lunaring:unknown' });
      const [tsih] = await loaded();
      const places: Record<string, string> = { name: TARGET_NAME, lun: '0', tsih: String(tsih) };
      const shaped = ROUTES.filter(({ method, answers }) => method === 'GET' && answers[200]?.schema !== undefined);
      expect(shaped.length).toBeGreaterThan(8);
      for (const { path, answers } of shaped) {
        const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(places[name]!));
        const parsed = (answers[200]!.schema as z.ZodType).safeParse(await ask('GET', filled));
        expect([path, parsed.error?.issues]).toEqual([path, undefined]);
      }
    });

    test('every message at the WebSocket has the shape that is described', async () => {
      using listener = await Listener.open(target.ready.admin!);
      const told = (type: string) => vi.waitUntil(() => listener.latest(type), { timeout: 20_000 });
      const status = await told('status');
      await loginStatus(target.port, { target: 'iqn.2026-11.io.lunaring:unknown' });
      for (const message of [status, await told('refusal')]) {
        expect(eventReport.safeParse(message).error?.issues).toBeUndefined();
      }
      expect(status).toMatchObject({ status: { sessions: [{ target: TARGET_NAME }], workers: [{}, {}] } });
    });

    test('targets are added, changed, taken offline, redirected, removed', async () => {
      const path = `targets/${encodeURIComponent(NEW)}`;
      const status = () => loginStatus(target.port, { target: NEW });
      expect(
        await ask('POST', 'targets', { name: NEW, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }] }, 201),
      ).toMatchObject({
        name: NEW,
        units: [{ lun: 0, bytes: MIB }],
      });
      expect(await refused('POST', 'targets', { name: NEW.toUpperCase() })).toBe('409 exists');
      expect(await status()).toBe('0000');

      await ask('PUT', `${path}/state`, { state: 'offline' });
      expect(await status()).toBe('0301');
      await ask('PUT', `${path}/state`, { state: 'online' });
      expect(await ask('PUT', `${path}/redirect`, { address: '192.0.2.7:3260,1' })).toMatchObject({
        redirect: { address: '192.0.2.7:3260,1', permanent: false },
      });
      expect(await status()).toBe('0101');
      await ask('DELETE', `${path}/redirect`, undefined, 204);

      expect(await refused('PUT', `${path}/users/alice`, { secret: SECRET })).toBe('409 no-users');
      const auth = { method: 'chap', users: [{ name: 'bob', secret: SECRET }] };
      const changed = await ask('PATCH', path, { alias: 'new', acl: { denial: 'hide' }, auth });
      expect(changed).toMatchObject({
        alias: 'new',
        acl: { denial: 'hide', initiators: ['*'] },
        auth: { users: ['bob'] },
      });
      expect(JSON.stringify(changed)).not.toContain(SECRET);
      expect(await status()).toBe('0201');
      await ask('PUT', `${path}/users/alice`, { secret: `${SECRET} and her` }, 204);
      expect(await refused('PUT', `${path}/users/alice`, { secret: 'short' })).toBe('422 unusable');
      // RFC 7143 §9.2.1: no secret serves both directions, at whichever targets.
      const own = `${SECRET} of the target`;
      await ask('PATCH', path, { auth: { ...auth, mutual: { name: 'target', secret: own } } });
      expect(await refused('PUT', `${path}/users/alice`, { secret: own })).toBe('422 unusable');
      const twin = (secret: string, mutual: string) => {
        const users = [{ name: 'carol', secret }];
        return { name: `${NEW}-twin`, auth: { method: 'chap', users, mutual: { name: 'twin', secret: mutual } } };
      };
      expect(await refused('POST', 'targets', twin(own, `${SECRET} of the twin`))).toBe('422 unusable');
      expect(await refused('POST', 'targets', twin(`${SECRET} of carol`, SECRET))).toBe('422 unusable');
      await ask('POST', 'targets', twin(`${SECRET} of carol`, `${SECRET} of the twin`), 201);
      await ask('DELETE', `targets/${NEW}-twin`, undefined, 204);
      await ask('PUT', `${path}/users/alice`, { secret: `${SECRET} and her` }, 204);
      await ask('DELETE', `${path}/users/bob`, undefined, 204);
      expect(await refused('DELETE', `${path}/users/bob`)).toBe('404 unknown');
      expect(await refused('DELETE', `${path}/users/alice`)).toBe('409 last-user');
      expect(await ask('PATCH', path, { alias: null, auth: { method: 'none' } })).toMatchObject({
        alias: '',
        auth: { users: [] },
      });
      for (const unusable of [{ name: OTHER }, { luns: [] }, { sessionLimit: 0 }, { alias: 7 }, {}, []]) {
        const { status: code } = await call('PATCH', path, unusable);
        expect([JSON.stringify(unusable), code]).toEqual([
          JSON.stringify(unusable),
          JSON.stringify(unusable) === '{}' ? 200 : 422,
        ]);
      }

      const guest = await admitted(target.port, { target: NEW });
      await ask('DELETE', path, undefined, 204);
      expect(await status()).toBe('0204');
      expect(await refused('GET', path)).toBe('404 unknown');
      // RFC 7143 §11.9.1: it is told before.
      expect((await guest.expect(AsyncMessage)).asyncEvent).toBe(AsyncEvent.SESSION_DROP);
      await guest.expectClose();
    });

    test('units are added, grown, limited, removed', async () => {
      const path = `targets/${OTHER}/luns`;
      expect(await ask('POST', path, { lun: 3, path: 'three.img', size: '8MiB' }, 201)).toMatchObject({
        path: target.file('three.img'),
        bytes: 8 * MIB,
      });
      expect(await refused('POST', path, { lun: 3, backend: 'null', size: '8MiB' })).toBe('409 exists');
      expect(await refused('POST', path, { lun: 4, path: 'three.img' })).toBe('422 unusable');
      expect(await ask('PATCH', `${path}/3`, { size: '16MiB', limits: { iops: 700 } })).toMatchObject({
        bytes: 16 * MIB,
        limits: { iops: 700, burstMs: 100 },
      });
      expect(await ask('PATCH', `${path}/3`, { size: 'device', limits: null })).toMatchObject({
        bytes: 16 * MIB,
        limits: null,
      });
      expect(await refused('PATCH', `${path}/3`, { size: '8MiB' })).toBe('422 unusable');
      expect(await refused('PATCH', `${path}/3`, { path: 'elsewhere' })).toBe('422 unusable');
      await ask('DELETE', `${path}/3`, undefined, 204);
      expect(await refused('DELETE', `${path}/3`)).toBe('404 unknown');
      expect(await refused('GET', `${path}/x`)).toBe('404 unknown');
    });

    test('sessions are told of with what was negotiated, of each connection, too', async () => {
      const keys = { HeaderDigest: 'CRC32C', DataDigest: 'None', MaxRecvDataSegmentLength: '16384' };
      const bursts = { MaxBurstLength: '131072', FirstBurstLength: '32768', InitialR2T: 'Yes', ImmediateData: 'No' };
      using guest = await admitted(target.port, { target: OTHER, keys: { ...keys, ...bursts } });
      expect(await ask('GET', `sessions/${guest.session.tsih}`)).toMatchObject({
        parameters: { maxBurstLength: 131_072, firstBurstLength: 32_768, initialR2T: true, immediateData: false },
        connections: [
          {
            cid: guest.cid,
            parameters: {
              headerDigest: 'CRC32C',
              dataDigest: 'None',
              maxRecvDataSegmentLength: 256 * KIB,
              maxXmitDataSegmentLength: 16_384,
            },
          },
        ],
      });
      // What it declares anew reaches main behind the answer.
      await guest.text({ MaxRecvDataSegmentLength: '4096' });
      await expect
        .poll(() => ask('GET', `sessions/${guest.session.tsih}`), { timeout: 10_000 })
        .toMatchObject({ connections: [{ parameters: { maxXmitDataSegmentLength: 4096 } }] });
      await guest.logOut();
    });

    test('sessions are ended, logins refused and told of, the log set', async () => {
      const guest = await admitted(target.port, { target: OTHER });
      const { tsih } = guest.session;
      expect(await ask('GET', `sessions/${tsih}`)).toMatchObject({ targetName: OTHER });
      await ask('DELETE', `sessions/${tsih}`, undefined, 204);
      expect(await refused('GET', `sessions/${tsih}`)).toBe('404 unknown');
      // RFC 7143 §11.9.1: it is told before.
      expect((await guest.expect(AsyncMessage)).asyncEvent).toBe(AsyncEvent.SESSION_DROP);
      await guest.expectClose();

      expect(await ask('PUT', 'drain', { reason: 'a new disk' })).toEqual({ draining: 'a new disk' });
      expect(await loginStatus(target.port)).toBe('0301');
      expect(await ask('GET', 'status')).toMatchObject({ draining: 'a new disk' });
      await ask('DELETE', 'drain', undefined, 204);
      expect(await loginStatus(target.port)).toBe('0000');
      const { counts, latest } = await ask('GET', 'refusals?count=1');
      expect(counts['0301']).toBeGreaterThan(0);
      expect(latest).toMatchObject([{ status: '0301', causes: expect.any(Array), fixes: expect.any(Array) }]);
      expect(await refused('GET', 'refusals?count=some')).toBe('422 unusable');

      expect(await ask('PUT', 'settings', { logLevel: 'debug' })).toMatchObject({ logLevel: 'debug', queueDepth: 128 });
      expect(await refused('PUT', 'settings', { logLevel: 'loud' })).toBe('422 unusable');
      await ask('PUT', 'settings', { logLevel: 'info' });
    });

    describe('the configuration file', () => {
      const path = () => target.file('lunaring.yaml');
      const names = async () => (await ask('GET', 'targets')).map(({ name }: { name: string }) => name);

      /** What the file says, with the targets that it shall have. */
      function say(targets: readonly object[]): void {
        const portals = [{ address: '127.0.0.1', port: 0 }];
        const rest = { portals, admin: { port: 0 }, tuning: { engine, workers: 2 }, log: { format: 'json' } };
        writeFileSync(path(), JSON.stringify({ ...rest, targets }));
      }

      const used = { name: TARGET_NAME, luns: [{ lun: 0, path: 'load.img', size: 32 * MIB }] };

      test('is planned first, and then served', async () => {
        const before = await loaded();
        const grown = { name: OTHER, alias: 'reloaded', luns: [{ lun: 0, path: 'other.img', size: 24 * MIB }] };
        say([used, grown, { name: NEW, luns: [{ lun: 1, backend: 'null', size: '1GiB' }] }]);
        const { changes, applied } = await ask('POST', 'reload?plan=true');
        expect(applied).toBe(false);
        expect(changes).toEqual([
          { path: `targets[${OTHER}].alias`, action: 'change', sessions: [] },
          { path: `targets[${OTHER}].luns[0].size`, action: 'grow', sessions: [] },
          { path: `targets[${NEW}]`, action: 'add', sessions: [] },
        ]);
        expect(await names()).toEqual([TARGET_NAME, OTHER]);
        expect(await ask('POST', 'reload')).toEqual({ changes, applied: true, warnings: [] });
        expect(await names()).toEqual([TARGET_NAME, OTHER, NEW]);
        expect(await ask('GET', `targets/${OTHER}`)).toMatchObject({ alias: 'reloaded', units: [{ bytes: 24 * MIB }] });
        expect(await ask('POST', 'reload')).toEqual({ changes: [], applied: true, warnings: [] });
        expect(await loaded()).toEqual(before);
      });

      test('that is bad changes nothing', async () => {
        const before = await ask('GET', 'targets');
        writeFileSync(path(), 'targets: [');
        expect(await refused('POST', 'reload')).toBe('422 unusable');
        // The one is fine, what follows is not: there is no such file, and no size to make it with.
        say([used, { name: `${NEW}-2`, luns: [] }, { name: `${NEW}-3`, luns: [{ lun: 0, path: 'missing.img' }] }]);
        const { status, value } = await call('POST', 'reload');
        expect([status, value.error.findings[0].path]).toEqual([422, `targets[${NEW}-3].luns[0].path`]);
        const without = (target: object) => ({ ...target, sessions: 0, connections: 0 });
        expect((await ask('GET', 'targets')).map(without)).toEqual(before.map(without));
      });

      test('is read at SIGHUP as well', async () => {
        say([used, { name: NEW, alias: 'by signal', luns: [{ lun: 1, backend: 'null', size: '1GiB' }] }]);
        process.kill(target.pid, 'SIGHUP');
        await target.logged(/the configuration is served as it is now/);
        expect(await names()).toEqual([TARGET_NAME, NEW]);
        expect(await ask('GET', `targets/${NEW}`)).toMatchObject({ alias: 'by signal' });
        say([used, { name: 'no name', luns: [] }]);
        process.kill(target.pid, 'SIGHUP');
        await target.logged(/nothing was changed: targets\[1\]\.name/);
        expect(await names()).toEqual([TARGET_NAME, NEW]);
      });

      test('is written on request, and says what is served', async () => {
        expect(await refused('POST', 'configuration')).toBe('422 unusable');
        say([used]);
        await ask('PATCH', `targets/${NEW}?save=true`, { alias: 'saved' });
        expect(await ask('POST', 'reload?plan=true')).toEqual({ changes: [], applied: false, warnings: [] });
        expect(await ask('POST', 'configuration')).toEqual({ path: path() });
        await ask('DELETE', `targets/${NEW}?save=true`, undefined, 204);
        expect(await ask('POST', 'reload?plan=true')).toEqual({ changes: [], applied: false, warnings: [] });
      });
    });

    test('and fio had no error', async () => {
      expect(await loaded()).toHaveLength(1);
      enough.abort();
      const { errors, read, write } = await load;
      expect([errors, read.ios > 0, write.ios > 0]).toEqual([0, true, true]);
    });
  },
);
