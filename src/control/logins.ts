// All that takes part in a login on main's side, put together: policy, admittance, hand-offs, endings, and what is remembered of
// refusals and of targets that were removed.
// Portals bring the connections; what the parts do is in the file of each.

import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import type { AdvertisedPortal, AdvertisedTarget } from '../login/discovery.ts';
import { Admittance } from './admittance.ts';
import type { Catalog } from './catalog.ts';
import { Endings } from './endings.ts';
import { leavesIpv4 } from './families.ts';
import { Handoffs } from './handoff.ts';
import { handoffRecord } from './handoff-record.ts';
import type { LoginContext } from './login-connection.ts';
import { LoginSettings } from './login-settings.ts';
import type { Machine } from './machine.ts';
import type { MeterBook } from './meter-book.ts';
import { Policy } from './policy.ts';
import type { RunningPortal } from './portals.ts';
import { RefusalLog } from './refusal-log.ts';
import { Refusals } from './refusals.ts';
import type { Requests } from './requests.ts';
import type { Sessions } from './sessions.ts';
import { Tombstones } from './tombstones.ts';
import type { Workers } from './workers.ts';

/** What logins stand on. */
export interface LoginsOptions {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly workers: Workers;
  readonly requests: Requests;
  readonly meterBook: MeterBook;
  /** The portals, with the ports that they really listen on. */
  readonly portals: () => readonly RunningPortal[];
  readonly machine: Machine;
  readonly log: Logger;
}

/** The logins of the process. */
export class Logins {
  readonly admittance = new Admittance();
  readonly refusals = new Refusals();
  readonly tombstones: Tombstones;
  readonly settings: LoginSettings;
  readonly endings: Endings;
  readonly handoffs: Handoffs;
  /** For the portals' connections. */
  readonly context: LoginContext;
  readonly #options: LoginsOptions;

  constructor(options: LoginsOptions) {
    this.#options = options;
    const { catalog, sessions, workers, requests, meterBook, machine, log } = options;
    const settings = new LoginSettings(options.settings);
    const tombstones = new Tombstones(machine.now);
    const endings = new Endings(sessions, workers, requests);
    const handoffs = new Handoffs({
      catalog,
      sessions,
      workers,
      endings,
      record: (id, entry, candidate) => {
        const { targetName } = entry.identity;
        const target = catalog.find(targetName);
        return handoffRecord(id, entry, candidate, {
          target,
          portals: this.#portalsOf(targetName),
          tuning: settings.tuning,
          afterPowerOn: !sessions.isKnown(entry.identity),
          meter: meterBook.ofInitiator(entry.identity, target?.settings.initiatorLimits ?? []),
        });
      },
      machine,
      log,
    });
    this.settings = settings;
    this.tombstones = tombstones;
    this.endings = endings;
    this.handoffs = handoffs;
    const { admittance, refusals } = this;
    const refusalLog = new RefusalLog(machine.now, log);
    this.context = {
      policy: new Policy({ settings, catalog, tombstones, sessions, admittance }),
      admittance,
      sessions,
      settings,
      targets: () => this.#advertised(),
      handOver: async (candidate) => {
        const refusal = await handoffs.take(candidate);
        if (refusal === null) refusals.succeeded();
        return refusal;
      },
      refused: (refusal) => {
        refusals.add(refusal);
        refusalLog.note(refusal);
      },
      machine,
      log,
    };
  }

  #portals(): AdvertisedPortal[] {
    const portals = this.#options.portals();
    return portals.map((portal) => {
      const { address, port, tag, advertise } = portal;
      return { address, port, portalGroupTag: tag, ipv6Only: leavesIpv4(portal, portals), advertise };
    });
  }

  #portalsOf(targetName: string): AdvertisedPortal[] {
    const groups = this.#options.catalog.find(targetName)?.settings.portalGroups ?? [];
    return this.#portals().filter(({ portalGroupTag }) => groups.includes(portalGroupTag));
  }

  #advertised(): AdvertisedTarget[] {
    const portals = this.#portals();
    return this.#options.catalog.targets.map(({ name, settings: { acl, portalGroups } }) => ({
      name,
      acl,
      portals: portals.filter(({ portalGroupTag }) => portalGroups.includes(portalGroupTag)),
    }));
  }
}
