// Why nothing can listen at an address: uWebSockets.js only says that it can't.
// What is done about it is the callers' business.

import { createServer } from 'node:net';

/** Tries for itself, and says what stood in the way. */
export function reasonNotToListen(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const taken = code === 'EADDRINUSE' ? 'something listens there already' : message;
      resolve(code === 'EADDRNOTAVAIL' ? 'this machine has no such address' : taken);
    });
    server.listen(port, address, () => server.close(() => resolve('it could not be listened on; try again')));
  });
}
