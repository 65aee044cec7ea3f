import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/cli/answer.ts';
import { check } from '../../src/cli/check.ts';

import { freePort, Scratch } from '../support/scratch.ts';
import { FakeWorld } from './fake-world.ts';

async function report(world: FakeWorld): Promise<{ code: number; answers: Answer[]; findings: unknown[] }> {
  const code = await check({ json: true }, world);
  return { code, ...JSON.parse(world.printed) };
}

describe('check', () => {
  test('asks about files, names, io_uring, memory, descriptors, workers, idle CPUs, congestion control, ports and the token, and makes nothing', async () => {
    using scratch = new Scratch('check');
    const ports = {
      LUNARING_PORTALS: `127.0.0.1:${await freePort()}`,
      LUNARING_ADMIN: `127.0.0.1:${await freePort()}`,
    };
    const { code, answers, findings } = await report(new FakeWorld(ports, scratch.path));
    expect(findings).toEqual([]);
    expect(answers.map(({ question }) => question.split(' ')[0])).toEqual([
      'storage',
      'world-wide',
      'io_uring',
      'locked',
      'descriptors',
      'workers',
      'idle',
      'congestion',
      'portal',
      'admin',
      'admin',
    ]);
    expect(answers.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(code).toBe(0);
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test('answers 1 to a port in use and a disk that is missing, and says what to do', async () => {
    using scratch = new Scratch('check');
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const environment = { LUNARING_PORTALS: `127.0.0.1:${port}`, LUNARING_ADMIN: 'off', LUNARING_DISKS: 'missing.img' };
    const { code, answers } = await report(new FakeWorld(environment, scratch.path));
    server.close();
    expect(code).toBe(1);
    const failed = answers.filter(({ state }) => state === 'failed');
    expect(failed.map(({ detail }) => detail)).toEqual([expect.stringContaining('ENOENT'), 'EADDRINUSE']);
    for (const { remedy } of failed) expect(remedy).not.toBe('');
  });

  test('answers 2 to a configuration that is wrong, and asks no further', async () => {
    const { code, answers, findings } = await report(new FakeWorld({ LUNARING_WORKERS: '0' }));
    expect([code, answers, findings.length]).toEqual([2, [], 1]);
  });

  test('suggests what an unknown key may mean', async () => {
    using scratch = new Scratch('check');
    const config = scratch.file('lunaring.yaml');
    writeFileSync(config, 'tuning:\n  wrokers: 2\n');
    const world = new FakeWorld({}, scratch.path);
    expect(await check({ config }, world)).toBe(2);
    expect(world.printed).toMatch(/^error: tuning\.wrokers .*lunaring\.yaml:2/);
    expect(world.printed).toContain('did you mean workers?');
  });

  test('reads well', async () => {
    using scratch = new Scratch('check');
    const world = new FakeWorld(
      { LUNARING_PORTALS: '127.0.0.1:0', LUNARING_ADMIN: 'off', LUNARING_DISKS: 'no.img' },
      scratch.path,
    );
    await check({}, world);
    expect(world.printed).toMatch(
      /^fine {5}configuration\nfailed {3}storage of iqn\.2026-11\.io\.lunaring:disk0 LUN 0: .*ENOENT\n {9}do: /,
    );
  });
});
