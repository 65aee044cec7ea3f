// Tells whoever listens at a WebSocket of each second and of each refusal, as long as it reads what it is told.
// What is told is metrics/sampler.ts's and control/refusals.ts's; the sockets themselves are uws.ts's.

import type { RefusalReport } from '../control/refusals.ts';
import type { Status } from '../metrics/sampler.ts';
import type { AdminSocket, SocketHandler } from './http.ts';

/** A listener for whom so many messages in a row were dropped is taken for gone. */
const DROPPED_MAX = 30;
/** Refusals told in a second: of a storm of them the status has the number, and the list the latest. */
export const REFUSALS_PER_SECOND = 20;

/** What is told, in JSON. */
export type EventMessage =
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'refusal'; readonly refusal: RefusalReport };

/** Everyone who listens. */
export class Events implements SocketHandler {
  /** How many messages in a row each has let be dropped. */
  readonly #dropped = new Map<AdminSocket, number>();
  #refusalsLeft = REFUSALS_PER_SECOND;

  /** How many listen. */
  get count(): number {
    return this.#dropped.size;
  }

  opened(socket: AdminSocket): void {
    this.#dropped.set(socket, 0);
  }

  closed(socket: AdminSocket): void {
    this.#dropped.delete(socket);
  }

  /** Once a second. */
  sampled(status: Status): void {
    this.#refusalsLeft = REFUSALS_PER_SECOND;
    this.#tell({ type: 'status', status });
  }

  refused(refusal: RefusalReport): void {
    if (this.#refusalsLeft-- > 0) this.#tell({ type: 'refusal', refusal });
  }

  #tell(message: EventMessage): void {
    if (this.#dropped.size === 0) return;
    const text = JSON.stringify(message);
    for (const [socket, dropped] of this.#dropped) {
      if (socket.send(text)) this.#dropped.set(socket, 0);
      else if (dropped + 1 < DROPPED_MAX) this.#dropped.set(socket, dropped + 1);
      else socket.end();
    }
  }
}
