// Runs a program to its end, always under a time limit, and gives back what it said.
// What the output means is for the caller; programs that stay are target-process.ts.

import { spawn } from 'node:child_process';

/** How a program ended. */
export interface Outcome {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The time limit ended it. */
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Then SIGTERM, and five seconds later SIGKILL. */
  readonly limitSeconds?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Pins the program to CPUs, as `taskset -c` takes them. */
  readonly cpus?: string | undefined;
  /** Aborted, it interrupts the program as ^C would: one that runs until it is told to stop. */
  readonly stop?: AbortSignal;
}

/** Exit status of timeout(1) when SIGTERM at the limit was enough; when it was not, SIGKILL ends timeout(1) as well. */
const TIMED_OUT = 124;

/** Runs `program` under timeout(1). Rejects only when it can't be started. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const limit = options.limitSeconds ?? 110;
  const pinned = options.cpus === undefined ? [] : ['taskset', '-c', options.cpus];
  // The limit ends with whoever asked: a test run that dies takes the program with it.
  const limited = ['--pdeathsig', 'TERM', 'timeout', '-k', '5', String(limit)];
  const child = spawn('setpriv', [...limited, ...pinned, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  options.stop?.addEventListener('abort', () => child.kill('SIGINT'), { once: true });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({
        code,
        signal,
        timedOut: code === TIMED_OUT || signal === 'SIGKILL',
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

/** As {@link run}, and throws with all that was said unless the program exits with 0. */
export async function succeed(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const outcome = await run(program, args, options);
  if (outcome.code === 0) return outcome;
  const how = outcome.timedOut ? 'ran out of time' : `ended with ${outcome.code ?? outcome.signal}`;
  throw new Error(`${program} ${args.join(' ')} ${how}\n${outcome.stdout}\n${outcome.stderr}`);
}
