import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { Saving } from '../../src/control/saving.ts';
import { Scratch } from '../support/scratch.ts';

const NAME = 'iqn.2026-11.com.example:a';
const FILE = `targets: [{ name: "${NAME}", luns: [] }]\n`;

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('saving');
  writeFileSync(scratch.file('lunaring.yaml'), FILE, { mode: 0o640 });
});
afterEach(() => scratch[Symbol.dispose]());

function savingOf(environment: Record<string, string> = {}, file: string | undefined = 'lunaring.yaml') {
  const load = (text?: string) => loadSettings({ file, text, environment, workingDirectory: scratch.path });
  const { settings } = load();
  const [target] = settings!.targets;
  const { tuning, log } = settings!;
  const wanted = { targets: [{ ...target!, alias: 'the first' }], tuning, logLevel: log.level };
  return { saving: new Saving(load, pino({ level: 'silent' })), wanted };
}

describe('the configuration file', () => {
  test('is replaced, with the permissions that it had', () => {
    const { saving, wanted } = savingOf();
    expect(saving.save(wanted)).toBe(scratch.file('lunaring.yaml'));
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toContain('alias: the first');
    expect(statSync(scratch.file('lunaring.yaml')).mode & 0o777).toBe(0o640);
  });

  test('that is a link leads to the file', () => {
    symlinkSync('lunaring.yaml', scratch.file('link.yaml'));
    const { saving, wanted } = savingOf({}, 'link.yaml');
    expect(saving.save(wanted)).toBe(scratch.file('lunaring.yaml'));
  });

  test('is needed', () => {
    const load = () => loadSettings({ environment: {}, workingDirectory: scratch.path });
    expect(() => new Saving(load, pino({ level: 'silent' })).check()).toThrow(/--config FILE/);
  });

  test('is not written where the environment says what is served', () => {
    const { saving, wanted } = savingOf({ LUNARING_DISKS: 'null:1GiB' });
    expect(() => saving.save(wanted)).toThrow(/LUNARING_DISKS says what is served/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('is not written when it would not say what is served', () => {
    const { saving, wanted } = savingOf({ LUNARING_DIRECT: 'false' });
    const lun = { lun: 0, backend: 'file', path: '/srv/a.img', size: 2 ** 20, direct: true, blockSize: 512 } as const;
    const unit = { ...lun, readOnly: false, removable: false };
    const targets = [{ ...wanted.targets[0]!, luns: [unit] }];
    expect(() => saving.save({ ...wanted, targets })).toThrow(/by hand/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('is not written when the environment says other tuning', () => {
    const { saving, wanted } = savingOf({ LUNARING_QUEUE_DEPTH: '16' });
    expect(() => saving.save({ ...wanted, tuning: { queueDepth: 32 } })).toThrow(/by hand/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe(FILE);
  });

  test('that has become unreadable stays as it is', () => {
    const { saving, wanted } = savingOf();
    writeFileSync(scratch.file('lunaring.yaml'), 'targets: [');
    expect(() => saving.save(wanted)).toThrow(/lunaring\.yaml/);
    expect(readFileSync(scratch.file('lunaring.yaml'), 'utf8')).toBe('targets: [');
  });
});
