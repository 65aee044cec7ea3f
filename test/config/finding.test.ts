import { describe, expect, test } from 'vitest';
import { ConfigurationError, type Finding, formatFinding, formatPath } from '../../src/config/finding.ts';

const finding: Finding = {
  severity: 'error',
  path: 'tuning.workers',
  origin: 'LUNARING_WORKERS',
  received: '"many"',
  allowed: 'a whole number from 1 to 128',
  remedy: 'change it',
};

describe('a finding', () => {
  test('says where, what came, what is allowed and what to do', () => {
    expect(formatFinding(finding)).toBe(
      [
        'error: tuning.workers  (LUNARING_WORKERS)',
        '  received  "many"',
        '  allowed   a whole number from 1 to 128',
        '  do        change it',
      ].join('\n'),
    );
  });

  test('about a default names no source', () => {
    expect(formatFinding({ ...finding, origin: 'default' })).toMatch(/^error: tuning\.workers\n/);
  });

  test('ends a start as an error that holds them all', () => {
    const error = new ConfigurationError([finding, finding]);
    expect(error).toMatchObject({
      name: 'ConfigurationError',
      code: 'LUNARING_CONFIGURATION',
      findings: [finding, finding],
    });
    expect(error.message.match(/tuning\.workers/g)).toHaveLength(2);
  });
});

test('paths read as in a program', () => {
  expect(formatPath(['targets', 0, 'luns', 1, 'size'])).toBe('targets[0].luns[1].size');
  expect(formatPath([])).toBe('the whole file');
});
