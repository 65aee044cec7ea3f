import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { HALLMARK } from '../../src/admin/http.ts';
import type { AdminAddress } from '../../src/cli/admin-address.ts';
import { AdminClient, AdminError, path } from '../../src/cli/admin-client.ts';
import { freePort, ownAddress } from '../support/scratch.ts';

/** Something that answers as no target would, though by its headers it is one, so that it can be seen what is made of that. */
class Answering implements AsyncDisposable {
  readonly #server;
  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
  }

  static async with(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    [port, address] = [0, '127.0.0.1'],
  ): Promise<Answering> {
    const server = createServer((request, response) => answer(request, response.setHeader(HALLMARK, 'v1')));
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
    return new Answering(server);
  }

  address(token: string | null = null): AdminAddress {
    const { address, port } = this.#server.address() as AddressInfo;
    return { url: `http://${address}:${port}`, token, tokenFile: token === null ? null : '/etc/admin.token' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function failure(asked: Promise<unknown>): Promise<AdminError> {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AdminError)) throw new Error(`no AdminError: ${String(error)}`);
  return error;
}

const answering = (status: number, body: string) =>
  Answering.with((_, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(body));

describe('the client', () => {
  test('sends method, encoded path, query, token and JSON, and reads JSON', async () => {
    await using server = await Answering.with((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        const { authorization, 'content-type': type } = headers;
        response.end(JSON.stringify({ method, url, authorization, type, body: Buffer.concat(chunks).toString() }));
      });
    });
    const client = new AdminClient(server.address('secret'));
    const request = { body: { size: '1GiB' }, query: { save: 'true', other: undefined } };
    expect(await client.patch(path`/targets/${'iqn.2026-11.a:b/c d'}/luns/${0}`, request)).toEqual({
      method: 'PATCH',
      url: '/api/v1/targets/iqn.2026-11.a%3Ab%2Fc%20d/luns/0?save=true',
      authorization: 'Bearer secret',
      type: 'application/json',
      body: '{"size":"1GiB"}',
    });
    expect(await new AdminClient(server.address()).get('/status')).toEqual({
      method: 'GET',
      url: '/api/v1/status',
      body: '',
    });
  });

  test('asks at any port, those that browsers refuse included', async () => {
    await using server = await Answering.with((_, response) => response.end('{"up":true}'), [10_080, ownAddress()]);
    expect(await new AdminClient(server.address()).get('/status')).toEqual({ up: true });
  });

  test('takes an empty answer for none', async () => {
    await using server = await answering(204, '');
    await new AdminClient(server.address()).remove('/drain');
    expect(await new AdminClient(server.address()).put('/drain', { body: {} })).toBeUndefined();
  });
});

describe('errors', () => {
  test('nobody listens', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const error = await failure(new AdminClient({ url, token: null, tokenFile: null }).get('/status'));
    expect(error.format()).toMatch(`error: no target listens at ${url}; is it running, and is its admin interface on`);
    expect(error.exitCode).toBe(1);
  });

  test('nobody answers', async () => {
    await using server = await Answering.with(() => undefined);
    const error = await failure(new AdminClient(server.address(), 20).get('/status'));
    expect(error.message).toMatch(/^no answer from .* within/);
  });

  test('the connection ends before the answer does', async () => {
    await using server = await Answering.with((request) => request.socket.destroy());
    expect((await failure(new AdminClient(server.address()).get('/status'))).message).toMatch(
      /hung up before it answered/,
    );
  });

  test('the connection ends in the midst of the answer', async () => {
    await using server = await Answering.with((request, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{', () => request.socket.destroy());
    });
    expect((await failure(new AdminClient(server.address()).get('/status'))).message).toMatch(/hung up before/);
  });

  test('a name that nobody knows', async () => {
    const address = { url: 'http://lunaring.invalid:9260', token: null, tokenFile: null };
    expect((await failure(new AdminClient(address).get('/status'))).message).toMatch(
      /no machine is known as lunaring\.invalid/,
    );
  });

  test('values that can not be served: each finding in full, and it is the caller who has to change them', async () => {
    const findings = [{ path: 'size', received: '"1GB"', allowed: 'a size', remedy: 'write 1GiB' }];
    await using server = await answering(422, JSON.stringify({ error: { code: 'unusable', message: 'no', findings } }));
    const error = await failure(new AdminClient(server.address()).post('/targets', { body: {} }));
    expect(error.exitCode).toBe(2);
    expect(error.format()).toBe('error: size\n  received  "1GB"\n  allowed   a size\n  do        write 1GiB\n');
  });

  test.each([
    [404, 1],
    [409, 1],
    [503, 1],
    [400, 2],
  ])('%d is told in the words of the target, and ends with %d', async (status, code) => {
    await using server = await answering(status, '{"error":{"code":"x","message":"in my words"}}');
    const error = await failure(new AdminClient(server.address()).get('/sessions/1'));
    expect([error.format(), error.exitCode]).toEqual(['error: in my words\n', code]);
  });

  test('the token is missing, or another one; it is never printed', async () => {
    await using server = await answering(401, '{"error":{"code":"token","message":"no"}}');
    const missing = await failure(new AdminClient(server.address()).get('/status'));
    expect(missing.message).toMatch(/wants a token; name its file with --token-file/);
    const wrong = await failure(new AdminClient(server.address('secret')).get('/status'));
    expect(wrong.message).toMatch(/does not take the token in \/etc\/admin\.token/);
    expect(wrong.message).not.toContain('secret');
  });

  test.each([
    [200, '<html>router</html>'],
    [404, 'no such page'],
    [500, '{"error":"x"}'],
  ])('%d %s is no answer of a target', async (status, body) => {
    await using server = await answering(status, body);
    const error = await failure(new AdminClient(server.address()).get('/status'));
    expect(error.message).toContain('is no lunaring admin interface');
    expect(error.message).toContain(body);
  });

  // Prometheus has a /api/v1/targets as well.
  test.each([
    [200, '{}'],
    [200, '[]'],
    [200, '{"status":"success","data":{"activeTargets":[]}}'],
    [204, ''],
    [401, 'Unauthorized'],
    [422, '{"error":{"message":"in other words"}}'],
  ])('%d %s of some other server is no answer of a target', async (status, body) => {
    await using server = await Answering.with((_, response) => {
      response.removeHeader(HALLMARK);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    const error = await failure(new AdminClient(server.address()).put('/drain', { body: {} }));
    expect(error.format()).toContain(
      `is no lunaring admin interface; check --admin or LUNARING_ADMIN: ${status} ${body}`.trimEnd(),
    );
    expect(error.exitCode).toBe(1);
  });

  test('a redirect is not followed: the token would go with it', async () => {
    let asked = 0;
    await using server = await Answering.with((_, response) => {
      asked++;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await failure(new AdminClient(server.address('secret')).get('/status'));
    expect(asked).toBe(1);
  });
});
