// Somebody at a WebSocket of the admin interface: takes what comes and counts the messages, or does not even read.
// Says nothing. A browser is browser.ts.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

const LENGTH_16 = 126;
const LENGTH_64 = 127;

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
  static open(url: string, options: { readonly reads?: boolean; readonly headers?: Record<string, string> } = {}) {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      ...options.headers,
    };
    return new Promise<Listener>((resolve, reject) => {
      const asking = request(new URL('/api/v1/events', url), { headers, agent: false });
      asking.on('upgrade', (_, socket: Socket, head) => {
        const listener = new Listener(socket, options.reads !== false);
        if (head.length > 0) listener.#take(head);
        resolve(listener);
      });
      asking.on('response', ({ statusCode }) => {
        asking.destroy();
        reject(new Error(`refused with ${statusCode}`));
      });
      asking.on('error', reject);
      asking.end();
    });
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

  /** A server's frames are not masked. */
  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 2) return;
      const short = bytes[1]! & 0x7f;
      const start = short === LENGTH_16 ? 4 : short === LENGTH_64 ? 10 : 2;
      if (bytes.length < start) return;
      const length =
        short === LENGTH_16 ? bytes.readUInt16BE(2) : short === LENGTH_64 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (bytes.length < start + length) return;
      const isText = (bytes[0]! & 0x0f) === 1;
      if (isText) {
        this.#messages++;
        this.#last = bytes.toString('utf8', start, start + length);
        this.#latest.set(/^\{"type":"(\w+)"/.exec(this.#last)?.[1] ?? '', this.#last);
      }
      this.#bytes = bytes.subarray(start + length);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
