import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columns, facts, shorten, TEXT_WIDTH, table } from '../../src/cli/table.ts';

const SHAPES = [{ heading: 'name', shortens: true }, { heading: 'n', right: true }, { heading: 'note' }];

describe('a table', () => {
  test('has its columns in line, numbers on the right', () => {
    const rows = [
      ['a', '5', 'x'],
      ['bcdef', '123', ''],
    ];
    expect(table(SHAPES, rows, 2)).toBe('  name     n  note\n  a        5  x\n  bcdef  123\n');
  });

  test('shortens what may be shortened, in the middle, and keeps the rest', () => {
    const name = `iqn.2026-11.com.example:${'x'.repeat(200)}:end`;
    const [, row] = table(SHAPES, [[name, '12345', 'whole']]).split('\n');
    expect(row).toHaveLength(TEXT_WIDTH);
    expect(row).toMatch(/^iqn\.2026-11\.com\.example:x+…x+:end {2}12345 {2}whole$/);
  });

  test('fits whatever is in it, where it may', () => {
    const texts = fc.array(fc.tuple(fc.string({ maxLength: 300 }), fc.string({ maxLength: 9 })), { maxLength: 5 });
    const shapes = [{ heading: 'a', shortens: true }, { heading: 'b' }, { heading: 'c', shortens: true }];
    fc.assert(
      fc.property(texts, (rows) => {
        const lines = table(
          shapes,
          rows.map(([long, short]) => [long, short, long]),
        );
        for (const line of lines.split('\n').slice(0, -1)) expect(line.length).toBeLessThanOrEqual(TEXT_WIDTH);
      }),
    );
  });
});

describe('facts', () => {
  test('stand below each other, without those of which there is nothing to say', () => {
    const pairs = [
      ['a', 'first'],
      ['missing', ''],
      ['long name', 'second'],
    ] as const;
    expect(facts(pairs)).toBe('  a          first\n  long name  second\n');
  });

  test('go on below themselves when they are long', () => {
    const text = facts([['causes', Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')]]);
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.slice(1).every((line) => line.startsWith('          word') && line.length <= TEXT_WIDTH)).toBe(true);
  });
});

test('columns leave the last one as long as it is', () => {
  expect(columns([['a', 'b'.repeat(200)]])).toBe(`a  ${'b'.repeat(200)}\n`);
});

test('shortening keeps both ends', () => {
  expect(shorten('abcdefghij', 10)).toBe('abcdefghij');
  expect(shorten('abcdefghijk', 10)).toBe('abcd…ghijk');
});

test('what controls a terminal is shown as a question mark, whoever let it through', () => {
  const text = 'a\x1b[2J\x9b1m\nb';
  expect(table(SHAPES, [[text, '1', text]])).toBe('name        n  note\na?[2J?1m?b  1  a?[2J?1m?b\n');
  expect(columns([[text, text]])).toBe('a?[2J?1m?b  a?[2J?1m?b\n');
  expect(facts([['alias', text]])).toBe('  alias  a?[2J?1m?b\n');
});
