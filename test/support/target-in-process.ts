// Our own target inside the test: for what has to be done to it from within, by its operator or by fate.
// It is the compiled one, so that its workers are real. Everything else is for target-process.ts.

import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Settings } from '../../src/config/settings.ts';
import type { Administration } from '../../src/control/administration.ts';
import type { Readings } from '../../src/control/readings.ts';
import type { RunningTarget } from '../../src/control/target.ts';
import { repositoryRoot } from './repository.ts';
import { Scratch } from './scratch.ts';
import type { ConfigurationFile } from './target-process.ts';

/** A line of the log. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly msg: string };

export interface InProcessOptions {
  /** Puts other settings in the place of those that were loaded. */
  readonly alter?: (settings: Settings) => Settings;
}

/** A target that runs in this process. `await using` stops it. */
export class TargetInProcess implements AsyncDisposable {
  readonly #running: RunningTarget;
  readonly #scratch: Scratch;
  readonly #log: readonly LogRecord[];
  readonly #logged: EventEmitter;

  private constructor(running: RunningTarget, scratch: Scratch, log: LogRecord[], logged: EventEmitter) {
    this.#running = running;
    this.#scratch = scratch;
    this.#log = log;
    this.#logged = logged;
  }

  /** Starts it with one portal on a free loopback port, where `file` does not say otherwise. */
  static async start(file: ConfigurationFile, options: InProcessOptions = {}): Promise<TargetInProcess> {
    const built = (path: string) => join(repositoryRoot(), 'dist/src', path);
    const { loadSettings }: typeof import('../../src/config/load.ts') = await import(built('config/load.js'));
    const { startTarget }: typeof import('../../src/control/target.ts') = await import(built('control/target.js'));
    const scratch = new Scratch('in-process');
    const path = scratch.file('lunaring.json');
    writeFileSync(path, JSON.stringify({ portals: [{ address: '127.0.0.1', port: 0 }], admin: false, ...file }));
    const { settings, findings } = loadSettings({ file: path, environment: {}, workingDirectory: scratch.path });
    if (settings === null) throw new Error(JSON.stringify(findings));
    const log: LogRecord[] = [];
    const logged = new EventEmitter();
    const lines = new Writable({
      write(line: Buffer, _encoding, done) {
        log.push(JSON.parse(line.toString()) as LogRecord);
        logged.emit('line');
        done();
      },
    });
    const running = await startTarget(options.alter?.(settings) ?? settings, pino({ level: 'debug' }, lines));
    return new TargetInProcess(running, scratch, log, logged);
  }

  get port(): number {
    return this.ports[0]!;
  }

  /** Of all portals. */
  get ports(): readonly number[] {
    return this.#running.portals.map(({ port }) => port);
  }

  get administration(): Administration {
    return this.#running.administration;
  }

  get readings(): Readings {
    return this.#running.readings;
  }

  /** A file in its directory. */
  file(name: string): string {
    return this.#scratch.file(name);
  }

  /** The first line of the log, written or yet to be, for which `wanted` holds. */
  async logLine(wanted: (record: LogRecord) => boolean): Promise<LogRecord> {
    for (;;) {
      const found = this.#log.find(wanted);
      if (found !== undefined) return found;
      await once(this.#logged, 'line');
    }
  }

  /** Begins to drain; resolves when every thread has ended. */
  async stop(): Promise<void> {
    await this.#running.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.stop();
    this.#scratch[Symbol.dispose]();
  }
}
