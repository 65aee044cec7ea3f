// Whether every address that is to be listened on can be, all of them at once: portals and the admin interface.
// What is served there is settled elsewhere; nothing is accepted here.

import { createServer, type Server } from 'node:net';
import type { Settings } from '../config/settings.ts';
import { collide, type ListeningPlace, leavesIpv4 } from '../control/families.ts';
import { explainListening } from '../control/listening.ts';
import { type Answer, failed, fine, type Opinion, warning } from './answer.ts';

interface Place extends ListeningPlace {
  readonly what: string;
  readonly ipv6Only: boolean;
}

const ADMIN = 'admin interface';

/** Ports that browsers do not speak HTTP to, because other protocols are at home there (Fetch standard §2.9, “port blocking”). */
const NO_BROWSER = new Set([
  ...[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  ],
  ...[
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  ],
  ...[540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061],
  ...[6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
]);

/** What there is to say of a place that can be listened on. */
function opinionOf({ what, port }: Place): Opinion {
  if (what !== ADMIN || !NO_BROWSER.has(port)) return fine('free');
  const remedy = 'choose another port for the live page, such as 9260; all else works at this one';
  return warning('free, but browsers refuse to open pages at this port', remedy);
}

/** Listens on it; answers the server, or the error. */
function listen({ address, port, ipv6Only }: Place): Promise<Server | NodeJS.ErrnoException> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
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
  if (admin !== false) places.push({ what: ADMIN, address: admin.address, port: admin.port, ipv6Only: false });
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
    if (outcome instanceof Error) {
      answers.push({ question, ...failed(outcome.code ?? 'an error', explainListening(outcome, place.port)) });
      continue;
    }
    servers.push(outcome);
    answers.push({ question, ...opinionOf(place) });
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return answers;
}
