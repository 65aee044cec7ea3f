// uWebSockets.js, and everything that is particular to it: the native server on the versions of Node that it is built for, its own
// JavaScript one on others. Bounds what connections may hold. Requests and answers are http.ts's, what they mean gate.ts's.

import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';
import { LunaringError } from '../base/error.ts';
import { reasonNotToListen } from '../control/listening.ts';
import { Resource, resourceLimit } from '../kernel/libc.ts';
import { BodyReader } from './body.ts';
import { Exchange } from './exchange.ts';
import type { AdminRequest, AdminSocket, Answer, SocketHandler } from './http.ts';
import { statusLine } from './http.ts';

/** What a request leads to, judged from its headers: an answer at once, or one that needs the body (null: it is too large). */
export type Step = Answer | ((body: Buffer | null) => Promise<Answer>);

/** Who answers. Neither may throw. */
export interface HttpHandler {
  begin(request: AdminRequest): Step;
  /** An answer refuses the WebSocket. */
  upgrade(request: AdminRequest): SocketHandler | Answer;
}

/** Bytes of bodies that are coming in and answers that are going out, over all connections. Beyond that: 503. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;
/** WebSockets at a time. */
export const SOCKETS_MAX = 1024;
/** Other connections of the JavaScript server; the native one can't be told. */
const CONNECTIONS_MAX = 1024;
/** The part of the descriptors that these may have: sessions need the others. */
const CONNECTIONS_SHARE = 1 / 4;
/** A WebSocket that has let this much lie is not sent more. */
const SOCKET_UNREAD_BYTES_MAX = 256 * 1024;
/** Who takes nothing of an answer for so long does not read it. */
const UNREAD_SECONDS = 10;
/** Nothing that a peer may say is longer. */
const SOCKET_MESSAGE_BYTES_MAX = 1024;
/** Peers are pinged before, by the native server. */
const SOCKET_IDLE_SECONDS = 60;

const EXCLUSIVE_PORT = 1;

/**
 * No request has this path. The JavaScript server leaves those unanswered that it takes for a WebSocket's: a proxy has taken Upgrade away,
 * and has left the key. What is a WebSocket's comes to it another way.
 */
const NOWHERE = '/ ';

/** An app, with what its declaration leaves out. */
type App = Omit<TemplatedApp, 'listen'> & {
  listen(host: string, port: number, options: number, done: (socket: us_listen_socket | false) => void): void;
  close(): void;
};

interface Uws {
  App(): App;
  us_socket_local_port(socket: us_listen_socket): number;
}

/** What the JavaScript server gives in place of a listen socket. */
interface FallbackContext {
  readonly http: Server;
  readonly wsServer: {
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (peer: FallbackSocket) => void): void;
  };
}

/** A socket of the package `ws`. */
interface FallbackSocket {
  readonly bufferedAmount: number;
  send(text: string): void;
  terminate(): void;
  on(event: 'close' | 'error', listener: () => void): void;
}

function load(native: boolean): { readonly uws: Uws; readonly native: boolean } {
  const require = createRequire(import.meta.url);
  const { platform, arch, versions } = process;
  try {
    // Not the package's own entry: where it falls back it says so on the console.
    if (native)
      return { uws: require(`uWebSockets.js/binaries/uws_${platform}_${arch}_${versions.modules}.node`), native };
  } catch {
    // Not built for this version of Node, or for this C library.
  }
  try {
    return { uws: require('uWebSockets.js/dist/index.js') as Uws, native: false };
  } catch (cause) {
    const cure = 'npm ci, or set LUNARING_ADMIN=off';
    throw new LunaringError('LUNARING_ADMIN', `uWebSockets.js can't be loaded; ${cure}`, { cause });
  }
}

/** The headers that somebody asks for. The JavaScript server can't list them. */
const HEADERS = [
  'accept',
  'authorization',
  'content-type',
  'host',
  'origin',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-websocket-protocol',
] as const;

/** Path and query of a request's target, as they came. A URL would rewrite the path, and throw where it has no host (`//`). */
function splitTarget(target: string): readonly [path: string, query: string] {
  const [path = '', ...query] = target.split('?');
  return [path, query.join('?')];
}

