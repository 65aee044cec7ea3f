// A cable between an initiator and a target: passes TCP on until it is pulled. Then both ends hear nothing more, as from a switch that has failed.
// Who is at the ends, it does not know.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A port on the loopback that leads to another one. */
export class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #pulled = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Leads to `port` of the loopback. */
  static async to(port: number): Promise<Cable> {
    const server = createServer({ allowHalfOpen: true });
    const cable = new Cable(server);
    server.on('connection', (near) => cable.#join(near, connect({ port, host: '127.0.0.1', allowHalfOpen: true })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return cable;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Nothing passes any more, in either direction, nor does anyone learn of it. */
  pull(): void {
    this.#pulled = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true).on('error', () => socket.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        if (!this.#pulled) (socket === near ? far : near).destroy();
      });
    }
    if (!this.#pulled) near.pipe(far).pipe(near);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
