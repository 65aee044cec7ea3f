// The words of the commands that speak with a target, where there is none: what they say of themselves, and of what they can't make sense
// of. Each of them against a running target: test/interop/administration.test.ts.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/command-line.ts';
import { TEXT_WIDTH } from '../../src/cli/table.ts';
import { repositoryRoot } from '../support/repository.ts';
import { freePort, Scratch } from '../support/scratch.ts';
import { FakeWorld } from './fake-world.ts';

async function said(...words: string[]) {
  const world = new FakeWorld({ LUNARING_ADMIN: `127.0.0.1:${await freePort()}` });
  return { code: await run(words, world), ...world };
}

const NAME = 'iqn.2026-11.com.example:db';

/** Each command in full, with all that it needs. */
const COMMANDS = [
  ['status'],
  ['target', 'list'],
  ['target', 'show', NAME],
  ['target', 'add', NAME],
  ['target', 'set', NAME, '--alias', 'db'],
  ['target', 'remove', NAME],
  ['target', 'online', NAME],
  ['target', 'offline', NAME],
  ['target', 'redirect', NAME, '192.0.2.7:3260'],
  ['target', 'user', 'set', NAME, 'alice', '--secret-file', 'alice.secret'],
  ['target', 'user', 'remove', NAME, 'alice'],
  ['lun', 'list'],
  ['lun', 'show', NAME, '0'],
  ['lun', 'add', NAME, '1', 'b.img'],
  ['lun', 'add', NAME, '2', '--backend', 'memory', '--size', '1GiB', '--atomic-writes'],
  ['lun', 'grow', NAME, '1', '40GiB'],
  ['lun', 'limit', NAME, '1', '--iops', '5000'],
  ['lun', 'remove', NAME, '1'],
  ['session', 'list'],
  ['session', 'show', '1'],
  ['session', 'end', '1'],
  ['refusals'],
  ['worker', 'list'],
  ['reload', '--plan'],
  ['drain'],
  ['settings'],
  ['save'],
];

describe('commands that speak with a target', () => {
  test.each(COMMANDS)('%s %s %s says where there is none, and ends with 1', async (...words) => {
    const { code, printed, complained } = await said(...words);
    expect([code, printed]).toEqual([1, '']);
    expect(complained).toMatch(
      /^error: no target listens at http:\/\/127\.0\.0\.1:\d+; is it running, and is its admin/,
    );
  });

  test.each(COMMANDS)('%s %s %s explains its options', async (...words) => {
    const { code, printed } = await said(...words.filter((word) => /^[a-z]+$/.test(word)).slice(0, 3), '--help');
    expect(code).toBe(0);
    for (const option of ['--admin', '--token-file', '--json']) expect(printed).toContain(option);
  });

  test('those of a group are in its help under one heading', async () => {
    const { printed } = await said('target', '--help');
    expect(printed).toMatch(/\nCommands:\n(?: {2}.*\n)* {2}user +CHAP users/);
  });

  test('are all in the help of the program, which fits a terminal', async () => {
    const { printed } = await said('--help');
    for (const [word] of COMMANDS) expect(printed).toMatch(new RegExp(`^ {2}${word} `, 'm'));
    expect(printed.split('\n').filter((line) => line.length > TEXT_WIDTH)).toEqual([]);
  });

  test.each([
    [['target'], 'Usage: lunaring target'],
    [['target', 'lsit'], 'Did you mean list?'],
    [['target', 'show'], "missing required argument 'name'"],
    [['target', 'show', NAME, 'more'], 'too many arguments'],
    [['lun', 'add', NAME, 'one', 'a.img'], 'write a whole number, 0 or more'],
    [['lun', 'limit', NAME, '0', '--iops', '0'], 'write a whole number, 1 or more'],
    [['session', 'end', '0'], 'write a whole number, 1 or more'],
    [['session', 'list', '--rates', '0'], 'write seconds, from 0.1 to 3600'],
    [['status', '--admin', 'a/b'], "--admin: 'a/b' is no address"],
    [['status', '--token-file', '/nonexistent'], 'the token file /nonexistent: ENOENT'],
    [['lun', 'add', NAME, '1'], 'a unit is stored in something'],
    [['lun', 'add', NAME, '1', 'a.img', '--backend', 'memory'], 'is stored in no file; leave out a.img'],
    [['lun', 'limit', NAME, '1'], 'name limits, such as --iops 5000'],
    [['lun', 'limit', NAME, '1', '--off', '--iops', '9'], 'name limits, such as --iops 5000'],
    [['target', 'redirect', NAME], 'name the address that logins are sent to'],
    [['target', 'redirect', NAME, '192.0.2.7', '--off'], 'name the address that logins are sent to'],
    [['target', 'add', '--alias', 'x'], 'name the target, such as iqn.'],
    [['target', 'add', NAME, '--auth', 'chap'], '--auth chap takes a first user'],
    [['target', 'add', NAME, '--user', 'alice'], '--user and --secret-file go with --auth chap'],
    [['target', 'add', NAME, '--auth', 'chap', '--user', 'alice'], 'the secret comes from a file'],
    [['target', 'add', NAME, '--from', 'missing.yaml'], '/srv/missing.yaml: ENOENT'],
    [['target', 'user', 'set', NAME, 'alice'], 'the secret comes from a file'],
  ])('%j is wrong usage, and it is said why', async (words, complaint) => {
    const { code, printed, complained } = await said(...words);
    expect([code, printed]).toEqual([2, '']);
    expect(complained).toContain(complaint);
  });

  test.each([
    ['alias: new\nauth: {method: chap, users: [{name: a, secret: !env hunter2hunter2}]}\n', 'part.yaml:2: a tag'],
    ['alias: [hunter2\n', 'part.yaml:2: '],
    ['- hunter2\n', 'part.yaml: something else'],
    ['', 'write the keys of one target'],
  ])('a target can’t be made from a file with %j; no word of it is quoted', async (text, complaint) => {
    using scratch = new Scratch('part');
    const path = scratch.file('part.yaml');
    writeFileSync(path, text);
    const { code, printed, complained } = await said('target', 'add', NAME, '--from', path);
    expect([code, printed]).toEqual([2, '']);
    expect(complained).toContain(complaint);
    expect(complained).not.toContain('hunter2');
  });
});

describe('docs/administration.md', () => {
  const page = readFileSync(join(repositoryRoot(), 'docs/administration.md'), 'utf8');
  const lines = [...page.matchAll(/^\$ lunaring ([^|\n]*)/gm)].map(([, line]) => line!.trim());

  /** The words of a line, as a shell has them: quotes are all that is used there. */
  const wordsOf = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!);

  test('shows command lines that the program takes', async () => {
    using scratch = new Scratch('administration');
    writeFileSync(scratch.file('limits.yaml'), 'initiatorLimits: []');
    writeFileSync(scratch.file('admin.token'), 'token');
    const environment = { LUNARING_ADMIN: `127.0.0.1:${await freePort()}` };
    expect(lines.length).toBeGreaterThan(30);
    for (const line of lines) {
      const world = new FakeWorld(environment, scratch.path);
      expect([line, await run(wordsOf(line), world)]).toEqual([line, 1]);
      expect(world.complained).toMatch(/^error: no target listens/);
    }
  });

  test('shows every command', () => {
    const missing = COMMANDS.map((words) =>
      words
        .filter((word) => /^[a-z]+$/.test(word))
        .slice(0, 2)
        .join(' '),
    ).filter((words) => !page.includes(words));
    expect(missing).toEqual([]);
  });
});
