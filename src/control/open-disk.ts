// Opens the disks that a program brings: functions of this thread's, or a module that gets a thread of its own.
// How workers reach a disk is disk-server.ts's; which units have one, the caller's.

import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { DiskWorkerAssignment, FromDiskWorker, ToDiskWorker } from '../../workers/disk-worker.ts';
import { abilitiesOf, type Disk, type DiskAbilities } from '../backend/disk.ts';
import { LunaringError } from '../base/error.ts';
import type { CustomDisk } from '../config/custom-lun.ts';
import { close } from '../kernel/libc.ts';
import { type DiskLink, type DiskReport, DiskServer } from './disk-server.ts';

/** How a disk is used. */
export interface DiskUse {
  /** Operations that one worker may have with it at a time. */
  readonly concurrency: number;
  /** An operation that takes longer has failed. */
  readonly timeoutMs: number;
  /** So long may it take to load a module, and to flush and close a disk. */
  readonly transitionMs: number;
  /** Where errors go that no DiskError is. */
  readonly log: Logger;
  /** Whose disk it is, for the log. */
  readonly unit: { readonly targetName: string; readonly lun: number };
}

/** A disk, and the way to close it. */
export interface OpenDisk extends CustomDisk {
  /**
   * Has it keep what was written, and lets it go; nobody may use it any more. Throws what its functions throw, and where they take longer
   * than `transitionMs`.
   */
  close(): Promise<void>;
}

/** Loads the worker. As a file it could not be what a thread begins with under `node --input-type=module -e`, whose options threads inherit. */
const WORKER_CODE = `import(${JSON.stringify(new URL('../../workers/disk-worker.js', import.meta.url))})`;

function report({ log, unit }: Pick<DiskUse, 'log' | 'unit'>, { operation, error }: DiskReport): void {
  log.error({ ...unit, operation }, `a disk's function threw: ${error}`);
}

/** A promise, and its ends. */
function deferred() {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((whenDone, whenFailed) => {
    resolve = whenDone;
    reject = whenFailed;
  });
  return { promise, resolve, reject };
}

/** Waits for `work`, so long at most. */
async function within(limitMs: number, what: string, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new LunaringError('LUNARING_DISK_TIMEOUT', `${what} took longer than ${limitMs} ms`);
    timer = setTimeout(reject, limitMs, error);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Uses functions of this thread. */
export function openDisk(disk: Disk, use: DiskUse): OpenDisk {
  const { concurrency, timeoutMs, transitionMs } = use;
  const server = new DiskServer(disk, (message) => report(use, message));
  return {
    ...abilitiesOf(disk),
    concurrency,
    timeoutMs,
    connect: (link) => server.connect(link),
    onLost: () => {},
    close: () => within(transitionMs, 'closing a disk', server.close()),
  };
}

/**
 * Loads a module in a thread of its own, and uses the disk that its default export makes of `data`. Throws a {@link LunaringError} with
 * the cause when that fails, or takes longer than `transitionMs`.
 */
export async function openDiskModule(module: URL, data: unknown, use: DiskUse): Promise<OpenDisk> {
  const { concurrency, timeoutMs, transitionMs } = use;
  const { port1, port2 } = new MessageChannel();
  const assignment: DiskWorkerAssignment = { module: module.href, data, port: port2 };
  const thread = new Worker(WORKER_CODE, { eval: true, workerData: assignment, transferList: [port2] });
  const disk = new ThreadedDisk(thread, port1, module, use);
  try {
    await within(transitionMs, `loading ${module.href}`, disk.loaded);
  } catch (cause) {
    await thread.terminate();
    throw new LunaringError('LUNARING_DISK_MODULE', `${module.href}: ${(cause as Error).message}`, { cause });
  }
  return {
    ...disk.abilities,
    concurrency,
    timeoutMs,
    connect: (link) => disk.connect(link),
    onLost: (worker, then) => disk.onLost(worker, then),
    close: () => disk.close(transitionMs),
  };
}

/** A disk in a thread of its own. A thread that ended is not started again: what it held in memory is gone with it. */
class ThreadedDisk {
  readonly loaded: Promise<void>;
  abilities!: DiskAbilities;
  readonly #thread: Worker;
  readonly #port: MessagePort;
  readonly #use: DiskUse;
  readonly #module: URL;
  /** By worker. */
  readonly #lostListeners = new Map<number, () => void>();
  /** Descriptors that the thread rings. It says when it does so no more, unless it ends before. */
  readonly #wakeFds = new Set<number>();
  readonly #closed: Promise<void>;
  #isLoaded = false;
  #ended = false;
  #closing = false;
  #error: Error | null = null;

  /** `port` leads to workers/disk-worker.ts. */
  constructor(thread: Worker, port: MessagePort, module: URL, use: DiskUse) {
    this.#thread = thread;
    this.#port = port;
    this.#module = module;
    this.#use = use;
    const loaded = deferred();
    const closed = deferred();
    const fail = (error: Error): void => {
      loaded.reject(error);
      closed.reject(error);
    };
    this.loaded = loaded.promise;
    this.#closed = closed.promise;
    // Whoever waits for one of them hears of a failure; where nobody does, it is #lost that tells.
    this.loaded.catch(() => {});
    this.#closed.catch(() => {});
    const heard = (message: FromDiskWorker): void => {
      if (message.type === 'ready') {
        this.abilities = message.abilities;
        this.#isLoaded = true;
        loaded.resolve();
      } else if (message.type === 'failed') fail(message.error);
      else if (message.type === 'closed') closed.resolve();
      else if (message.type === 'unused') this.#close(message.fd);
      else report(use, message.report);
    };
    port.on('message', heard);
    thread.on('error', (error: Error) => {
      this.#error = error;
      fail(error);
    });
    thread.on('exit', () => {
      const next = () => receiveMessageOnPort(port)?.message as FromDiskWorker | undefined;
      // Its last words may still be on their way.
      for (let message = next(); message !== undefined; message = next()) heard(message);
      for (const fd of this.#wakeFds) this.#close(fd);
      fail(new Error('its thread ended'));
      this.#lost();
    });
  }

  connect(link: DiskLink): void {
    const message: ToDiskWorker = { type: 'connect', link };
    if (link.wakeFd >= 0) this.#wakeFds.add(link.wakeFd);
    if (this.#ended) {
      link.port.close();
      this.#close(link.wakeFd);
    } else this.#port.postMessage(message, [link.port as MessagePort]);
  }

  #close(wakeFd: number): void {
    if (this.#wakeFds.delete(wakeFd)) close(wakeFd);
  }

  onLost(worker: number, then: () => void): void {
    if (this.#ended) then();
    else this.#lostListeners.set(worker, then);
  }

  async close(limitMs: number): Promise<void> {
    this.#closing = true;
    if (this.#ended) return;
    const message: ToDiskWorker = { type: 'close' };
    this.#port.postMessage(message);
    try {
      await within(limitMs, `closing ${this.#module.href}`, this.#closed);
    } finally {
      await this.#thread.terminate();
    }
  }

  #lost(): void {
    this.#ended = true;
    // What can't be loaded is no unit's disk yet: whoever wanted it hears of it.
    if (this.#closing || !this.#isLoaded) return;
    const module = this.#module.href;
    const { log, unit } = this.#use;
    log.error(
      { ...unit, err: this.#error, module },
      "a disk's thread ended; its unit answers HARDWARE ERROR from now on",
    );
    for (const then of this.#lostListeners.values()) then();
  }
}
