// What happens to a running target, for a program that listens: sessions begin and end, logins are refused, units fail.
// Who knows of it tells it here (sessions.ts, refusals.ts, session/disk-failures.ts); what has been counted is readings.ts's.

import { EventEmitter } from 'node:events';
import type { Logger } from 'pino';
import type { UnitFailure } from '../ring/messages.ts';
import type { RefusalReport } from './refusals.ts';
import type { SessionReport } from './reports.ts';

/** A unit's storage that fails, in fields and in words. */
export interface UnitFailureReport extends UnitFailure {
  /** As the log has it: what failed, and what to do. */
  readonly message: string;
}

/** What listeners are called with, by the event's name. */
export interface TargetEventMap {
  /** An initiator has logged in. Once for a session, however many connections it has. */
  sessionBegin: [session: SessionReport];
  /** A session is over, its connections closed; why, and what it has moved. */
  sessionEnd: [session: SessionReport, reason: string];
  /** A login was refused. */
  refusal: [refusal: RefusalReport];
  /** A unit's storage fails operations. Of each unit every worker tells at once, and then every ten seconds at most. */
  unitFailure: [failure: UnitFailureReport];
}

/**
 * Tells listeners in the order in which things happened, each time after what was going on: they may do to the target what they like. One that
 * throws, or whose promise rejects, is logged, and the others are told all the same.
 */
export class TargetEvents extends EventEmitter<TargetEventMap> {
  readonly #log: Logger;

  constructor(log: Logger) {
    super();
    this.#log = log;
  }

  /** `describe` is called at once, if anybody listens. */
  tell<Name extends keyof TargetEventMap>(name: Name, describe: () => TargetEventMap[Name]): void {
    if (this.listenerCount(name) === 0) return;
    const what = describe();
    process.nextTick(() => {
      for (const listener of this.rawListeners(name)) void this.#call(name, listener, what);
    });
  }

  async #call(event: string, listener: (...what: never[]) => unknown, what: readonly unknown[]): Promise<void> {
    try {
      await Reflect.apply(listener, this, what);
    } catch (err) {
      this.#log.error({ event, err }, 'a listener of the program threw');
    }
  }
}
