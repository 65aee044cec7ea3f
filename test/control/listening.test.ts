import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { reasonNotToListen } from '../../src/control/listening.ts';
import { freePort } from '../support/scratch.ts';

test('what stands in the way is said in words', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect(await reasonNotToListen('127.0.0.1', port)).toBe(
    `something listens there already; stop what ss -ltnp 'sport = :${port}' names, or choose another port`,
  );
  server.close();
  expect(await reasonNotToListen('192.0.2.1', 9260)).toMatch(/^this machine has no such address; ip address lists/);
  expect(await reasonNotToListen('127.0.0.1', await freePort())).toMatch(/try again/);
});
