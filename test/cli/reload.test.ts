import { expect, test } from 'vitest';
import { formatReload } from '../../src/cli/reload.ts';

const changes = [
  { path: 'targets[0].luns[1]', action: 'added', sessions: [3, 4] },
  { path: 'log.level', action: 'changed', sessions: [] },
];

test('a plan says that it is one', () => {
  expect(formatReload({ changes, applied: false })).toBe(
    [
      'what                how      sessions',
      'targets[0].luns[1]  added    3 4',
      'log.level           changed  -',
      'nothing was changed: this is the plan, lunaring reload applies it',
    ].join('\n'),
  );
});

test('what was applied is said to be', () => {
  expect(formatReload({ changes, applied: true })).toMatch(/\napplied$/);
  expect(formatReload({ changes: [], applied: true })).toBe('the file says nothing else than what is served');
});
