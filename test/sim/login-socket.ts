// A simulated connection for as long as main owns it: what control/login-socket.ts is to a socket of Node's.
// Bytes are handed over as they arrive, each time main has its turn.

import { FAREWELL_MS, type LoginSocket, type LoginSocketEvents } from '../../src/control/login-socket.ts';
import type { SimClock } from './clock.ts';
import type { Link } from './network.ts';

/** What main reads of a socket at a time. */
const READ_BYTES = 65_536;

/** See the file's head. */
export class SimLoginSocket implements LoginSocket {
  readonly #link: Link;
  readonly #clock: SimClock;
  readonly #fd: number;
  #events: LoginSocketEvents | null = null;
  #reading = true;
  #unsent: Uint8Array = new Uint8Array(0);
  #drained: (() => void)[] = [];
  #destroyed = false;
  #leaving = false;
  #callOffIdle: () => void = () => {};
  #idleMs = 0;

  constructor(link: Link, fd: number) {
    this.#link = link;
    this.#clock = link.clock;
    this.#fd = fd;
  }

  listen(events: LoginSocketEvents): void {
    this.#events = events;
    this.#link.target.events = {
      readable: () => this.#read(),
      writable: () => this.#send(),
      ended: () => this.#read(),
    };
    this.#read();
  }

  /** In a turn of main's of its own. */
  #read(): void {
    this.#clock.after(this.#link.random.delay(0.05, 2), () => {
      const { target } = this.#link;
      if (!this.#reading || this.#destroyed) return;
      this.#clock.mainTouched = true;
      const bytes = target.take(READ_BYTES);
      if (bytes.length !== 0) {
        if (this.#idleMs !== 0) this.endWhenIdle(this.#idleMs);
        this.#events?.data(bytes);
      }
      if (target.outcome === null || target.received.length !== 0) return;
      this.#events?.ended(`connection over (errno ${target.outcome})`);
      if (this.#leaving) this.destroy();
    });
  }

  write(bytes: Uint8Array): void {
    this.#unsent = Buffer.concat([this.#unsent, bytes]);
    this.#send();
  }

  #send(): void {
    this.#unsent = this.#unsent.subarray(this.#link.target.write(this.#unsent));
    if (this.#unsent.length !== 0) return;
    this.#clock.mainTouched = true;
    for (const then of this.#drained.splice(0)) then();
    if (this.#leaving) this.destroy();
  }

  endWhenIdle(delayMs: number): void {
    this.#idleMs = delayMs;
    this.#callOffIdle();
    this.#callOffIdle = this.#clock.after(delayMs, () => {
      this.#clock.mainTouched = true;
      this.#events?.idle();
    });
  }

  stopReading(): boolean {
    this.#reading = false;
    return !this.#destroyed;
  }

  startReading(): void {
    this.#reading = true;
    this.#read();
  }

  pause(): void {
    this.#reading = false;
  }

  resume(): void {
    this.startReading();
  }

  async drained(): Promise<void> {
    if (this.#unsent.length !== 0) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  duplicate(): number {
    this.#link.references++;
    return this.#fd;
  }

  letGo(): void {
    this.#callOffIdle();
    this.#events = null;
  }

  farewell(bytes: Uint8Array): void {
    this.#leaving = true;
    this.#clock.after(FAREWELL_MS, () => this.destroy());
    this.write(bytes);
  }

  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#link.dereference();
  }
}
