// One suite for both servers: the native one, and the JavaScript one of newer versions of Node.

import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BODY_BYTES_MAX, DISCARDED_BYTES_MAX } from '../../src/admin/body.ts';
import {
  type AdminRequest,
  type AdminSocket,
  type Answer,
  DONE,
  HALLMARK,
  type SocketHandler,
} from '../../src/admin/http.ts';
import { type HttpHandler, HttpServer, SOCKETS_MAX } from '../../src/admin/uws.ts';
import { hasNativeServer } from '../support/node-version.ts';
import { UpgradeRefused, WebSocketClient } from '../support/web-socket-client.ts';

const LARGE_BYTES = 8 * 1024 * 1024;
const text = (status: number, body: string | Buffer): Answer => ({ status, type: 'text/plain', body });

/** Says what it was asked. */
class Echo implements HttpHandler, SocketHandler {
  readonly requests: AdminRequest[] = [];
  readonly sockets = new Set<AdminSocket>();

  begin(asked: AdminRequest) {
    this.requests.push(asked);
    if (asked.path === '/refused') return text(403, 'no');
    if (asked.path === '/nothing') return DONE;
    if (asked.path === '/large') return text(200, Buffer.alloc(LARGE_BYTES, 'x'));
    return async (body: Buffer | null) => text(body === null ? 413 : 200, body ?? 'too large');
  }

  upgrade({ path }: AdminRequest) {
    return path === '/events' ? this : text(404, 'none');
  }

  opened(socket: AdminSocket): void {
    this.sockets.add(socket);
    socket.send('welcome');
  }

  closed(socket: AdminSocket): void {
    this.sockets.delete(socket);
  }
}

const JAVASCRIPT = ['the JavaScript server', false] as const;
const SERVERS = hasNativeServer ? [['the native server', true] as const, JAVASCRIPT] : [JAVASCRIPT];

