// What a command gets from the process it runs in, and gives back to it: arguments, environment, streams, exit status.
// Commands take it as a parameter, so that tests run them without a process of their own.

import type { startTarget } from '../control/target.ts';

/** The surroundings of a command. */
export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Writes to standard output: what was asked for. */
  readonly print: (text: string) => void;
  /** Writes to standard error: everything else. */
  readonly complain: (text: string) => void;
  readonly startTarget: typeof startTarget;
}

/** Exit statuses. */
export const ExitCode = { fine: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Rows of text in columns, two spaces apart; the last column is as long as it likes. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return `${rows.map(line).join('\n')}\n`;
}

/** A value as the line of JSON that `--json` asks for. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
