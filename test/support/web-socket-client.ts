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

const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** A connection that has become a WebSocket. */
interface Upgraded {
  readonly protocol: string;
  readonly socket: Socket;
  /** What came right behind the answer. */
  readonly head: Buffer;
}

/** Opens one. Throws {@link UpgradeRefused}. */
export function upgrade(url: string | URL, headers: Readonly<Record<string, string>> = {}): Promise<Upgraded> {
  const asked = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': Buffer.alloc(16, 7).toString('base64'),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const asking = request(url, { headers: asked, agent: false });
    asking.once('upgrade', (answer, socket: Socket, head) => {
      resolve({ protocol: answer.headers['sec-websocket-protocol'] ?? '', socket, head });
    });
    asking.once('response', ({ statusCode = 0 }) => {
      asking.destroy();
      reject(new UpgradeRefused(statusCode));
    });
    asking.on('error', reject);
    asking.end();
  });
}

interface Frame {
  readonly isText: boolean;
  readonly text: string;
  /** What is behind it. */
  readonly rest: Buffer;
}

/** The first of a server's frames, which are not masked; null: it is not whole. */
export function takeFrame(bytes: Buffer): Frame | null {
  const short = (bytes[1] ?? 0) & 0x7f;
  const start = short === LENGTH_16 ? 4 : short === LENGTH_64 ? 10 : 2;
  if (bytes.length < start) return null;
  const length = start === 2 ? short : start === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const end = start + length;
  if (bytes.length < end) return null;
  return { isText: (bytes[0]! & 0x0f) === 1, text: bytes.toString('utf8', start, end), rest: bytes.subarray(end) };
}

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
    const { socket, protocol, head } = await upgrade(url.replace(/^ws/, 'http'), headers);
    return new WebSocketClient(socket, protocol, head);
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
      const frame = takeFrame(this.#received);
      if (frame !== null) {
        this.#received = frame.rest;
        return frame.text;
      }
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
}
