// A portal: one listening address (RFC 7143 §4.1: network portal), and the connections that log in through it.
// What happens on a connection is login-connection.ts's.

import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { LunaringError } from '../base/error.ts';
import type { PortalSettings } from '../config/settings.ts';
import { errnoName } from '../kernel/errno.ts';
import { SocketOption, setSocketOption } from '../kernel/libc.ts';
import { parseAddress } from '../login/access.ts';
import { spellPortal } from '../login/redirect.ts';
import type { CongestionChoice } from './congestion.ts';
import { explainListening } from './listening.ts';
import { LoginConnection, type LoginContext } from './login-connection.ts';
import { AcceptedSocket } from './login-socket.ts';

/** Connections that the kernel keeps for us until they are accepted, and no more than net.core.somaxconn: 4096 since Linux 5.4. */
const BACKLOG = 4096;

/** An address as access lists have it: what came over IPv4 to a socket for IPv6 has an IPv4 address. */
const spelled = (address: string): string => parseAddress(address)?.toString() ?? address;

/** A listening portal. */
export class Portal {
  /** For connections to come. */
  settings: PortalSettings;
  readonly #ipv6Only: boolean;
  readonly #context: LoginContext;
  readonly #congestion: CongestionChoice;
  readonly #server: Server;
  readonly #connections = new Set<LoginConnection>();

  /** `ipv6Only`: on `::`, leaves IPv4 to others. */
  constructor(settings: PortalSettings, ipv6Only: boolean, context: LoginContext, congestion: CongestionChoice) {
    this.settings = settings;
    this.#ipv6Only = ipv6Only;
    this.#context = context;
    this.#congestion = congestion;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket));
  }

  /** The port it listens on: the real one, where 0 was configured. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.settings.port;
  }

  /** Resolves when the portal listens; throws {@link LunaringError} when it can't. */
  listen(): Promise<void> {
    const { address, port } = this.settings;
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const fault = `portal ${address} port ${port}: ${explainListening(cause, port)}`;
        reject(new LunaringError('LUNARING_PORTAL', fault, { cause }));
      });
      this.#server.listen({ host: address, port, ipv6Only: this.#ipv6Only, backlog: BACKLOG }, () => {
        this.#server.removeAllListeners('error');
        this.#server.on('error', (error) => this.#context.log.error({ err: error, address, port }, 'portal'));
        try {
          this.#setCongestionControl();
          resolve();
        } catch (error) {
          void this.close().then(() => reject(error as Error));
        }
      });
    });
  }

  /** Connections have it from the socket on which they were accepted: a change later would leave the old one's pacing behind. */
  #setCongestionControl(): void {
    const { name, required } = this.#congestion;
    if (name === null) return;
    // Node has no public name for it.
    const { fd } = (this.#server as unknown as { _handle: { readonly fd: number } })._handle;
    const errno = setSocketOption(fd, SocketOption.tcpCongestion, name);
    if (errno === 0) return;
    const { address, port } = this.settings;
    const fault = `portal ${address} port ${port}: congestion control ${name} can't be had (${errnoName(errno)})`;
    const remedy = 'name one of net.ipv4.tcp_allowed_congestion_control, or system, in tuning.congestionControl';
    if (required) throw new LunaringError('LUNARING_PORTAL', `${fault}; ${remedy}`);
    this.#context.log.warn({ address, port }, fault);
  }

  /** Listens no more. Resolves when what came through it and is not a worker's, logins and discovery sessions, has ended by itself. */
  retire(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  /** Listens no more, and ends what is still in login. */
  close(): Promise<void> {
    const closed = this.retire();
    for (const connection of [...this.#connections]) connection.end('the target has stopped');
    return closed;
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    // Gone before it was accepted.
    if (remoteAddress === undefined || localAddress === undefined) {
      socket.destroy();
      return;
    }
    const { tag, discovery, advertise } = this.settings;
    const endpoint = {
      portalGroupTag: tag,
      discovery,
      advertised: advertise === undefined ? undefined : spellPortal(advertise, this.port),
      localAddress: spelled(localAddress),
      localPort: localPort ?? this.port,
      peerAddress: spelled(remoteAddress),
      correlationId: randomBytes(6).toString('hex'),
    };
    this.#context.log.debug(
      { peer: `${remoteAddress}:${remotePort}`, correlationId: endpoint.correlationId },
      'accepted',
    );
    const connection = new LoginConnection(new AcceptedSocket(socket), endpoint, this.#context, () =>
      this.#connections.delete(connection),
    );
    this.#connections.add(connection);
  }
}
