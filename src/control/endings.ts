// How sessions and connections end from main's side: workers are asked to end them, and what ended is taken off the books.
// Why they end is the callers' business: a login in their place, a removed target, an operator.

import type { ToWorker } from '../ring/messages.ts';
import type { Requests } from './requests.ts';
import type { SessionEntry, Sessions } from './sessions.ts';
import type { Workers } from './workers.ts';

/** Ends sessions and connections. */
export class Endings {
  readonly #sessions: Sessions;
  readonly #workers: Workers;
  readonly #requests: Requests;

  constructor(sessions: Sessions, workers: Workers, requests: Requests) {
    this.#sessions = sessions;
    this.#workers = workers;
    this.#requests = requests;
  }

  /** Ends a session once what is under way for it is over; `announced` has its initiator told beforehand. Resolves when its tasks have ended and its connections are closed. */
  async endSession(entry: SessionEntry, reason: string, announced = false): Promise<void> {
    const { tsih, worker } = entry;
    if (entry.close !== null) {
      entry.close(reason);
      return;
    }
    await entry.busy;
    await this.#ask(worker, (request) => ({ type: 'endSession', request, tsih, reason, announced }));
    this.#sessions.remove(tsih, reason);
  }

  /** Ends one connection of a session. `replaced`: another takes its place, and the session stays for it. */
  endConnection({ tsih, worker }: SessionEntry, cid: number, reason: string, { replaced = false } = {}): Promise<void> {
    return this.#ask(worker, (request) => ({ type: 'endConnection', request, tsih, cid, reason, replaced }));
  }

  /**
   * A connection is gone, and its session with it if that has ended: its worker may keep the tasks of a lost one whose place here was another's
   * that did not come. `id` is that of the hand-off that brought it.
   */
  connectionEnded(tsih: number, cid: number, id: number, sessionEnded: boolean, reason: string): void {
    const entry = this.#sessions.find(tsih);
    // A connection that took this one's place has the CID by now.
    if (entry?.connections.get(cid)?.id === id) entry.connections.delete(cid);
    if (sessionEnded && entry?.connections.size === 0) this.#sessions.remove(tsih, reason);
  }

  /** What a worker that is gone had, has ended with it. */
  #ask(worker: number, message: (request: number) => ToWorker): Promise<void> {
    const workers = this.#workers;
    const asked = workers.isRunning(worker) ? [worker] : [];
    return this.#requests.ask(asked, (index, request) => workers.send(index, message(request)));
  }
}
