// `lunaring serve`: settings in, a running target out, and an orderly end at the first signal.
// Starting and stopping the target itself is control/target.ts, its admin interface admin/admin.ts.

import { constants } from 'node:os';
import type { Logger } from 'pino';
import { hostPort } from '../base/host-port.ts';
import { Sequence } from '../base/sequence.ts';
import { ConfigurationError, formatFinding, summarize } from '../config/finding.ts';
import { type LoadedSettings, loadSettings } from '../config/load.ts';
import { Reload } from '../control/reload.ts';
import { type Load, Saving } from '../control/saving.ts';
import type { RunningTarget } from '../control/target.ts';
import { exitAtOnce } from '../kernel/libc.ts';
import { banner, readyLine } from './banner.ts';
import { Hangup } from './hangup.ts';
import { createLogger, readerOf } from './log.ts';
import { ServiceManager } from './service-manager.ts';
import { VERSION } from './version.ts';
import { WorkerPulse } from './worker-pulse.ts';
import { ExitCode, SIGNALLED, type World } from './world.ts';

/** Options of the command. */
export interface ServeOptions {
  readonly config?: string;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Ctrl-C under npm arrives twice, from the terminal and from npm. What follows this soon is the same wish, not impatience. */
const SAME_SIGNAL_MS = 500;

/** Ends the process on the spot, by a signal that nobody handles any more. Not process.exit, which waits for threads that may be waiting in the kernel. */
function endAtOnce(signal: NodeJS.Signals): void {
  // The first process of a namespace, as in a container, gets no signal from within but those that it handles (pid_namespaces(7)).
  if (process.pid === 1) exitAtOnce(SIGNALLED + constants.signals[signal]);
  else process.kill(process.pid, signal);
}

/** Watches for reasons to end. A second signal ends the process on the spot, as if nobody had caught it. */
class Ending implements Disposable {
  /** Resolves with the exit status once there is a reason: 0 for a signal, 1 for a fault. */
  readonly reason: Promise<ExitCode>;
  readonly #log: Logger;
  #resolve!: (code: ExitCode) => void;
  /** When the first signal came. */
  #signalledAt: number | null = null;

  constructor(log: Logger) {
    this.#log = log;
    this.reason = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
    process.on('uncaughtException', this.fail);
  }

  /** The target can't go on. */
  readonly fail = (error: Error): void => {
    this.#resolve(ExitCode.failed);
    try {
      this.#log.fatal({ err: error }, `ending: ${error.message}`);
    } catch {
      // Thrown from here, it would end the process on the spot: no drain, no sync, for want of a line.
    }
  };

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (this.#signalledAt !== null && now - this.#signalledAt < SAME_SIGNAL_MS) return;
    if (this.#signalledAt !== null) {
      this.#log.warn({ signal }, 'second signal: ending at once');
      this[Symbol.dispose]();
      endAtOnce(signal);
      return;
    }
    this.#signalledAt = now;
    this.#log.info({ signal }, 'stopping; a second signal ends at once');
    this.#resolve(ExitCode.fine);
  };

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    process.off('uncaughtException', this.fail);
  }
}

async function stop(running: RunningTarget, log: Logger): Promise<void> {
  try {
    await running.stop();
  } catch (error) {
    log.fatal({ err: error }, 'could not stop in order; ending at once');
    endAtOnce('SIGKILL');
  }
}

/** One line for `systemctl status`. */
function statusOf({ portals, engine, workers }: RunningTarget): string {
  const addresses = portals.map(({ address, port }) => hostPort(address, port));
  return `serving on ${addresses.join(', ')} (${engine}, ${workers} worker${workers === 1 ? '' : 's'})`;
}

async function serveUntilTheEnd(
  { settings, directory }: LoadedSettings,
  load: Load,
  log: Logger,
  world: World,
): Promise<ExitCode> {
  using ending = new Ending(log);
  using hangup = new Hangup(log);
  using manager = new ServiceManager(world.environment, log);
  const startedAt = new Date();
  const running = await world.startTarget(settings, log);
  void running.failed.then(ending.fail);
  const reload = new Reload({ load, settings, running: () => running, log });
  const changes = new Sequence();
  const saving = new Saving(load, log);
  const admin = await world.startAdmin({
    running,
    settings,
    directory,
    environment: world.environment,
    version: VERSION,
    startedAt,
    reload,
    saving,
    changes,
    log,
  });
  const url = admin?.url ?? null;
  const line = settings.log.format === 'json' ? readyLine(settings, running, url) : banner(settings, running, url);
  world.print(line);
  manager.ready(statusOf(running));
  hangup.begin(() => manager.whileReloading(() => changes.run(() => reload.apply())));
  const pulse = new WorkerPulse(() => running.readings.workers());
  manager.watch(pulse.check, () => `${statusOf(running)}, ${running.readings.sessionCount} sessions`);
  const code = await ending.reason;
  hangup.end();
  manager.stopping();
  admin?.stopping('the target is stopping');
  await stop(running, log);
  admin?.close();
  log.info('stopped');
  return code;
}

/** Runs the command; resolves with the exit status when the target has ended. */
export async function serve(options: ServeOptions, world: World): Promise<ExitCode> {
  const { environment, workingDirectory } = world;
  const load: Load = (text) => loadSettings({ file: options.config, text, environment, workingDirectory });
  const loaded = load();
  if (loaded.settings === null) {
    world.complain(`${loaded.findings.map(formatFinding).join('\n')}\n`);
    return ExitCode.usage;
  }
  const log = createLogger(loaded.settings.log, readerOf(process.stderr, environment));
  for (const finding of loaded.findings) log.warn(finding, summarize(finding));
  try {
    return await serveUntilTheEnd(loaded, load, log, world);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      world.complain(`${error.message}\n`);
      return ExitCode.usage;
    }
    log.fatal({ err: error }, `can't start: ${(error as Error).message}`);
    return ExitCode.failed;
  }
}