function requestOf(req: HttpRequest, native: boolean): AdminRequest {
  const headers = new Map<string, string>();
  for (const name of HEADERS) {
    const value = req.getHeader(name);
    if (value) headers.set(name, value);
  }
  const method = req.getMethod().toUpperCase();
  // The JavaScript server leaves the query in the URL, and can't tell it by itself.
  const [path, query] = splitTarget(req.getUrl());
  return { method, path, query: new URLSearchParams(native ? req.getQuery() : query), headers };
}

/** The HTTP server. */
export class HttpServer {
  readonly #handler: HttpHandler;
  readonly #native: boolean;
  readonly #app: App;
  readonly #uws: Uws;
  readonly #sockets = new Map<AdminSocket, SocketHandler>();
  #fallback: FallbackContext | null = null;
  #held = 0;
  #port = 0;

  /** `native` false: the JavaScript server, even where the native one would load. Throws LunaringError where there is neither. */
  constructor(handler: HttpHandler, native = true) {
    this.#handler = handler;
    const loaded = load(native);
    this.#uws = loaded.uws;
    this.#native = loaded.native;
    this.#app = loaded.uws.App();
  }

  get native(): boolean {
    return this.#native;
  }

  /** The real one, where 0 was asked for. */
  get port(): number {
    return this.#port;
  }

