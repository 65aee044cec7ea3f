// What a command gets from the process it runs in, and gives back to it: arguments, environment, streams, exit status.
// Commands take it as a parameter, so that tests run them without a process of their own.

import type { startAdmin } from '../admin/admin.ts';
import type { startTarget } from '../control/target.ts';

/** The surroundings of a command. */
export interface World {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Writes to standard output: what was asked for. */
  readonly print: (text: string) => void;
  /** Writes to standard error: everything else. */
  readonly complain: (text: string) => void;
  /** Everything that comes in on standard input. */
  readonly readInput: () => Promise<string>;
  readonly startTarget: typeof startTarget;
  readonly startAdmin: typeof startAdmin;
}

/** Exit statuses. */
export const ExitCode = { fine: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** What shells and container engines take for an end by signal N is the exit status 128 + N. */
export const SIGNALLED = 128;

/** A value as the line of JSON that `--json` asks for. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
