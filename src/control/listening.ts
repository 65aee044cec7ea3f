// Why nothing can listen at an address, in words, and what to do: the same for portals, for the admin interface and in lunaring check.
// Who then does without, and who does not start, is for the callers to say.

import { createServer } from 'node:net';

/** What an attempt to listen on `port` failed with. */
export function explainListening({ code, message }: NodeJS.ErrnoException, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `something listens there already; stop what ss -ltnp 'sport = :${port}' names, or choose another port`;
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; ip address lists those that it has, and 0.0.0.0 is all of IPv4';
    case 'EACCES':
      return 'ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one';
    default:
      return message;
  }
}

/** Tries to listen, for those who only hear that it failed, as uWebSockets.js has it. Answers {@link explainListening}. */
export function reasonNotToListen(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(explainListening(error, port)));
    server.listen(port, address, () => server.close(() => resolve('it could not be listened on; try again')));
  });
}
