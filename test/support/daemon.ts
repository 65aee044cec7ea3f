// A server as a child process: started, waited for until it serves, ended for certain.
// What it serves is target-process.ts, and bench/ for the peers.

import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DaemonOptions {
  /** Whether it serves now; asked again and again, with all that it has written so far. */
  readonly ready: (output: string) => boolean | Promise<boolean>;
  /** CPUs to run on, as `taskset -c` takes them. */
  readonly cpus?: string | undefined;
  /** Besides what is set around it, which has no say in a target's settings. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly directory?: string;
}

/** Less than a hook may take, so that what it has said is told. */
const READY_LIMIT_MS = 110_000;
const POLL_MS = 20;

/** The environment without settings of a target: they would go before those in its configuration file, which are the ones that are reported. */
function surroundings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LUNARING_')));
}

/** A running server. */
export class Daemon {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #output: string[] = [];
  readonly #ended: Promise<void>;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#output.push(text));
    }
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /** Starts `command` and waits until it is ready. Throws with its output when it ends instead. */
  static async start(command: readonly string[], options: DaemonOptions): Promise<Daemon> {
    const pinned = options.cpus === undefined ? [] : ['taskset', '-c', options.cpus];
    // However a test run ends, by SIGKILL too: it leaves no server behind.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...pinned, ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...surroundings(), ...options.env },
      cwd: options.directory,
    });
    const daemon = new Daemon(command[0]!, child);
    try {
      await Promise.race([daemon.#wait(options.ready), new Promise((_, reject) => child.once('error', reject))]);
    } catch (error) {
      await daemon.kill();
      throw error;
    }
    return daemon;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The signal or exit status that ended it. */
  get ending(): string {
    return this.#child.signalCode ?? `exit status ${this.#child.exitCode}`;
  }

  /** Everything it wrote, both streams, in the order it came. */
  get output(): string {
    return this.#output.join('');
  }

  /** Sends SIGTERM, unless it was `asked` to end before, and waits: whether it ended within `limitMs`. What is still there then is killed. */
  async terminate(limitMs: number, asked = false): Promise<boolean> {
    if (!asked) this.#child.kill('SIGTERM');
    const timer = new AbortController();
    const late = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
    const inTime = await Promise.race([this.#ended.then(() => true), late]);
    timer.abort();
    await this.kill();
    return inTime;
  }

  /** SIGKILL, and a wait until it is gone. */
  async kill(): Promise<void> {
    if (this.#child.pid === undefined) return;
    if (this.running) this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async #wait(ready: DaemonOptions['ready']): Promise<void> {
    const deadline = Date.now() + READY_LIMIT_MS;
    while (!(await ready(this.output))) {
      if (!this.running) {
        // Its last words may still be on their way when it is gone.
        await this.#ended;
        throw new Error(`${this.#name} ended with ${this.ending}\n${this.output}`);
      }
      if (Date.now() > deadline) throw new Error(`${this.#name} is not ready in time\n${this.output}`);
      await sleep(POLL_MS);
    }
  }
}

/** Whether something listens on a loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
