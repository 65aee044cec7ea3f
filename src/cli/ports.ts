// Whether every address that is to be listened on can be, all of them at once: portals and the admin interface.
// What is served there is settled elsewhere; nothing is accepted here.

import { createServer, type Server } from 'node:net';
import type { Settings } from '../config/settings.ts';
import { collide, type ListeningPlace, leavesIpv4 } from '../control/families.ts';
import { type Answer, failed, fine } from './answer.ts';

interface Place extends ListeningPlace {
  readonly what: string;
  readonly ipv6Only: boolean;
}

const REMEDIES: Readonly<Record<string, (place: Place) => string>> = {
  EADDRINUSE: ({ port }) =>
    `another program listens there: ss -ltnp 'sport = :${port}'; stop it, or choose another port`,
  EADDRNOTAVAIL: () => 'no interface has this address: ip address; or listen on 0.0.0.0',
  EACCES: () => 'ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one',
};

/** Listens on it; answers the server, or the error's code. */
function listen({ address, port, ipv6Only }: Place): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host: address, port, ipv6Only, exclusive: true }, () => resolve(server));
  });
}

/** One answer a portal, and one for the admin interface. All are listened on together, and let go at the end. */
export async function probePorts({ portals, admin }: Pick<Settings, 'portals' | 'admin'>): Promise<Answer[]> {
  const places: Place[] = portals.map((portal) => ({
    what: 'portal',
    address: portal.address,
    port: portal.port,
    ipv6Only: leavesIpv4(portal, portals),
  }));
  if (admin !== false)
    places.push({ what: 'admin interface', address: admin.address, port: admin.port, ipv6Only: false });
  const answers: Answer[] = [];
  const servers: Server[] = [];
  for (const [index, place] of places.entries()) {
    const question = `${place.what} ${place.address} port ${place.port}`;
    const rival = places.slice(0, index).find((earlier) => collide(earlier, place));
    if (rival !== undefined) {
      const detail = `taken by the ${rival.what} ${rival.address} port ${rival.port} of this configuration`;
      answers.push({ question, ...failed(detail, 'choose another port for one of them') });
      continue;
    }
    const outcome = await listen(place);
    if (typeof outcome !== 'string') servers.push(outcome);
    const opinion =
      typeof outcome === 'string' ? failed(outcome, REMEDIES[outcome]?.(place) ?? 'see the error') : fine('free');
    answers.push({ question, ...opinion });
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return answers;
}
