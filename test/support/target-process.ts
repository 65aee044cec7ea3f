// Our own target as a process of its own, the way a user runs it: configuration file in, exit status out.
// What is asked of it over the wire is raw-initiator.ts and the clients' business.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import type { configuration } from '../../src/config/schema.ts';
import { Daemon, type DaemonOptions } from './daemon.ts';
import { type ProcessReadings, readProcess } from './process-readings.ts';
import { repositoryRoot } from './repository.ts';
import { Scratch } from './scratch.ts';

/** A configuration as it stands in a file: everything has a default. */
export type ConfigurationFile = z.input<typeof configuration>;

export const TARGET_NAME = 'iqn.2026-11.io.lunaring:disk0';

const STOP_LIMIT_MS = 40_000;
const POLL_MS = 20;
const SETTLE_MS = 300;
const SETTLE_TRIES = 100;

/** What the target says of itself when it is up. */
export interface Ready {
  readonly portals: readonly { readonly address: string; readonly port: number; readonly tag: number }[];
  /** URL of the admin interface; null: it has none. */
  readonly admin: string | null;
  readonly engine: string;
  readonly workers: number;
}

/** The line that says so, on standard output. */
const READY_LINE = /^\{"event":"ready".*\}$/m;

/** Runs a program as the first process of a namespace of its own, which ends with this one. */
export const AS_FIRST = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];

/** Why no target can be the first process of a namespace here; null: one can. */
export function firstProcessObstacle(): string | null {
  const [program, ...options] = AS_FIRST;
  const { status, stderr, error } = spawnSync(program!, [...options, 'true'], { encoding: 'utf8' });
  return error?.message ?? (status === 0 ? null : stderr.trim());
}

/** The only child of a process. */
export function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'));
}

/** A running `lunaring serve`. Stop it, or let `await using` do it: an exit status other than 0 is an error. */
export class TargetProcess implements AsyncDisposable {
  readonly ready: Ready;
  readonly pid: number;
  readonly #daemon: Daemon;
  readonly #scratch: Scratch;
  #draining = false;
  #stopped = false;

  private constructor(daemon: Daemon, pid: number, scratch: Scratch) {
    this.#daemon = daemon;
    this.pid = pid;
    this.#scratch = scratch;
    this.ready = JSON.parse(READY_LINE.exec(daemon.output)![0]) as Ready;
  }

  /**
   * Starts a target and waits until it serves. Where `file` does not say otherwise it has one portal, on a free loopback port, and no
   * admin interface. Files of units with a relative path are made in a directory that goes away with the target. Throws with the log
   * when the target ends instead.
   */
  static async start(
    file: ConfigurationFile,
    options: Pick<DaemonOptions, 'cpus' | 'env'> & {
      /** Open files that it may have. */
      readonly descriptors?: number;
      /** Without what lets root read and write files whose mode forbids it. */
      readonly obeysModes?: boolean;
      /** As the first process of a namespace, which a container's is. */
      readonly first?: boolean;
    } = {},
  ): Promise<TargetProcess> {
    const program = join(repositoryRoot(), 'dist/src/cli/main.js');
    if (!existsSync(program)) throw new Error(`${program} is not there: npm run build`);
    const scratch = new Scratch('target');
    const path = scratch.file('lunaring.yaml');
    const whole: ConfigurationFile = {
      portals: [{ address: '127.0.0.1', port: 0 }],
      admin: false,
      ...file,
      log: { ...file.log, format: 'json' },
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(whole, null, 2));
    const { descriptors, obeysModes = false, first = false } = options;
    const limited = descriptors === undefined ? [] : ['prlimit', `--nofile=${descriptors}:${descriptors}`];
    const obedient =
      obeysModes && process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : [];
    const alone = first ? AS_FIRST : [];
    const command = [...limited, ...obedient, ...alone, process.execPath, program, 'serve', '--config', path];
    try {
      const ready = (output: string) => READY_LINE.test(output);
      const daemon = await Daemon.start(command, { ...options, ready, directory: scratch.path });
      return new TargetProcess(daemon, first ? childOf(daemon.pid) : daemon.pid, scratch);
    } catch (error) {
      scratch[Symbol.dispose]();
      throw error;
    }
  }

  /** Of the first portal. */
  get port(): number {
    return this.ready.portals[0]!.port;
  }

  get running(): boolean {
    return this.#daemon.running;
  }

  /** The signal or exit status that ended it. */
  get ending(): string {
    return this.#daemon.ending;
  }

  /** Everything it wrote, both streams, in the order it came. */
  get log(): string {
    return this.#daemon.output;
  }

  /** Resolves once the log has a match: what is logged arrives when it likes. */
  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.log);
      if (match !== null) return match;
      await sleep(POLL_MS);
    }
  }

  /** `127.0.0.1:port`. */
  get portal(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The URL that libiscsi's tools, fio and qemu take. */
  url(lun = 0, target = TARGET_NAME): string {
    return `iscsi://${this.portal}/${target}/${lun}`;
  }

  /** A file in its directory: that of a unit with a relative path, for example. */
  file(name: string): string {
    return this.#scratch.file(name);
  }

  /** SIGTERM, and no wait: it drains. {@link stop} waits for the end. */
  drain(): void {
    this.#draining = true;
    process.kill(this.pid, 'SIGTERM');
  }

  readings(): ProcessReadings {
    return readProcess(this.pid);
  }

  /** Its descriptors once it has closed what others have left: as many twice in a row, and no more than `most`; or what it still had after half a minute. */
  async settledDescriptors(most = Number.POSITIVE_INFINITY): Promise<number> {
    let last = -1;
    for (let tries = 0; tries < SETTLE_TRIES; tries++) {
      const { descriptors } = this.readings();
      if (descriptors === last && descriptors <= most) break;
      last = descriptors;
      await sleep(SETTLE_MS);
    }
    return last;
  }

  /** SIGTERM, and a wait; only the wait when it drains, or a second signal would end it at once. Throws unless it exits with 0 within `limitMs`. */
  async stop(limitMs = STOP_LIMIT_MS): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const inTime = await this.#daemon.terminate(limitMs, this.#draining);
    this.#scratch[Symbol.dispose]();
    if (!inTime) throw new Error(`the target was still there ${limitMs} ms after SIGTERM\n${this.log}`);
    if (this.#daemon.ending !== 'exit status 0') throw new Error(`the target: ${this.#daemon.ending}\n${this.log}`);
  }

  /** SIGKILL: no chance to tidy up. */
  async kill(): Promise<void> {
    this.#stopped = true;
    await this.#daemon.kill();
    this.#scratch[Symbol.dispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
