// Somebody at a WebSocket of the admin interface: takes what comes and counts the messages, or does not even read.
// Says nothing. A browser is browser.ts.

import type { Socket } from 'node:net';
import { takeFrame, upgrade } from './web-socket-client.ts';

/** One of them. */
export class Listener implements Disposable {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #messages = 0;
  #last = '';
  readonly #latest = new Map<string, string>();
  #closed = false;

  private constructor(socket: Socket, reads: boolean) {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
    });
    if (reads) socket.on('data', (chunk: Buffer) => this.#take(chunk));
    else socket.pause();
  }

  /** Connects; throws with the status when it is refused. */
  static async open(url: string, { reads = true } = {}): Promise<Listener> {
    const { socket, head } = await upgrade(new URL('/api/v1/events', url));
    const listener = new Listener(socket, reads);
    listener.#take(head);
    return listener;
  }

  /** Whole messages so far. */
  get messages(): number {
    return this.#messages;
  }

  /** The last one. */
  get last(): unknown {
    return JSON.parse(this.#last);
  }

  /** The last one of a type; null: there was none. */
  latest(type: string): unknown {
    return JSON.parse(this.#latest.get(type) ?? 'null');
  }

  get closed(): boolean {
    return this.#closed;
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (let frame = takeFrame(this.#bytes); frame !== null; frame = takeFrame(this.#bytes)) {
      this.#bytes = frame.rest;
      if (!frame.isText) continue;
      this.#messages++;
      this.#last = frame.text;
      this.#latest.set(/^\{"type":"(\w+)"/.exec(frame.text)?.[1] ?? '', frame.text);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
