// What a program that makes files does when it is interrupted: it ends by way of 'exit', where these are removed (scratch.ts).
// A signal that nobody handles ends it without.

const EXIT_FAILURE = 1;

/** From now on ^C, SIGTERM and the end of the terminal are an exit with status 1. */
export function exitWhenInterrupted(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(EXIT_FAILURE));
}
