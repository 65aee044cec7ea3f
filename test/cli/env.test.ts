import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { env } from '../../src/cli/env.ts';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import { Scratch } from '../support/scratch.ts';
import { FakeWorld } from './fake-world.ts';

function rows(world: FakeWorld, options: { config?: string } = {}) {
  expect(env({ ...options, json: true }, world)).toBe(0);
  const list = JSON.parse(world.printed) as { name: string; value: string; origin: string }[];
  return new Map(list.map((row) => [row.name, row]));
}

describe('env', () => {
  test('lists every variable with what is to be known of it', () => {
    const found = rows(new FakeWorld());
    expect([...found.keys()]).toEqual(ENVIRONMENT.map(({ name }) => name));
    expect(found.get('LUNARING_QUEUE_DEPTH')).toEqual({
      name: 'LUNARING_QUEUE_DEPTH',
      value: '128',
      origin: 'default',
      unit: 'commands',
      allowed: 'a whole number from 1 to 1024',
      default: '128',
      effect: expect.stringContaining('outstanding'),
    });
  });

  test('says who set each value', () => {
    using scratch = new Scratch('env');
    const config = scratch.file('lunaring.yaml');
    writeFileSync(config, 'tuning:\n  queueDepth: 9\n  workers: 2\n');
    const found = rows(new FakeWorld({ LUNARING_WORKERS: '3', LUNARING_DIRECT: 'no' }), { config });
    expect(found.get('LUNARING_WORKERS')).toMatchObject({ value: '3', origin: 'environment' });
    expect(found.get('LUNARING_QUEUE_DEPTH')).toMatchObject({ value: '9', origin: 'lunaring.yaml:2' });
    expect(found.get('LUNARING_SLAB_MIB')).toMatchObject({ value: '64', origin: 'default' });
    expect(found.get('LUNARING_DIRECT')).toMatchObject({ value: 'false', origin: 'environment' });
    expect(found.get('LUNARING_CONFIG')).toMatchObject({ value: config, origin: '--config' });
  });

  test('finds `direct` in the file', () => {
    using scratch = new Scratch('env');
    const config = scratch.file('lunaring.yaml');
    writeFileSync(config, 'targets:\n  - name: iqn.2026-11.a:b\n    luns: [{ lun: 0, path: x, direct: false }]\n');
    expect(rows(new FakeWorld(), { config }).get('LUNARING_DIRECT')).toMatchObject({
      value: 'false',
      origin: 'lunaring.yaml:3',
    });
  });

  test('prints a table for people', () => {
    const world = new FakeWorld();
    expect(env({}, world)).toBe(0);
    for (const { name } of ENVIRONMENT) expect(world.printed).toContain(name);
    expect(world.printed).toContain('Default: auto.');
  });

  test('answers 2 to a value that is not allowed', () => {
    const world = new FakeWorld({ LUNARING_ENGINE: 'steam' });
    expect(env({}, world)).toBe(2);
    expect(world.complained).toContain('LUNARING_ENGINE');
  });
});
