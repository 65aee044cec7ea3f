import { describe, expect, test } from 'vitest';
import { nearestWord } from '../../src/base/nearest-word.ts';

describe('the nearest word', () => {
  const words = ['port', 'address', 'tag', 'discovery'];

  test.each([
    ['prot', 'port'],
    ['Port', 'port'],
    ['adress', 'address'],
    ['dicsovrey', 'discovery'],
    ['tags', 'tag'],
  ])('for %s is %s', (typed, meant) => {
    expect(nearestWord(typed, words)).toBe(meant);
  });

  test.each(['', 'x', 'portal-groups', 'name'])('for %s is none', (typed) => {
    expect(nearestWord(typed, words)).toBeNull();
  });

  test('is the first of several as near', () => {
    expect(nearestWord('ab', ['ac', 'ad'])).toBe('ac');
  });
});
