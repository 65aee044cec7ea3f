import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { type AdminOptions, startAdmin } from '../../src/admin/admin.ts';
import { Sequence } from '../../src/base/sequence.ts';
import { Scratch } from '../support/scratch.ts';
import { WatchedTarget } from '../support/watched-target.ts';

type Admin = false | { readonly address: string; readonly port: number; readonly tokenFile?: string };

/** An interface of nothing, and what was logged about it. */
function contextOf(admin: Admin) {
  const logged: { level: number; msg: string }[] = [];
  const log = pino({}, { write: (line: string) => logged.push(JSON.parse(line)) });
  const running = new WatchedTarget();
  const settings = { admin, portals: [] } as unknown as AdminOptions['settings'];
  const about = { running, settings, directory: '/', version: '1.2.3', startedAt: new Date(), log };
  const context = { ...about, changes: new Sequence() } as unknown as AdminOptions;
  return { context, logged };
}

const ANY_PORT = { address: '127.0.0.1', port: 0 };
const ERROR_LEVEL = 50;

describe('the admin interface', () => {
  test('is not there where it is switched off', async () => {
    expect(await startAdmin(contextOf(false).context)).toBeNull();
  });

  test('says where it is, and ends', async () => {
    const admin = await startAdmin(contextOf(ANY_PORT).context);
    const answer = await fetch(`${admin!.url}/openapi.json`);
    expect(await answer.json()).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    admin!.close();
    await expect(fetch(`${admin!.url}/openapi.json`)).rejects.toThrow();
  });

  test('changes nothing while the target stops, and tells why', async () => {
    const admin = await startAdmin(contextOf(ANY_PORT).context);
    admin!.stopping('the target is stopping');
    const answer = await fetch(`${admin!.url}/api/v1/drain`, { method: 'DELETE' });
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { error: { code: 'stopping', message: 'the target is stopping' } },
    ]);
    expect((await fetch(`${admin!.url}/api/v1/settings`)).status).toBe(200);
    admin!.close();
  });

  test('that finds its port taken is done without, and the log says what helps', async () => {
    const first = await startAdmin(contextOf(ANY_PORT).context);
    const { context, logged } = contextOf({ address: '127.0.0.1', port: Number(new URL(first!.url).port) });
    expect(await startAdmin(context)).toBeNull();
    const errors = logged.filter(({ level }) => level === ERROR_LEVEL).map(({ msg }) => msg);
    expect(errors).toEqual([expect.stringMatching(/something listens there already.*LUNARING_ADMIN/)]);
    first!.close();
  });

  test('asks for the token of its file, and is done without when that can’t be read', async () => {
    using scratch = new Scratch('admin');
    const tokenFile = scratch.file('admin.token');
    const { context, logged } = contextOf({ ...ANY_PORT, tokenFile });
    expect(await startAdmin(context)).toBeNull();
    expect(logged.at(-1)!.msg).toMatch(/admin\.token: ENOENT/);
    writeFileSync(tokenFile, 'open-sesame\n');
    const admin = await startAdmin(context);
    const ask = (headers: Record<string, string>) => fetch(`${admin!.url}/api/v1/settings`, { headers });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ Authorization: 'Bearer open-says-me' })).status).toBe(401);
    expect((await ask({ Authorization: 'Bearer open-sesame' })).status).toBe(200);
    expect(logged.map(({ msg }) => msg).join()).not.toContain('open-sesame');
    admin!.close();
  });
});
