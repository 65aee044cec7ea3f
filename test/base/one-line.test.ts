import { expect, test } from 'vitest';
import { oneLine } from '../../src/base/one-line.ts';

test.each([
  ['an escape sequence', 'a\x1b[2Jb', 'a?[2Jb'],
  ['a title that ends with a bell', '\x1b]0;owned\x07', '?]0;owned?'],
  ['the same in eight bits', 'a\x9b2J\x7f', 'a?2J?'],
  ['lines', 'a\r\nb\u2028c\u2029d', 'a??b?c?d'],
  ['text from right to left', 'a\u202ecba', 'a?cba'],
  ['what is only text', 'disque nº 1 — 磁盘 <b>', 'disque nº 1 — 磁盘 <b>'],
])('%s', (_name, text, shown) => {
  expect(oneLine(text)).toBe(shown);
});
