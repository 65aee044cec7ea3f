import { describe, expect, test } from 'vitest';
import { explain } from '../../src/cli/explain.ts';
import { LOGIN_STATUS } from '../../src/pdu/login-status.ts';
import { FakeWorld } from './fake-world.ts';

function said(word: string | undefined, options: { all?: boolean; json?: boolean } = {}): string {
  const world = new FakeWorld();
  expect(explain(word, options, world)).toBe(0);
  return world.printed;
}

describe('explain', () => {
  test.each(['0201', '0x0201', '201', 'authenticationfailure', 'AuthenticationFailure'])('%s is 0201', (word) => {
    expect(said(word)).toMatch(/^0201 AuthenticationFailure\n/);
  });

  test('says meaning, occasion, causes, cures and clause', () => {
    expect(said('020A')).toMatch(
      /^020A .*\n {2}.+\nSent when\n {2}.+\nLikely causes\n( {2}- .+\n)+What helps\n( {2}- .+\n)+See RFC 7143 §/,
    );
  });

  test('lists all of them without a word', () => {
    expect(said(undefined).trim().split('\n')).toHaveLength(18);
    expect(said(undefined, { all: true }).match(/^See RFC 7143/gm)).toHaveLength(18);
  });

  test('speaks JSON', () => {
    expect(JSON.parse(said('020b', { json: true }))).toMatchObject({ code: '020B', fixes: expect.any(Array) });
    expect(JSON.parse(said(undefined, { all: true, json: true }))).toHaveLength(LOGIN_STATUS.length);
  });

  test('answers 2 to a word that is none, and suggests one', () => {
    const world = new FakeWorld();
    expect(explain('TargetNotFuond', {}, world)).toBe(2);
    expect(world.complained).toContain('did you mean TargetNotFound?');
  });
});