describe.each(SERVERS)('%s', (_, native) => {
  let echo: Echo;
  let server: HttpServer;
  let url: string;
  beforeEach(async () => {
    echo = new Echo();
    server = new HttpServer(echo, native);
    await server.listen('127.0.0.1', 0);
    url = `http://127.0.0.1:${server.port}`;
  });
  afterEach(() => server.close());

  test('passes on method, path, query, headers and body, and answers', async () => {
    const answer = await fetch(`${url}/a%2Fb?x=1&y=%C3%BC?`, {
      method: 'PATCH',
      headers: { Accept: 'text/own' },
      body: 'hello',
    });
    expect([answer.status, await answer.text()]).toEqual([200, 'hello']);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get(HALLMARK)).toBe('v1');
    const [asked] = echo.requests;
    expect(asked).toMatchObject({ method: 'PATCH', path: '/a%2Fb' });
    expect([...asked!.query]).toEqual([
      ['x', '1'],
      ['y', 'ü?'],
    ]);
    expect(asked!.headers.get('accept')).toBe('text/own');
  });

  test('answers without a body', async () => {
    const answer = await fetch(`${url}/nothing`, { method: 'DELETE' });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    expect((await fetch(`${url}/again`)).status).toBe(200);
  });

  test.each(['/large', '/refused', '/asked'])(
    'RFC 9110 §9.3.2: HEAD %s is answered as GET, without the body',
    async (path) => {
      const socket = connect(server.port, '127.0.0.1');
      let received = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk;
      });
      const ask = (method: string, target: string) => `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
      // The next answer on the connection begins right behind the headers.
      socket.write(`${ask('HEAD', path)}${ask('GET', '/refused')}`);
      await expect.poll(() => received).toMatch(/no$/);
      socket.destroy();
      const [headers, next] = received.split('\r\n\r\n', 2);
      const length = (await (await fetch(`${url}${path}`)).arrayBuffer()).byteLength;
      expect(headers).toMatch(new RegExp(`^content-length: ${length}\r?$`, 'im'));
      expect(next).toMatch(/^HTTP\/1\.1 403 /);
      expect(echo.requests[0]).toMatchObject({ method: 'HEAD', path });
    },
  );

  test('tells who sends too much', async () => {
    const body = 'x'.repeat(10 * BODY_BYTES_MAX);
    const answer = await fetch(`${url}/`, { method: 'POST', body });
    expect(answer.status).toBe(413);
    const refused = await fetch(`${url}/refused`, { method: 'POST', body });
    expect(refused.status).toBe(403);
  });

  test('cuts off who does not stop', async () => {
    const sending = request(`${url}/`, { method: 'POST' });
    const failed = once(sending, 'error');
    const chunk = Buffer.alloc(BODY_BYTES_MAX);
    let sent = 0;
    const more = () => {
      if (sent > 2 * DISCARDED_BYTES_MAX) return;
      sent += chunk.length;
      sending.write(chunk, more);
    };
    more();
    expect((await failed)[0]).toMatchObject({ code: expect.stringMatching(/EPIPE|ECONNRESET/) });
    expect((await fetch(`${url}/`)).status).toBe(200);
  });

  test('gives a large answer to who reads slowly, and all others theirs meanwhile', async () => {
    const slow = connect(server.port, '127.0.0.1');
    slow.write('GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await once(slow, 'readable');
    expect((await fetch(`${url}/`)).status).toBe(200);
    let received = 0;
    for await (const chunk of slow as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (received > LARGE_BYTES) break;
    }
    expect(received).toBeGreaterThan(LARGE_BYTES);
  });

  // The native server's sockets are none of Node's.
  test.skipIf(native)('lets go of who does not read', async () => {
    const open = () => process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;
    const deaf = connect(server.port, '127.0.0.1');
    deaf.on('error', () => {}).pause();
    deaf.write('GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    // Both ends are here.
    await expect.poll(open).toBe(2);
    await expect.poll(open, { timeout: 60_000 }).toBe(1);
    deaf.destroy();
  });

  test('is not disturbed by who goes away in between', async () => {
    for (const said of [
      '',
      'GET',
      'GET / HTTP/1.1\r\nHost: a\r\n',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1',
      'GET /large HTTP/1.1\r\nHost: a\r\n\r\n',
    ]) {
      const socket = connect(server.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(said);
      socket.resetAndDestroy();
    }
    expect(await (await fetch(`${url}/`, { method: 'POST', body: 'still here' })).text()).toBe('still here');
  });

  test.each(['\0\0\0', 'GET\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`])(
    'ends what is no HTTP',
    async (said) => {
      const socket = connect(server.port, '127.0.0.1');
      // With or without a reset.
      socket.on('error', () => {});
      socket.resume();
      socket.end(said);
      await new Promise((closed) => socket.once('close', closed));
      expect((await fetch(`${url}/`)).status).toBe(200);
    },
  );

  test('opens WebSockets that are wanted, and sends', async () => {
    const peer = await WebSocketClient.open(`${url}/events`, { 'Sec-WebSocket-Protocol': 'lunaring, token.x' });
    expect([await peer.next(), peer.protocol]).toEqual(['welcome', 'lunaring']);
    const closed = peer.closed();
    for (const socket of echo.sockets) socket.end();
    await closed;
    // The server may hear of the end after its peer.
    await expect.poll(() => echo.sockets.size, { timeout: 20_000 }).toBe(0);
  });

  test('refuses those that are not', async () => {
    await expect(WebSocketClient.open(`${url}/elsewhere`)).rejects.toEqual(new UpgradeRefused(404));
  });

  // A URL parser throws at the first, and takes the second for /events.
  test.each(['//', '/elsewhere/../events'])('refuses them at %s, a path as any other', async (path) => {
    const { hostname, port } = new URL(url);
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
    const asked = request({
      hostname,
      port,
      path,
      headers: { ...headers, 'Sec-WebSocket-Key': 'A'.repeat(22).concat('==') },
    });
    asked.end();
    const [answer] = await once(asked, 'response');
    expect(answer.statusCode).toBe(404);
    answer.resume();
  });

  const answers = (method: string, path: string, headers: Record<string, string>, body = '') =>
    new Promise<string>((resolve, reject) => {
      const asked = request(`${url}${path}`, { method, headers });
      asked.on('error', reject).on('upgrade', () => reject(new Error('upgraded')));
      asked.on('response', async (answer) => resolve(`${answer.statusCode} ${(await answer.toArray()).join('')}`));
      asked.end(body);
    });

  // Of the native server it is a WebSocket.
  test.skipIf(native)('answers what has the key of a WebSocket, and nothing else of it', async () => {
    const headers = { 'Sec-WebSocket-Key': 'A'.repeat(22).concat('==') };
    expect(await answers('GET', '/refused', headers)).toBe('403 no');
  });

  test.skipIf(!native && !('shouldUpgradeCallback' in createServer()))(
    'RFC 9110 §7.8: answers who offers another protocol as if they had not',
    async () => {
      const offer = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };
      expect(await answers('GET', '/refused', offer)).toBe('403 no');
      expect(await answers('POST', '/', { ...offer, 'Content-Length': '5' }, 'hello')).toBe('200 hello');
    },
  );

  // The native server ends such a connection by its own time limit.
  test.skipIf(native)('closes the connection of one that is refused, though its peer does not', async () => {
    const peer = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    peer.write('GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    peer.resume();
    await once(peer, 'end');
    // Only what is closed both ways says that it takes no more.
    const over = new Promise((resolve) => peer.once('error', resolve));
    const goOn = (error?: Error | null): void => void (error || peer.write('more', goOn));
    goOn();
    expect(await over).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  });

  test(`serves ${SOCKETS_MAX} WebSockets, and refuses more`, async () => {
    const peers = await Promise.all(Array.from({ length: SOCKETS_MAX }, () => WebSocketClient.open(`${url}/events`)));
    await expect(WebSocketClient.open(`${url}/events`)).rejects.toEqual(new UpgradeRefused(503));
    for (const socket of echo.sockets) expect(socket.send('to all')).toBe(true);
    for (const peer of peers) expect([await peer.next(), await peer.next()]).toEqual(['welcome', 'to all']);
    // As browsers that are killed.
    for (const peer of peers) peer.socket.resetAndDestroy();
    while (echo.sockets.size > 0) await new Promise((resolve) => setImmediate(resolve));
    const next = await WebSocketClient.open(`${url}/events`);
    expect(await next.next()).toBe('welcome');
    next.socket.destroy();
  });

  test('drops what a WebSocket does not read, and closes what misbehaves', async () => {
    const peer = await WebSocketClient.open(`${url}/events`);
    const [socket] = echo.sockets;
    const long = 'x'.repeat(64 * 1024);
    let taken = 0;
    while (socket!.send(long) && taken < 1000) taken++;
    expect(taken).toBeLessThan(1000);
    // No frame that there is.
    peer.socket.write(Buffer.alloc(64, 0xff));
    await peer.closed();
    await expect.poll(() => echo.sockets.size, { timeout: 20_000 }).toBe(0);
    expect((await fetch(`${url}/`)).status).toBe(200);
  });

  test('says why it can’t listen', async () => {
    const second = new HttpServer(echo, native);
    await expect(second.listen('127.0.0.1', server.port)).rejects.toThrow(/something listens there already/);
    await expect(new HttpServer(echo, native).listen('192.0.2.1', 9260)).rejects.toThrow(/no such address/);
  });

  test('listens on IPv6', async () => {
    const other = new HttpServer(echo, native);
    await other.listen('::1', 0);
    expect((await fetch(`http://[::1]:${other.port}/`)).status).toBe(200);
    other.close();
  });
});
