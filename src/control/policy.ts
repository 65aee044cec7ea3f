// What the login phase asks of the rest, answered from catalog, sessions and settings (login/policy.ts).
// Decides nothing about a login itself: login/ does, from these facts.

import type { Secret } from '../config/secret.ts';
import type { Settings } from '../config/settings.ts';
import { offerOf } from '../login/offer.ts';
import type { Admission, LoginPolicy, Redirect, SessionLookup, TargetFinding } from '../login/policy.ts';
import type { Catalog } from './catalog.ts';

/** The facts of the running target. */
export class Policy implements LoginPolicy {
  readonly sessions: SessionLookup;
  readonly discovery: LoginPolicy['discovery'];
  /** Why no login is taken any more; empty while logins are. */
  draining = '';
  readonly #settings: Settings;
  readonly #catalog: Catalog;
  readonly #pendingLogins: () => number;

  constructor(settings: Settings, catalog: Catalog, sessions: SessionLookup, pendingLogins: () => number) {
    this.#settings = settings;
    this.#catalog = catalog;
    this.sessions = sessions;
    this.discovery = settings.discovery;
    this.#pendingLogins = pendingLogins;
  }

  admit(): Admission {
    if (this.draining !== '') return { kind: 'unavailable', reason: this.draining };
    if (this.#pendingLogins() > PENDING_LOGINS_MAX) {
      return { kind: 'full', reason: 'too many logins under way', limit: `${PENDING_LOGINS_MAX} logins` };
    }
    return { kind: 'open' };
  }

  findTarget(name: string, portalGroupTag: number): TargetFinding {
    const target = this.#catalog.find(name);
    if (target === undefined || !target.settings.portalGroups.includes(portalGroupTag)) return { kind: 'unknown' };
    const { settings, state } = target;
    return { kind: 'served', target: { ...settings, state, offered: offerOf(settings, this.#settings.tuning) } };
  }

  redirectOf(_initiatorName: string, _targetName: string): Redirect | null {
    return null;
  }

  secretElsewhere(user: string, targetName: string): Secret | null {
    for (const { name, settings } of this.#catalog.targets) {
      if (name === targetName || settings.auth.method !== 'chap') continue;
      const account = settings.auth.users.find((each) => each.name === user);
      if (account !== undefined) return account.secret;
    }
    return null;
  }
}

/** Logins under way at a time; more are answered 0302. Each holds a socket, a timer and at most 64 KiB of text. */
const PENDING_LOGINS_MAX = 1024;
