// What the login phase asks of the rest, answered from catalog, sessions and settings (login/policy.ts).
// Decides nothing about a login itself: login/ does, from these facts.

import type { Secret } from '../config/secret.ts';
import { matchesAny } from '../login/access.ts';
import { offerOf } from '../login/offer.ts';
import type { Admission, LoginPolicy, Redirect, SessionLookup, TargetFinding } from '../login/policy.ts';
import type { Admittance } from './admittance.ts';
import type { Catalog } from './catalog.ts';
import type { LoginSettings } from './login-settings.ts';
import type { Tombstones } from './tombstones.ts';

/** Where the facts are. */
export interface PolicySources {
  readonly settings: LoginSettings;
  readonly catalog: Catalog;
  readonly tombstones: Tombstones;
  readonly sessions: SessionLookup;
  readonly admittance: Admittance;
}

/** The facts of the running target. */
export class Policy implements LoginPolicy {
  readonly sessions: SessionLookup;
  readonly #sources: PolicySources;

  constructor(sources: PolicySources) {
    this.#sources = sources;
    this.sessions = sources.sessions;
  }

  get discovery(): LoginPolicy['discovery'] {
    return this.#sources.settings.discovery;
  }

  admit(): Admission {
    return this.#sources.admittance.admit();
  }

  findTarget(name: string, portalGroupTag: number): TargetFinding {
    const { catalog, tombstones, settings } = this.#sources;
    const target = catalog.find(name);
    if (target?.settings.portalGroups.includes(portalGroupTag)) {
      const { redirect = null } = target.settings;
      const offered = offerOf(target.settings, settings.tuning);
      return { kind: 'served', target: { ...target.settings, redirect, offered } };
    }
    const stone = target === undefined ? tombstones.find(name) : undefined;
    if (stone?.portalGroups.includes(portalGroupTag)) return { kind: 'removed', acl: stone.acl };
    return { kind: 'unknown' };
  }

  redirectOf(initiatorName: string, targetName: string): Redirect | null {
    const redirects = this.#sources.catalog.find(targetName)?.settings.redirects ?? [];
    return redirects.find(({ initiators }) => matchesAny(initiators, initiatorName)) ?? null;
  }

  secretsElsewhere(user: string, targetName: string): (Secret | null)[] {
    return this.#sources.catalog.targets.flatMap(({ name, settings: { auth } }) => {
      if (name === targetName || auth.method !== 'chap') return [];
      return [auth.users.find((each) => each.name === user)?.secret ?? null];
    });
  }
}
