// Whether another login is taken at all (not while the target drains, nor when logins under way or descriptors are used up), and which discovery session makes room.
// What a login is told then is decided in login/; what a target or a worker has room for, elsewhere.

import { close, duplicate, Resource, resourceLimit } from '../kernel/libc.ts';
import type { Admission } from '../login/policy.ts';
import { LoginReason } from '../pdu/login-reason.ts';

/** Logins under way at a time. Each holds a socket, a timer and at most 64 KiB of text. */
export const PENDING_LOGINS_MAX = 1024;
/** Discovery sessions at a time: hosts ask and leave within milliseconds, a few hundred of them after a power failure. */
export const DISCOVERY_SESSIONS_MAX = 256;
/** The part of the descriptors that they may have: the sessions that they are about need the others. */
const DISCOVERY_SHARE = 1 / 4;
/** Descriptors that sessions may not have, so that a refusal, a log and the admin interface still find one. */
const DESCRIPTORS_KEPT = 16;

/** A login under way, as far as it matters here. */
export interface PendingLogin {
  /** Nothing has come of it yet. */
  readonly silent: boolean;
  end(reason: string): void;
}

/** A discovery session, as far as it matters here. */
export type OpenDiscovery = Pick<PendingLogin, 'end'>;

/** The gate that all logins pass. */
export class Admittance {
  /** Why no login is taken any more; empty while logins are. */
  draining = '';
  /** Oldest first. */
  readonly #pending = new Set<PendingLogin>();
  /** Silent for longest first. */
  readonly #discoveries = new Set<OpenDiscovery>();
  readonly #descriptorsMax: number;
  readonly #discoveriesMax: number;

  constructor() {
    this.#descriptorsMax = resourceLimit(Resource.openFiles).soft - DESCRIPTORS_KEPT;
    this.#discoveriesMax = Math.min(DISCOVERY_SESSIONS_MAX, Math.max(1, this.#descriptorsMax * DISCOVERY_SHARE));
  }

  /** A connection was accepted. When there are too many, or descriptors are short, the oldest that has not said a word goes: silence keeps nobody out. */
  begin(login: PendingLogin): void {
    if (this.#pending.size >= PENDING_LOGINS_MAX || this.#isShortOfDescriptors()) {
      for (const other of this.#pending) {
        if (!other.silent) continue;
        other.end('silent, while others wait to log in');
        break;
      }
    }
    this.#pending.add(login);
  }

  /** It is no login any more: refused, closed, or in its full feature phase. */
  finish(login: PendingLogin): void {
    this.#pending.delete(login);
  }

  /** A discovery session has begun, or has said something. When there are too many, the one that has been silent for longest goes. */
  heard(discovery: OpenDiscovery): void {
    this.#discoveries.delete(discovery);
    this.#discoveries.add(discovery);
    if (this.#discoveries.size <= this.#discoveriesMax) return;
    const [idlest] = this.#discoveries;
    idlest!.end('a discovery session without a word, while others want one');
  }

  /** It has ended. */
  left(discovery: OpenDiscovery): void {
    this.#discoveries.delete(discovery);
  }

  admit(): Admission {
    if (this.draining !== '') return { kind: 'unavailable', reason: this.draining };
    if (this.#pending.size > PENDING_LOGINS_MAX) {
      const limit = `${PENDING_LOGINS_MAX} logins`;
      return { kind: 'full', reason: 'too many logins under way', limit, why: LoginReason.logins };
    }
    if (this.#isShortOfDescriptors()) {
      const limit = `fewer than ${this.#descriptorsMax}`;
      return { kind: 'full', reason: 'hardly a descriptor is left', limit, why: LoginReason.descriptors };
    }
    return { kind: 'open' };
  }

  /** The kernel gives out the lowest number that is free: what it gives tells how many are taken. */
  #isShortOfDescriptors(): boolean {
    try {
      const STANDARD_INPUT = 0;
      const descriptor = duplicate(STANDARD_INPUT);
      close(descriptor);
      return descriptor >= this.#descriptorsMax;
    } catch {
      return true;
    }
  }
}
