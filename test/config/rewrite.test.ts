import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { settleCredentialPart, settleTargetPart, settleUnitPart } from '../../src/config/part.ts';
import { sameSettings } from '../../src/config/plain.ts';
import { rewriteConfiguration } from '../../src/config/rewrite.ts';
import type { ChapSettings, TargetSettings, TuningSettings } from '../../src/config/settings.ts';
import { Scratch } from '../support/scratch.ts';

const A = 'iqn.2026-11.com.example:a';
const B = 'iqn.2026-11.com.example:b';
const FILE = `# Our storage.
portals:
  - { address: 127.0.0.1, port: 3260 }
targets:
  # The first one.
  - name: ${A}
    alias: first # for people
    auth:
      method: chap
      users:
        # She has it on paper.
        - { name: alice, secretFile: alice.secret }
        - { name: bob, secret: 'bob has a secret too' }
    luns:
      - { lun: 0, path: a.img, size: 1GiB } # on the fast disk
      - lun: 1
        backend: memory
        size: 64MiB
  - name: ${B}
    luns: []
`;

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('rewrite');
  writeFileSync(scratch.file('alice.secret'), 'alice has it on paper\n');
});
afterEach(() => scratch[Symbol.dispose]());

function load(text: string, path = 'lunaring.yaml') {
  const { settings, findings } = loadSettings({ file: path, text, environment: {}, workingDirectory: scratch.path });
  if (settings === null) throw new Error(JSON.stringify(findings));
  return settings;
}

/** The text with the targets that `change` makes of those in it; it loads as just these. */
function rewrite(
  text: string,
  change: (targets: readonly TargetSettings[]) => readonly TargetSettings[],
  logLevel = 'info',
  tuning: Partial<TuningSettings> = {},
) {
  const settings = load(text);
  const targets = change(settings.targets);
  const written = rewriteConfiguration(text, settings, { targets, tuning, logLevel });
  expect(sameSettings(load(written).targets, targets)).toBe(true);
  return written;
}

const first = (change: (target: TargetSettings) => TargetSettings) => (targets: readonly TargetSettings[]) =>
  targets.map((target, index) => (index === 0 ? change(target) : target));
const chap = ({ auth }: TargetSettings) => auth as ChapSettings;

