// A connection to a target that may do anything: bytes out, whole PDUs in, and never a wait without end.
// What the PDUs say is attempt.ts's.

import { connect, type Socket } from 'node:net';
import { LoginFramer } from '../login/framer.ts';

/** Where a target listens. */
export interface TargetAddress {
  readonly host: string;
  readonly port: number;
}

/** What came: a PDU, header and data segment, or why none did. */
export type Received = Uint8Array | 'closed' | 'silent';

/** One TCP connection. */
export class Wire {
  readonly #socket: Socket;
  readonly #limitMs: number;
  readonly #framer = new LoginFramer({ loginOnly: false });
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, limitMs: number) {
    this.#socket = socket;
    this.#limitMs = limitMs;
    socket.on('data', (bytes) => {
      if (!this.#framer.push(bytes)) socket.destroy();
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    for (const event of ['end', 'error', 'close']) socket.on(event, end);
  }

  /** Connects; null when that fails, or takes longer than `limitMs`, which every later wait may take at most as well. */
  static open({ host, port }: TargetAddress, limitMs: number): Promise<Wire | null> {
    return new Promise((resolve) => {
      const socket = connect({ host, port, noDelay: true });
      const fail = (): void => {
        socket.destroy();
        resolve(null);
      };
      const callOff = afterLastLook(limitMs, fail);
      socket.once('error', fail);
      socket.once('close', callOff);
      socket.once('connect', () => {
        callOff();
        socket.off('error', fail);
        resolve(new Wire(socket, limitMs));
      });
    });
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next PDU. */
  async receive(): Promise<Received> {
    const until = performance.now() + this.#limitMs;
    for (;;) {
      const pdu = this.#framer.next();
      if (pdu !== null) return pdu;
      if (this.#ended) return 'closed';
      const left = until - performance.now();
      if (left <= 0) return 'silent';
      await this.#sleep(left);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #sleep(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const callOff = afterLastLook(limitMs, resolve);
      this.#wake = () => {
        callOff();
        resolve();
      };
    });
  }
}

/**
 * Runs `then` in `limitMs` milliseconds, once what sockets have got by then was heard: a process that was kept from running all that time has
 * yet to look. What it returns calls that off.
 */
function afterLastLook(limitMs: number, then: () => void): () => void {
  let look: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    look = setImmediate(then);
  }, limitMs);
  return () => {
    clearTimeout(timer);
    clearImmediate(look);
  };
}
