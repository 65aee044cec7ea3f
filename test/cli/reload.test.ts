import { expect, test } from 'vitest';
import { formatReload } from '../../src/cli/reload.ts';

const changes = [
  { path: 'targets[0].luns[1]', action: 'add' as const, sessions: [3, 4] },
  { path: 'log.level', action: 'change' as const, sessions: [] },
];

test('a plan says that it is one', () => {
  expect(formatReload({ changes, applied: false })).toBe(
    [
      'what                how     sessions',
      'targets[0].luns[1]  add     3 4',
      'log.level           change  -',
      'nothing was changed: this is the plan, lunaring reload applies it',
    ].join('\n'),
  );
});

test('what was applied is said to be', () => {
  expect(formatReload({ changes, applied: true })).toMatch(/\napplied$/);
  expect(formatReload({ changes: [], applied: true })).toBe('the file says nothing else than what is served');
});

test('what waits for the next start is said to wait', () => {
  const waiting = { path: 'tuning.workers', action: 'restart' as const, sessions: [], reason: 'they are started once' };
  expect(formatReload({ changes: [...changes, waiting], applied: true })).toMatch(
    /applied\nrestart: holds from the next start on\n {2}tuning\.workers {2}they are started once\n$/,
  );
});
