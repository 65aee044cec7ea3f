import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ENVIRONMENT } from '../../src/config/environment.ts';
import { configurationReference, configurationSchema } from '../../src/config/reference.ts';

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
const STALE = 'run node scripts/write-docs.mjs';

describe('docs/', () => {
  test('configuration.md says what the program does', () => {
    expect(read('configuration.md'), STALE).toBe(configurationReference());
  });

  test('lunaring.schema.json says what the program takes', () => {
    expect(JSON.parse(read('lunaring.schema.json')), STALE).toEqual(configurationSchema());
  });
});

describe('the reference', () => {
  const page = configurationReference();

  test('names every variable', () => {
    for (const { name } of ENVIRONMENT) expect(page).toContain(`| \`${name}\` |`);
  });

  test.each([
    ['congestionControl', 'auto'],
    ['initiators', '["*"]'],
    ['networks', '["0.0.0.0/0","::/0"]'],
    ['redirects', '[]'],
    ['initiatorLimits', '[]'],
  ])('tells the default of %s, which is kept in another form than it is written in', (key, value) => {
    const rows = page.split('\n').filter((line) => line.startsWith(`| \`${key}\` |`));
    expect(rows.join('\n')).toContain(`| \`${value}\` |`);
  });

  test('leaves no key unexplained', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(rows.length).toBeGreaterThan(80);
    for (const row of rows) expect(row, row).toMatch(/[.`] \|$/);
  });
});

describe('the JSON Schema', () => {
  test('uses no keywords of our own', () => {
    expect(JSON.stringify(configurationSchema())).not.toMatch(/"(allowed|unit)":/);
  });
});
