// What an operator does to a running target: targets taken offline, redirected and removed, sessions listed and ended.
// How the wish is expressed (HTTP, a library call) is for the layers above; what it means for a login is policy.ts's.

import type { Logger } from 'pino';
import type { TargetSettings } from '../config/settings.ts';
import type { Redirect, SessionType } from '../login/policy.ts';
import type { SessionParameters } from '../pdu/parameters.ts';
import type { Catalog } from './catalog.ts';
import type { Endings } from './endings.ts';
import type { Requests } from './requests.ts';
import type { ConnectionEntry, SessionEntry, Sessions } from './sessions.ts';
import { syncStorage } from './storage.ts';
import type { Supervisor } from './supervisor.ts';
import type { Tombstones } from './tombstones.ts';

/** A session, for a list of them. */
export interface SessionReport {
  readonly tsih: number;
  readonly sessionType: SessionType;
  readonly initiatorName: string;
  readonly initiatorAlias: string;
  /** 12 hex digits. */
  readonly isid: string;
  /** Empty: a discovery session. */
  readonly targetName: string;
  readonly portalGroupTag: number;
  /** Index of its worker; -1: main. */
  readonly worker: number;
  readonly since: Date;
  readonly parameters: SessionParameters;
  readonly connections: readonly ConnectionEntry[];
}

/** A target, for a list of them. */
export interface TargetReport {
  readonly name: string;
  readonly alias: string;
  readonly state: TargetSettings['state'];
  readonly redirect: Redirect | null;
  readonly portalGroups: readonly number[];
  readonly sessions: number;
  readonly connections: number;
}

/** What administration acts on. */
export interface AdministrationContext {
  readonly catalog: Catalog;
  readonly tombstones: Tombstones;
  readonly sessions: Sessions;
  readonly supervisor: Supervisor;
  readonly requests: Requests;
  readonly endings: Endings;
  readonly log: Logger;
}

/** The operator's hand. Names are taken in any case; what answers false knows none of that name. */
export class Administration {
  readonly #context: AdministrationContext;

  constructor(context: AdministrationContext) {
    this.#context = context;
  }

  /** In the order of the configuration. */
  targets(): TargetReport[] {
    const { catalog, sessions } = this.#context;
    return catalog.targets.map(({ name, settings, state, redirect }) => {
      const { alias = '', portalGroups } = settings;
      return { name, alias, state, redirect, portalGroups, ...sessions.countOf(name) };
    });
  }

  /** Discovery sessions and those on their way to a worker included. */
  sessions(): SessionReport[] {
    return [...this.#context.sessions.all()].map(reportOf);
  }

  /** An offline target refuses logins with 0301. Its sessions go on until they are ended. */
  setState(name: string, state: TargetSettings['state']): boolean {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    target.state = state;
    log.info({ target: target.name, state }, 'the state of a target was set');
    return true;
  }

  /** Sends the logins to come elsewhere (0101, 0102); null clears that. Sessions go on until they are ended. */
  setRedirect(name: string, redirect: Redirect | null): boolean {
    const { catalog, log } = this.#context;
    const target = catalog.find(name);
    if (target === undefined) return false;
    target.redirect = redirect;
    log.info({ target: target.name, redirect }, 'the redirect of a target was set');
    return true;
  }

  /**
   * Removes a target: from now on its logins are refused with 0204. Resolves when its sessions have ended, what they wrote is on the
   * disk, and its storage is closed.
   */
  async removeTarget(name: string): Promise<boolean> {
    const { catalog, tombstones, sessions, endings, supervisor, requests, log } = this.#context;
    const removed = catalog.remove(name);
    if (removed === undefined) return false;
    const target = removed.settings.name;
    tombstones.raise(removed.settings);
    log.info({ target }, 'a target was removed');
    const own = [...sessions.all()].filter(({ identity }) => identity.targetName === target);
    await Promise.all(own.map((entry) => endings.endSession(entry, 'its target was removed')));
    for (const { id } of removed.units) {
      await requests.ask(supervisor.running(), (worker, request) =>
        supervisor.send(worker, { type: 'unitRemoved', id, request }),
      );
    }
    syncStorage(removed.units, log);
    removed.close();
    return true;
  }

  /** Ends a session: its tasks are aborted, its connections closed. Resolves when that is done. */
  async endSession(tsih: number): Promise<boolean> {
    const { sessions, endings } = this.#context;
    const entry = sessions.find(tsih);
    if (entry === undefined) return false;
    await endings.endSession(entry, 'ended by an operator');
    return true;
  }
}

function reportOf(entry: SessionEntry): SessionReport {
  const { tsih, identity, sessionType, initiatorAlias, worker, since, parameters, connections } = entry;
  return {
    tsih,
    ...identity,
    sessionType,
    initiatorAlias,
    worker,
    since,
    parameters,
    connections: [...connections.values()],
  };
}
