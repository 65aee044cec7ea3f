// Text in columns that fits a terminal and can do nothing to it: tables with a heading, lists of facts, paragraphs.
// What is in them is each command's; scripts ask for `--json` instead.

import { oneLine } from '../base/one-line.ts';

/** Columns of a terminal that everything is made to fit. */
export const TEXT_WIDTH = 100;
const GAP = '  ';

/** How a column of a table looks. */
export interface Column {
  readonly heading: string;
  /** Numbers and sizes stand on the right. */
  readonly right?: boolean;
  /** Its texts may be shortened in the middle, when the table would be too wide. */
  readonly shortens?: boolean;
}

/** Rows of text in columns, two spaces apart; the last column is as long as it likes. */
export function columns(texts: readonly (readonly string[])[]): string {
  const rows = texts.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join(GAP)
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

/** A text of at most `width` characters: an ellipsis stands for its middle. Both ends of an iSCSI name tell. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const kept = Math.max(0, width - 1);
  const head = Math.floor(kept / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (kept - head))}`;
}

/** The least that a shortened column is left with. */
const SHORTENED_MIN = 12;

/** Takes from the columns that may be shortened, the widest first, until everything fits. */
function narrow(widths: number[], shapes: readonly Column[], width: number): void {
  const gaps = GAP.length * (widths.length - 1);
  for (;;) {
    const surplus = widths.reduce((sum, each) => sum + each, gaps) - width;
    if (surplus <= 0) return;
    const candidates = widths.flatMap((each, index) =>
      shapes[index]!.shortens && each > SHORTENED_MIN ? [index] : [],
    );
    if (candidates.length === 0) return;
    const widest = candidates.reduce((best, index) => (widths[index]! > widths[best]! ? index : best));
    widths[widest]! -= 1;
  }
}

/** A table with its heading. `indent`: spaces before each line. */
export function table(shapes: readonly Column[], rows: readonly (readonly string[])[], indent = 0): string {
  const all = [shapes.map(({ heading }) => heading), ...rows.map((row) => row.map(oneLine))];
  const widths = shapes.map((_, index) => Math.max(...all.map((row) => row[index]!.length)));
  narrow(widths, shapes, TEXT_WIDTH - indent);
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => {
        const text = shapes[index]!.shortens ? shorten(cell, widths[index]!) : cell;
        return shapes[index]!.right ? text.padStart(widths[index]!) : text.padEnd(widths[index]!);
      })
      .join(GAP)
      .trimEnd();
  return all.map((row) => `${' '.repeat(indent)}${line(row)}\n`).join('');
}

/** Breaks a text into lines of at most `width` characters, at spaces; what has none stays whole. */
function broken(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Sentences as lines that fit. */
export function paragraph(text: string): string {
  return broken(text, TEXT_WIDTH).join('\n');
}

/** Names and what there is to say of each, one below the other. An empty text is left out, a long one goes on below itself. */
export function facts(pairs: readonly (readonly [name: string, text: string])[], indent = 2): string {
  const shown = pairs.filter(([, text]) => text !== '');
  const width = Math.max(...shown.map(([name]) => name.length), 0);
  const margin = indent + width + GAP.length;
  const lines = shown.flatMap(([name, text]) => {
    const [first = '', ...rest] = broken(oneLine(text), TEXT_WIDTH - margin);
    const opening = `${' '.repeat(indent)}${name.padEnd(width)}${GAP}${first}`;
    return [opening, ...rest.map((line) => `${' '.repeat(margin)}${line}`)];
  });
  return lines.map((line) => `${line}\n`).join('');
}
