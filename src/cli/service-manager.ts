// What systemd, or whoever else started us with a NOTIFY_SOCKET, is told of our life (sd_notify(3)): ready, reloading, stopping, alive.
// How a message reaches it is kernel/unix-datagram.ts's; what a watchdog does when we fall silent, the unit's.

import type { Logger } from 'pino';
import { UnixDatagram } from '../kernel/unix-datagram.ts';

/** Whether everything that has to run does, which a watchdog is told; otherwise what does not. */
export type Pulse = () => string | null;

const MICROSECONDS_PER_MS = 1000;
const NANOSECONDS_PER_MICROSECOND = 1000n;

/** The service manager. Where there is none, nobody is told anything. */
export class ServiceManager implements Disposable {
  readonly #socket: UnixDatagram | null;
  readonly #log: Logger;
  /** How often the watchdog is fed; null: there is none. */
  readonly #watchdogMs: number | null;
  #timer: NodeJS.Timeout | null = null;

  /** `environment`: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. A socket that can't be used is logged, and no more. */
  constructor(environment: Readonly<Record<string, string | undefined>>, log: Logger) {
    this.#log = log;
    this.#socket = connect(environment['NOTIFY_SOCKET'], log);
    this.#watchdogMs = this.#socket === null ? null : watchdogOf(environment);
  }

  /** We serve. `status` is for people, one line. */
  ready(status: string): void {
    this.#tell(`READY=1\nMAINPID=${process.pid}\nSTATUS=${status}`);
  }

  /** Has `work` done while the manager knows that we reload: `systemctl reload` waits for the end of it, whatever comes of it. */
  async whileReloading<Result>(work: () => Promise<Result>): Promise<Result> {
    // The time tells the manager which request this answers.
    this.#tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / NANOSECONDS_PER_MICROSECOND}`);
    try {
      return await work();
    } finally {
      this.#tell('READY=1');
    }
  }

  /** We are about to end. */
  stopping(): void {
    this.#tell('STOPPING=1\nSTATUS=draining: initiators are asked to log out');
  }

  /**
   * Feeds the watchdog, if there is one, for as long as this thread's loop turns and `pulse` finds nothing wrong. What is wrong is logged;
   * the manager ends and restarts us when that goes on for too long.
   */
  watch(pulse: Pulse, status: () => string): void {
    if (this.#watchdogMs === null) return;
    // Half the time that we have, as sd_watchdog_enabled(3) advises.
    this.#timer = setInterval(() => {
      const fault = pulse();
      if (fault === null) this.#tell(`WATCHDOG=1\nSTATUS=${status()}`);
      else this.#log.error(`the watchdog is not fed: ${fault}`);
    }, this.#watchdogMs / 2);
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#socket?.[Symbol.dispose]();
  }

  #tell(message: string): void {
    try {
      this.#socket?.send(message);
    } catch (err) {
      this.#log.warn({ err }, `the service manager does not hear us: ${(err as Error).message}`);
    }
  }
}

function connect(name: string | undefined, log: Logger): UnixDatagram | null {
  if (name === undefined || name === '') return null;
  try {
    return new UnixDatagram(name);
  } catch (err) {
    log.warn({ err }, `NOTIFY_SOCKET can't be used: ${(err as Error).message}`);
    return null;
  }
}

/** Milliseconds between two signs of life at most; null: nobody wants any, or another process's. */
function watchdogOf(environment: Readonly<Record<string, string | undefined>>): number | null {
  const microseconds = Number(environment['WATCHDOG_USEC']);
  const pid = environment['WATCHDOG_PID'];
  if (!(microseconds >= MICROSECONDS_PER_MS) || (pid !== undefined && pid !== String(process.pid))) return null;
  return microseconds / MICROSECONDS_PER_MS;
}
