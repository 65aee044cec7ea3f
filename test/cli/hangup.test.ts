import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Hangup } from '../../src/cli/hangup.ts';
import { ConfigurationError } from '../../src/config/finding.ts';

const FINDING = {
  severity: 'error',
  path: 'targets',
  origin: 'o',
  received: 'r',
  allowed: 'a',
  remedy: 'mend it',
} as const;

/** What is logged when the signal comes, and the reload ends like this. `early`: so often it comes before the target is up. */
async function logged(reload: () => Promise<unknown>, early = 0): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) });
  using hangup = new Hangup(log);
  for (let times = 0; times < early; times++) process.emit('SIGHUP');
  hangup.begin(reload);
  if (early === 0) process.emit('SIGHUP');
  await new Promise((resolve) => setImmediate(resolve));
  return lines;
}

test('the signal has the configuration read again', async () => {
  expect(await logged(async () => {})).toEqual([
    'reading the configuration again',
    'the configuration is served as it is now',
  ]);
});

test('a signal that comes before the target is up waits, and is answered once', async () => {
  let reloads = 0;
  const lines = await logged(async () => reloads++, 2);
  expect(reloads).toBe(1);
  expect(lines).toEqual([
    ...Array(2).fill('the configuration will be read again once the target is up'),
    'reading the configuration again',
    'the configuration is served as it is now',
  ]);
});

test('a signal that comes while the target stops is not heeded', async () => {
  const lines: string[] = [];
  using hangup = new Hangup(pino({}, { write: (line: string) => lines.push(line) }));
  hangup.begin(() => Promise.reject(new Error('reloaded')));
  hangup.end();
  process.emit('SIGHUP');
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines).toEqual([expect.stringContaining('the target is stopping')]);
});

test('what is wrong with it is logged, and what helps', async () => {
  const lines = await logged(() => Promise.reject(new ConfigurationError([FINDING])));
  expect(lines.at(-1)).toBe('nothing was changed: targets: r; mend it');
  expect((await logged(() => Promise.reject(new Error('no')))).at(-1)).toContain('could not be reloaded: no');
});

test('nobody listens any more afterwards', async () => {
  const before = process.listenerCount('SIGHUP');
  await logged(async () => {});
  expect(process.listenerCount('SIGHUP')).toBe(before);
});
