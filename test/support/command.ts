// What the commands behind `npm run sim`, `fuzz`, `faults` and `soak` have in common: options, help, and how they end.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import { exitWhenInterrupted } from './interruption.ts';

/** Options that can't be: the command prints this, how it is used, and ends with 2. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/**
 * Runs `main` with what the command line says of `options`. Ends with 0 when that resolves with true, else with 1; with 2 after a
 * {@link UsageError} or an option that there is not. `--help` prints `usage`, and that is all.
 */
export async function runCommand<O extends Options>(
  usage: string,
  options: O,
  main: (values: Values<O>) => Promise<boolean>,
): Promise<void> {
  exitWhenInterrupted();
  try {
    if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
      process.stdout.write(usage);
      return;
    }
    process.exitCode = (await main(read(options))) ? 0 : 1;
  } catch (error) {
    const wrongUse = error instanceof UsageError;
    process.stderr.write(`${wrongUse ? `${error.message}\n${usage}` : (error as Error).stack}\n`);
    process.exitCode = wrongUse ? 2 : 1;
  }
}

function read<O extends Options>(options: O): Values<O> {
  try {
    return parseArgs({ options }).values as Values<O>;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The number that `--name` has. @throws {UsageError} it is none, or less than `least` */
export function numberOf(name: string, text: string, least = 0): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < least)
    throw new UsageError(`--${name} ${text}: a number of ${least} or more is wanted`);
  return value;
}

/** Like {@link numberOf}, and whole. */
export function integerOf(name: string, text: string, least = 0): number {
  const value = numberOf(name, text, least);
  if (!Number.isSafeInteger(value)) throw new UsageError(`--${name} ${text}: a whole number is wanted`);
  return value;
}

/** Which engines `--engine` means. */
export function enginesOf(text: string): readonly ('uring' | 'posix')[] {
  const engines = (['uring', 'posix'] as const).filter((engine) => text === 'both' || text === engine);
  if (engines.length === 0) throw new UsageError(`--engine ${text}: uring, posix or both is wanted`);
  return engines;
}
