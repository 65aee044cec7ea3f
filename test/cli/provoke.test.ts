import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/command-line.ts';
import { freePort, Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';
import { FakeWorld } from './fake-world.ts';

const SECRET = 'a secret of alice';
let target: TargetProcess;
let scratch: Scratch;
beforeAll(async () => {
  scratch = new Scratch('provoke');
  writeFileSync(scratch.file('secret'), `${SECRET}\n`);
  const auth = { method: 'chap' as const, users: [{ name: 'alice', secret: SECRET }] };
  target = await TargetProcess.start({
    targets: [{ name: TARGET_NAME, auth, luns: [] }],
    tuning: { workers: 1 },
  });
});
afterAll(async () => {
  await target.stop();
  scratch[Symbol.dispose]();
});

async function provoke(...parameters: string[]): Promise<{ code: number; world: FakeWorld }> {
  const world = new FakeWorld({}, scratch.path);
  return { code: await run(['provoke', ...parameters], world), world };
}

describe('provoke', () => {
  test('prints a table of what each case should get and got, and what it could not provoke', async () => {
    const { code, world } = await provoke(
      target.portal,
      '--target',
      TARGET_NAME,
      '--user',
      'alice',
      '--secret',
      SECRET,
    );
    expect(code).toBe(0);
    expect(world.printed).toMatch(/^code +case +expected +got/);
    expect(world.printed).toMatch(/^0206 +a connection beyond .* 0206 TooManyConnections +0206 TooManyConnections$/m);
    expect(world.printed).toMatch(/^Not provoked:\n0101 +a redirect for now +needs a redirect/m);
    expect(world.printed).toMatch(/A plain login ends with 0000 Success\. (\d+) of \1 cases as expected\.\n$/);
    expect(world.printed).not.toContain('<<');
  });

  test('speaks JSON, and takes the secret from a file', async () => {
    const parameters = ['--target', TARGET_NAME, '--user', 'alice', '--secret-file', 'secret', '--json'];
    const { code, world } = await provoke(target.portal, ...parameters);
    expect(code).toBe(0);
    const report = JSON.parse(world.printed);
    expect(report).toMatchObject({ address: target.portal, target: TARGET_NAME, login: '0000' });
    expect(report.results[0]).toEqual({
      code: '0000',
      case: expect.any(String),
      expected: '0000',
      got: '0000',
      right: true,
    });
    expect(report.omissions[0]).toEqual({ code: '0101', case: expect.any(String), why: expect.any(String) });
    expect(world.printed).not.toContain(SECRET);
  });

  test('answers 1 when something is not as it should be', async () => {
    const { code, world } = await provoke(target.portal, '--target', `${TARGET_NAME}-unknown`);
    expect(code).toBe(1);
    expect(world.printed).toMatch(/^0203 .*$/m);
    expect(world.printed).toContain('<<');
    expect(world.printed).toMatch(/the others are marked <<\.\n$/);
  });

  test('answers 1 when nobody is there', async () => {
    const { code, world } = await provoke(`127.0.0.1:${await freePort()}`, '--target', TARGET_NAME);
    expect(code).toBe(1);
    expect(world.complained).toContain('nobody takes connections');
  });

  test('tells at which port it was, where none was named', async () => {
    const { code, world } = await provoke('nowhere.invalid', '--target', TARGET_NAME);
    expect(code).toBe(1);
    expect(world.complained).toBe('error: nobody takes connections at nowhere.invalid:3260\n');
  });

  test.each([
    { what: 'no target', parameters: ['127.0.0.1:3260'], says: '--target' },
    { what: 'an address that is none', parameters: ['::1', '--target', TARGET_NAME], says: 'IPv6 address in brackets' },
    { what: 'port 0', parameters: ['127.0.0.1:0', '--target', TARGET_NAME], says: 'is no address' },
    { what: 'a target name that is none', parameters: ['[::1]', '--target', 'disk0'], says: 'is no iSCSI name' },
    {
      what: 'an initiator name that is none',
      parameters: ['localhost', '--target', TARGET_NAME, '--initiator', 'me'],
      says: 'is no iSCSI name',
    },
    { what: 'a user alone', parameters: ['localhost', '--target', TARGET_NAME, '--user', 'a'], says: 'go together' },
    {
      what: 'a secret file that is not there',
      parameters: ['localhost', '--target', TARGET_NAME, '--user', 'a', '--secret-file', 'nowhere'],
      says: 'nowhere: ENOENT',
    },
  ])('answers 2 to $what', async ({ parameters, says }) => {
    const { code, world } = await provoke(...parameters);
    expect(code).toBe(2);
    expect(world.complained).toContain(says);
  });
});
