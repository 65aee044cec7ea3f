// A WebSocket that listens: opens, reads text frames, closes. Whole browsers are another matter.
// What is sent to it is for the tests to say.

import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';

/** A server refused to open it. */
export class UpgradeRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`refused with ${status}`);
    this.status = status;
  }
}

const SHORT_MAX = 125;
const LENGTH_16 = 126;

/** An open WebSocket. */
export class WebSocketClient {
  readonly socket: Socket;
  readonly protocol: string;
  #received: Buffer;
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, protocol: string, head: Buffer) {
    this.socket = socket;
    this.protocol = protocol;
    this.#received = head;
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  /** Throws {@link UpgradeRefused}. */
  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<WebSocketClient> {
    const key = Buffer.alloc(16, 7).toString('base64');
    const upgrade = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': key,
    };
    const asked = request(url.replace(/^ws/, 'http'), { headers: { ...upgrade, ...headers } });
    asked.end();
    const answered = new Promise<never>((_, reject) => {
      asked.once('response', (answer) => {
        answer.resume();
        reject(new UpgradeRefused(answer.statusCode ?? 0));
      });
      asked.once('error', reject);
    });
    const [answer, socket, head] = await Promise.race([once(asked, 'upgrade'), answered]);
    return new WebSocketClient(socket, answer.headers['sec-websocket-protocol'] ?? '', head);
  }

  /** The next text. Throws when the connection ends instead. */
  async next(): Promise<string> {
    // From the first time on for good: a stream that was listened to once goes on flowing, and what nobody hears is lost.
    if (this.socket.listenerCount('data') === 0) {
      this.socket.on('data', (chunk: Buffer) => {
        this.#received = Buffer.concat([this.#received, chunk]);
        this.#wake();
      });
    }
    for (;;) {
      const frame = this.#frame();
      if (frame !== null) return frame;
      if (this.#ended) throw new Error('the WebSocket was closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the server has closed it. */
  async closed(): Promise<void> {
    this.socket.resume();
    if (!this.#ended) await once(this.socket, 'close');
  }

  #frame(): string | null {
    const bytes = this.#received;
    const short = (bytes[1] ?? 0) & 0x7f;
    const header = short <= SHORT_MAX ? 2 : short === LENGTH_16 ? 4 : 10;
    if (bytes.length < header) return null;
    const length = header === 2 ? short : header === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
    if (bytes.length < header + length) return null;
    this.#received = bytes.subarray(header + length);
    return bytes.toString('utf8', header, header + length);
  }
}
