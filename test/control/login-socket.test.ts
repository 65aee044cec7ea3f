// A connection's socket while main owns it, between two real ends: when what was written has left, and what becomes of it otherwise.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { AcceptedSocket } from '../../src/control/login-socket.ts';

/** A connection whose other end reads nothing yet. */
async function connection(): Promise<{ accepted: Socket; peer: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.close();
  return { accepted, peer };
}

/** Writes in small pieces until the kernel takes no more, and something is left with us. */
function fill(socket: AcceptedSocket, accepted: Socket): void {
  while (accepted.writableLength === 0) socket.write(new Uint8Array(4096));
}

test('what was written has left once the peer has read, however little was waiting', async () => {
  const { accepted, peer } = await connection();
  const socket = new AcceptedSocket(accepted);
  await socket.drained();
  fill(socket, accepted);
  expect(accepted.writableNeedDrain).toBe(false);
  let left = false;
  const drained = socket.drained().then(() => {
    left = true;
  });
  await new Promise(setImmediate);
  expect(left).toBe(false);
  peer.resume();
  await drained;
  expect(accepted.writableLength).toBe(0);
  accepted.destroy();
  peer.destroy();
});

test('nobody waits for what a closed socket has not sent', async () => {
  const { accepted, peer } = await connection();
  const socket = new AcceptedSocket(accepted);
  socket.listen({ data: () => {}, ended: () => {}, idle: () => {} });
  fill(socket, accepted);
  const drained = socket.drained();
  socket.destroy();
  await drained;
  peer.destroy();
});