describe('a file', () => {
  test('that says it all already stays as it is', () => {
    expect(rewrite(FILE, (targets) => targets)).toBe(FILE);
  });

  test('keeps comments and spelling around what changes', () => {
    const grown = first((target) => ({
      ...target,
      alias: 'number one',
      luns: target.luns.map((lun) => (lun.lun === 0 && lun.backend === 'file' ? { ...lun, size: 2 ** 31 } : lun)),
    }));
    expect(rewrite(FILE, grown)).toBe(FILE.replace('1GiB', '2GiB').replace('alias: first', 'alias: number one'));
  });

  test('gets what is new without its defaults, and loses what is gone', () => {
    const { portals } = load(FILE);
    const unit = settleUnitPart({ lun: 7, path: '/dev/sdz', readOnly: true }, portals, '/');
    const target = settleTargetPart(
      { name: `${A}-new`, luns: [{ lun: 0, backend: 'null', size: '1TiB' }] },
      portals,
      '/',
    );
    const written = rewrite(FILE, (targets) => [{ ...targets[0]!, luns: [targets[0]!.luns[1]!, unit] }, target]);
    expect(written).toContain(
      '        size: 64MiB\n      - lun: 7\n        backend: file\n        path: /dev/sdz\n        readOnly: true\n',
    );
    expect(written).toContain(
      `  - name: ${A}-new\n    luns:\n      - lun: 0\n        backend: "null"\n        size: 1TiB\n`,
    );
    expect(written).toContain('# The first one.');
    expect(written).not.toContain(B);
    expect(written).not.toContain('a.img');
  });

  test('never gets a secret that came from another file', () => {
    const { portals } = load(FILE);
    writeFileSync(scratch.file('carol.secret'), 'carol keeps it in a file');
    const carol = settleCredentialPart({ name: 'carol', secretFile: 'carol.secret' }, portals, scratch.path);
    const dave = settleCredentialPart({ name: 'dave', secret: 'dave said it aloud' }, portals, scratch.path);
    const written = rewrite(
      FILE,
      first((target) => ({ ...target, auth: { ...chap(target), users: [...chap(target).users, carol, dave] } })),
    );
    expect(written).toContain(`secretFile: ${scratch.file('carol.secret')}`);
    expect(written).toContain('dave said it aloud');
    expect(written).toContain('{ name: alice, secretFile: alice.secret }');
    expect(written).toContain('# She has it on paper.');
    for (const secret of ['carol keeps', 'alice has']) expect(written).not.toContain(secret);
  });

  test('says another state, redirect and level, and takes them back', () => {
    const redirect = { address: '192.0.2.7:3260,1', permanent: false };
    const written = rewrite(
      FILE,
      first((target) => ({ ...target, state: 'offline', redirect })),
      'debug',
    );
    expect(load(written).log.level).toBe('debug');
    const back = rewrite(
      written,
      first(({ redirect: _, ...target }) => ({ ...target, state: 'online' })),
    );
    expect(back).not.toContain('redirect');
    expect(load(back).log.level).toBe('info');
  });

  test('says other tuning, and nothing of what stays as it is', () => {
    const tuning = { queueDepth: 32, immediateData: false, nopIntervalMs: load(FILE).tuning.nopIntervalMs };
    const written = rewrite(FILE, (targets) => targets, 'info', tuning);
    expect(written).toBe(`${FILE}tuning:\n  queueDepth: 32\n  immediateData: false\n`);
    const again = rewrite(written, (targets) => targets, 'info', { queueDepth: 64 });
    expect(again).toBe(written.replace('queueDepth: 32', 'queueDepth: 64'));
  });

  test('without targets, or without anything, gets them', () => {
    const named = first((target) => ({ ...target, alias: 'x' }));
    expect(rewrite('', named)).toMatch(/alias: x\n +luns:\n.*disk0\.img/s);
    expect(rewrite('# nothing yet\nlog: { level: info }\n', named)).toContain('# nothing yet');
  });

  test('in JSON stays JSON', () => {
    const text = JSON.stringify({ targets: [{ name: A, luns: [] }] });
    const written = rewrite(
      text,
      first((target) => ({ ...target, alias: 'x' })),
    );
    expect(JSON.parse(written)).toEqual({ targets: [{ name: A, luns: [], alias: 'x' }] });
  });

  test('with aliases for what changes has it written out', () => {
    const text = `targets:\n  - &t { name: ${A}, luns: &l [{ lun: 0, backend: memory, size: 1MiB }] }\n  - { name: ${B}, luns: *l }\n`;
    const written = rewrite(text, (targets) => [targets[0]!, { ...targets[1]!, luns: [] }]);
    expect(load(written).targets.map(({ luns }) => luns.length)).toEqual([1, 0]);
  });

  test('with aliases keeps what they stand for when that goes', () => {
    const unit = (lun: number, size: string) => `      - { lun: ${lun}, backend: memory, size: ${size} }\n`;
    const text = `targets:\n  - name: ${A}\n    luns:\n${unit(0, '&s 1MiB')}${unit(1, '*s')}${unit(2, '*s')}`;
    const left = text.replace(unit(0, '&s 1MiB'), '').replace('*s', '&s 1MiB');
    const without = (number: number) =>
      first((target) => ({ ...target, luns: target.luns.filter(({ lun }) => lun !== number) }));
    expect(rewrite(text, without(0))).toBe(left);
    expect(rewrite(left, without(2))).toBe(left.replace(unit(2, '*s'), ''));
  });
});