  /** Resolves when it listens. Throws LunaringError when it can't. */
  async listen(address: string, port: number): Promise<void> {
    this.#app.any('/*', (res, req) => this.#serve(res, req));
    this.#app.ws<SocketUse>(this.#native ? '/*' : NOWHERE, {
      idleTimeout: SOCKET_IDLE_SECONDS,
      maxPayloadLength: SOCKET_MESSAGE_BYTES_MAX,
      maxBackpressure: SOCKET_UNREAD_BYTES_MAX,
      upgrade: (res, req, context) => this.#upgrade(res, req, context),
      open: (peer) => this.#opened(peer),
      close: (peer) => this.#closed(peer.getUserData().socket!),
    });
    const listening = await new Promise<us_listen_socket | false>((resolve) => {
      this.#app.listen(address, port, EXCLUSIVE_PORT, resolve);
    });
    if (listening === false) {
      throw new LunaringError('LUNARING_ADMIN', `${address} port ${port}: ${await reasonNotToListen(address, port)}`);
    }
    if (this.#native) this.#port = this.#uws.us_socket_local_port(listening);
    else this.#listenFallback(listening as unknown as FallbackContext);
  }

  /** Ends every connection. */
  close(): void {
    for (const socket of [...this.#sockets.keys()]) socket.end();
    if (this.#native) this.#app.close();
    this.#fallback?.http.close();
    this.#fallback?.http.closeAllConnections();
  }

  // Requests

  #serve(res: HttpResponse, req: HttpRequest): void {
    const request = requestOf(req, this.#native);
    const exchange = new Exchange(res, this.#native, request.method === 'HEAD', (bytes) => {
      this.#held += bytes;
    });
    const step = this.#held > HELD_BYTES_MAX ? BUSY : this.#handler.begin(request);
    const reader = new BodyReader(typeof step === 'function');
    res.onData((chunk, isLast) => {
      const before = reader.held;
      const state = reader.take(chunk, isLast);
      exchange.hold(reader.held - before);
      if (state === 'endless') exchange.abandon();
      if (state !== 'whole') return;
      void (typeof step === 'function' ? step(reader.body) : Promise.resolve(step)).then((answer) => {
        exchange.hold(-reader.held);
        exchange.answer(answer);
      });
    });
  }

  // WebSockets

  #admit(request: AdminRequest): SocketHandler | Answer {
    return this.#sockets.size >= SOCKETS_MAX ? BUSY : this.#handler.upgrade(request);
  }

  #upgrade(res: HttpResponse, req: HttpRequest, context: Parameters<HttpResponse['upgrade']>[4]): void {
    const request = requestOf(req, this.#native);
    const handler = this.#admit(request);
    if ('status' in handler) {
      new Exchange(res, this.#native, false, () => {}).answer(handler);
      return;
    }
    const use: SocketUse = { handler, socket: null };
    const [key, extensions] = [req.getHeader('sec-websocket-key'), req.getHeader('sec-websocket-extensions')];
    // Of the protocols offered the first is taken: the others may carry a token.
    const protocol = req.getHeader('sec-websocket-protocol').split(',')[0]!.trim();
    res.upgrade(use, key, protocol, extensions, context);
  }

  #opened(peer: WebSocket<SocketUse>): void {
    const use = peer.getUserData();
    const DROPPED = 2;
    use.socket = { send: (text) => peer.send(text) !== DROPPED, end: () => peer.close() };
    this.#open(use.socket, use.handler);
  }

  #open(socket: AdminSocket, handler: SocketHandler): void {
    this.#sockets.set(socket, handler);
    handler.opened(socket);
  }

  #closed(socket: AdminSocket): void {
    const handler = this.#sockets.get(socket);
    this.#sockets.delete(socket);
    handler?.closed(socket);
  }

  /** The JavaScript server asks nobody before it opens a WebSocket, and throws what a peer does wrong: so this is done here. */
  #listenFallback(context: FallbackContext): void {
    this.#fallback = context;
    const address = context.http.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
    // Its own listener, the last one, has the server remember every connection for ever.
    const remembers = context.http.listeners('connection').at(-1) as () => void;
    context.http.off('connection', remembers);
    const connections = boundConnections(context.http);
    // The native server has a limit of its own.
    context.http.on('request', (_, answer: ServerResponse) => {
      answer.once('prefinish', () => answer.setTimeout(UNREAD_SECONDS * 1000, () => answer.destroy()));
    });
    // Java offers HTTP/2 with every request: it is left alone (RFC 9110 §7.8), where Node can be told so. Node 20 can't.
    const shouldUpgradeCallback = ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket';
    Object.assign(context.http, { shouldUpgradeCallback });
    context.http.removeAllListeners('upgrade');
    context.http.on('upgrade', (message: IncomingMessage, socket: Duplex, head: Buffer) => {
      connections.delete(socket);
      socket.on('error', () => socket.destroy());
      const [path, query] = splitTarget(message.url ?? '/');
      const headers = new Map(Object.entries(message.headers).map(([name, value]) => [name, String(value)]));
      const handler = this.#admit({ method: 'GET', path, query: new URLSearchParams(query), headers });
      if ('status' in handler) {
        const text = typeof handler.body === 'string' ? handler.body : handler.body.toString();
        const lines = [`HTTP/1.1 ${statusLine(handler.status)}`, 'Connection: close', `Content-Type: ${handler.type}`];
        const answer = `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
        // Nobody hears whether the peer ever closes its half.
        socket.end(answer, () => socket.destroy());
        return;
      }
      context.wsServer.handleUpgrade(message, socket, head, (peer) => {
        const own: AdminSocket = {
          send(text) {
            if (peer.bufferedAmount > SOCKET_UNREAD_BYTES_MAX) return false;
            peer.send(text);
            return true;
          },
          end: () => peer.terminate(),
        };
        peer.on('error', () => peer.terminate());
        peer.on('close', () => this.#closed(own));
        this.#open(own, handler);
      });
    });
  }
}

/** Has the oldest connection go when there are too many: silence keeps nobody out. Returns those that count. */
function boundConnections(server: Server): Set<Duplex> {
  const most = Math.min(CONNECTIONS_MAX, Math.max(1, resourceLimit(Resource.openFiles).soft * CONNECTIONS_SHARE));
  const connections = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    if (connections.size <= most) return;
    const [oldest] = connections;
    oldest!.destroy();
    connections.delete(oldest!);
  });
  return connections;
}

/** What a WebSocket carries along. */
interface SocketUse {
  readonly handler: SocketHandler;
  socket: AdminSocket | null;
}

const BUSY: Answer = {
  status: 503,
  type: 'application/json',
  body: '{"error":{"code":"busy","message":"too much is asked for at once; try again later"}}\n',
};
