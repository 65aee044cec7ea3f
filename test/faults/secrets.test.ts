// Secrets that can be recognised, carried through logins, refusals and mistakes in the configuration: they turn up nowhere.
// And the files that the target makes for itself are their owner's alone.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const CANARY = 'canary-of-alice-7Fq2';
const MUTUAL_CANARY = 'canary-of-target-9Zx4';
/** What the initiator says instead is none of the log's business either. */
const WRONG_CANARY = 'canary-that-is-wrong-1Lk';
const CANARIES = /canary-|63616e6172792d/i;
const PROGRAM = join(repositoryRoot(), 'dist/src/cli/main.js');
const ALICE = { name: 'alice', secret: CANARY };
const TARGET = {
  name: TARGET_NAME,
  auth: { method: 'chap' as const, users: [ALICE], mutual: { name: 'target', secret: MUTUAL_CANARY } },
  luns: [{ lun: 0, backend: 'file' as const, path: 'disk', size: '1MiB' }],
};

describe('a running target', () => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({ tuning: { workers: 1 }, log: { level: 'trace' }, targets: [TARGET] });
  });
  afterAll(() => target.stop());

  async function status(chap: { name: string; secret: string }): Promise<number> {
    using initiator = await RawInitiator.connect(target.port);
    return (await initiator.login({ chap })).status;
  }

  it('tells of every login, and of no secret, at the level trace', async () => {
    expect(await status(ALICE)).toBe(0);
    expect(await status({ name: 'alice', secret: WRONG_CANARY })).toBe(0x0201);
    expect(await status({ name: 'bob', secret: CANARY })).toBe(0x0201);
    await target.logged(/"received":"[^"]*".*login refused with 0201.*login refused with 0201/s);
    expect(target.log).not.toMatch(CANARIES);
  });

  it('keeps what it makes to its owner: disks, reservations and mode parameters that outlast it', async () => {
    using initiator = await RawInitiator.logIn(target.port, { chap: ALICE });
    const list = Buffer.alloc(24);
    list.writeUInt32BE(0xaa, 12);
    // APTPL.
    list[20] = 1;
    const registered = await initiator.command(Buffer.from([0x5f, 6, 0, 0, 0, 0, 0, 0, 24, 0]), { write: list });
    expect(registered.status).toBe(0);
    const { data } = await initiator.command(Buffer.from([0x1a, 8, 0x0a, 0, 255, 0]), { read: 255 });
    const page = Buffer.from(data);
    page.fill(0, 0, 4);
    page[4] = page[4]! & 0x3f;
    // Of the descriptor format: a change, or there would be nothing to save.
    page[6] = page[6]! ^ 0x04;
    const saved = await initiator.command(Buffer.from([0x15, 0x11, 0, 0, page.length, 0]), { write: page });
    expect(saved.status).toBe(0);
    const folder = dirname(target.file('disk'));
    const made = readdirSync(folder).filter((name) => name !== 'lunaring.yaml');
    expect(made.length).toBeGreaterThanOrEqual(3);
    for (const name of made) {
      expect((statSync(join(folder, name)).mode & 0o777).toString(8), name).toBe('600');
      if (name !== 'disk') expect(readFileSync(join(folder, name), 'utf8'), name).not.toMatch(CANARIES);
    }
    await initiator.logOut();
  });
});

describe('the command line', () => {
  /** Everything that a command says, with its status, of a configuration. */
  async function say(command: readonly string[], file: unknown): Promise<{ code: number | null; text: string }> {
    using scratch = new Scratch('secrets');
    const path = scratch.file('lunaring.yaml');
    writeFileSync(path, JSON.stringify(file));
    const { code, stdout, stderr } = await run(process.execPath, [PROGRAM, ...command, '--config', path]);
    expect(existsSync(scratch.file('disk'))).toBe(false);
    return { code, text: stdout + stderr };
  }

  const luns = [{ lun: 0, backend: 'memory', size: '1MiB' }];
  const whole = { admin: false, portals: [{ address: '127.0.0.1', port: 0 }] };

  it.each([
    ['a secret that is too short', { method: 'chap', users: [{ name: 'alice', secret: 'canary-1' }] }],
    ['one secret for both directions', { method: 'chap', users: [ALICE], mutual: { name: 'target', secret: CANARY } }],
    ['a secret under a wrong key', { method: 'chap', users: [{ name: 'alice', secrett: CANARY }] }],
    ['a secret that is a list', { method: 'chap', users: [{ name: 'alice', secret: [CANARY] }] }],
    ['a secret where users should be', { method: 'chap', users: CANARY }],
  ])('refuses %s without repeating it', async (_, auth) => {
    const { code, text } = await say(['check'], { ...whole, targets: [{ name: TARGET_NAME, auth, luns }] });
    expect(code, text).not.toBe(0);
    expect(text.length).toBeGreaterThan(0);
    expect(text).not.toMatch(CANARIES);
  });

  it('does not serve with a secret that is too short, and does not repeat it', async () => {
    const auth = { method: 'chap', users: [{ name: 'alice', secret: 'canary-1' }] };
    const { code, text } = await say(['serve'], { ...whole, targets: [{ name: TARGET_NAME, auth, luns }] });
    expect(code).toBe(2);
    expect(text).not.toMatch(CANARIES);
  });

  it('shows settings without secrets', async () => {
    const { text } = await say(['env'], { ...whole, targets: [{ ...TARGET, luns }] });
    expect(text).toMatch(/LUNARING_/);
    expect(text).not.toMatch(CANARIES);
  });
}, 120_000);
