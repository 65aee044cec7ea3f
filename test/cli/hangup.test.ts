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

/** What is logged when the signal comes, and the reload ends like this. */
async function logged(reload: () => Promise<unknown>): Promise<string[]> {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) });
  using _hangup = new Hangup(reload, log);
  process.emit('SIGHUP');
  await new Promise((resolve) => setImmediate(resolve));
  return lines;
}

test('the signal has the configuration read again', async () => {
  expect(await logged(async () => {})).toEqual([
    'reading the configuration again',
    'the configuration is served as it is now',
  ]);
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
