import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { probePorts } from '../../src/cli/ports.ts';
import { freePort, ownAddress } from '../support/scratch.ts';

const portal = (address: string, port: number) => ({ address, port, tag: 1, discovery: true });

describe('ports', () => {
  test('are listened on and let go', async () => {
    const port = await freePort();
    const places = { portals: [portal('127.0.0.1', port)], admin: false as const };
    for (let round = 0; round < 2; round++) {
      expect(await probePorts(places)).toEqual([
        { question: `portal 127.0.0.1 port ${port}`, state: 'fine', detail: 'free', remedy: '' },
      ]);
    }
  });

  test('that another program has are named, with the command that finds it', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const [answer] = await probePorts({ portals: [portal('127.0.0.1', port)], admin: false });
    server.close();
    expect(answer).toMatchObject({
      state: 'failed',
      detail: 'EADDRINUSE',
      remedy: expect.stringContaining(`:${port}'`),
    });
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '0.0.0.0'],
  ])('of a portal on %s and the admin interface on %s can not be the same', async (address, admin) => {
    const port = await freePort();
    const answers = await probePorts({ portals: [portal(address, port)], admin: { address: admin, port } });
    expect(answers.map(({ state }) => state)).toEqual(['fine', 'failed']);
    expect(answers[1]!.detail).toBe(`taken by the portal ${address} port ${port} of this configuration`);
  });

  test('that browsers refuse are no place for the live page; a portal may have them', async () => {
    const [port, address] = [10_080, ownAddress()];
    const [portals, alone] = [[portal(address, port)], [portal(address, 0)]];
    expect(await probePorts({ portals, admin: false })).toMatchObject([{ state: 'fine' }]);
    const [, answer] = await probePorts({ portals: alone, admin: { address, port } });
    expect(answer).toMatchObject({ state: 'warning', remedy: expect.stringContaining('choose another port') });
    expect(answer!.detail).toContain('browsers refuse');
  });

  test('of different addresses can, and so can any free ones', async () => {
    const port = await freePort();
    const answers = await probePorts({
      portals: [portal('127.0.0.1', port), portal('127.0.0.2', port), portal('127.0.0.1', 0)],
      admin: { address: '127.0.0.1', port: 0 },
    });
    expect(answers.map(({ state }) => state)).toEqual(['fine', 'fine', 'fine', 'fine']);
  });

  test.each([
    [['0.0.0.0', '::']],
    [['::', '0.0.0.0']],
    [['127.0.0.1', '::']],
    [['0:0:0:0:0:0:0:0', '127.0.0.2', '127.0.0.1']],
  ])('of portals of both families, %j, can be the same', async (addresses) => {
    const port = await freePort();
    const answers = await probePorts({ portals: addresses.map((address) => portal(address, port)), admin: false });
    expect(answers.map(({ state }) => state)).toEqual(addresses.map(() => 'fine'));
  });

  test.each([
    // By itself, :: has the addresses of IPv4 too.
    ['::', '127.0.0.1'],
    ['127.0.0.1', '::'],
    ['::', '::1'],
    ['::1', '::0'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
  ])('of a portal on %s and the admin interface on %s can not be the same either', async (address, admin) => {
    const port = await freePort();
    const answers = await probePorts({ portals: [portal(address, port)], admin: { address: admin, port } });
    expect(answers.map(({ state, detail }) => [state, detail])).toEqual([
      ['fine', 'free'],
      ['failed', `taken by the portal ${address} port ${port} of this configuration`],
    ]);
  });

  test('that a program has on IPv4 are not free for a portal on all addresses of both families', async () => {
    const server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const [answer] = await probePorts({ portals: [portal('::', port)], admin: false });
    server.close();
    expect(answer).toMatchObject({ state: 'failed', detail: 'EADDRINUSE' });
  });

  test('on an address that this machine lacks are refused', async () => {
    const [answer] = await probePorts({ portals: [portal('192.0.2.1', 3260)], admin: false });
    expect(answer).toMatchObject({
      state: 'failed',
      detail: 'EADDRNOTAVAIL',
      remedy: expect.stringContaining('ip address'),
    });
  });
});
