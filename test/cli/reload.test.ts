import { expect, test } from 'vitest';
import { formatReload } from '../../src/cli/reload.ts';

const changes = [
  { path: 'targets[0].luns[1]', action: 'add' as const, sessions: [3, 4] },
  { path: 'log.level', action: 'change' as const, sessions: [] },
];

test('a plan says that it is one', () => {
  expect(formatReload({ changes, applied: false, warnings: [] })).toBe(
    [
      'what                how     sessions',
      'targets[0].luns[1]  add     3 4',
      'log.level           change  -',
      'nothing was changed: this is the plan, lunaring reload applies it',
    ].join('\n'),
  );
});

test('what was applied is said to be', () => {
  expect(formatReload({ changes, applied: true, warnings: [] })).toMatch(/\napplied$/);
  expect(formatReload({ changes: [], applied: true, warnings: [] })).toBe(
    'the configuration says nothing else than what is served',
  );
});

test('what waits for the next start is said to wait', () => {
  const waiting = { path: 'tuning.workers', action: 'restart' as const, sessions: [], reason: 'they are started once' };
  expect(formatReload({ changes: [...changes, waiting], applied: true, warnings: [] })).toMatch(
    /applied\nrestart: holds from the next start on\n {2}tuning\.workers {2}they are started once\n$/,
  );
});

test('what is questionable comes first', () => {
  const warning = {
    severity: 'warning' as const,
    path: 'tuning.queueDepth',
    origin: 'lunaring.yaml:3',
    received: '64, and LUNARING_QUEUE_DEPTH, which goes before it',
    allowed: 'one of the two',
    remedy: 'unset it',
  };
  const [first, ...rest] = formatReload({ changes: [], applied: true, warnings: [warning] }).split('\n');
  expect(first).toBe('warning: tuning.queueDepth  (lunaring.yaml:3)');
  expect(rest.at(-1)).toBe('the configuration says nothing else than what is served');
});
