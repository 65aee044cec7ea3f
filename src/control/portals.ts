// The portals that are listened on: opened, closed and changed while others are, and while sessions go on that came through them.
// What happens on one is portal.ts's.

import { isDeepStrictEqual } from 'node:util';
import type { PortalSettings } from '../config/settings.ts';
import type { CongestionChoice } from './congestion.ts';
import { leavesIpv4 } from './families.ts';
import type { LoginContext } from './login-connection.ts';
import { Portal } from './portal.ts';

/** A portal that is listened on; `port` is the real one where 0 was configured. */
export interface RunningPortal {
  readonly address: string;
  readonly port: number;
  readonly tag: number;
  /** Where initiators are told that it is, if that is somewhere else. */
  readonly advertise?: string;
}

/** All of the process. */
export class Portals {
  readonly #context: LoginContext;
  readonly #congestion: CongestionChoice;
  #portals: readonly Portal[] = [];
  /** They listen no more, and have connections yet. */
  readonly #leaving = new Set<Portal>();

  /** `congestion`: what connections are to send with. */
  constructor(context: LoginContext, congestion: CongestionChoice) {
    this.#context = context;
    this.#congestion = congestion;
  }

  /** In the order in which they came. */
  get running(): readonly RunningPortal[] {
    return this.#portals.map(({ settings: { address, tag, advertise }, port }) => {
      return { address, port, tag, ...(advertise === undefined ? {} : { advertise }) };
    });
  }

  /** As they were configured. */
  get settings(): readonly PortalSettings[] {
    return this.#portals.map(({ settings }) => settings);
  }

  /** Listens on another one. `beside`: all that are to be listened on in the end. Throws LunaringError when it can't. */
  async add(settings: PortalSettings, beside: readonly PortalSettings[]): Promise<void> {
    const portal = new Portal(settings, leavesIpv4(settings, beside), this.#context, this.#congestion);
    await portal.listen();
    this.#portals = [...this.#portals, portal];
  }

  /** From now on a portal has these settings, of the same address and port: for logins to come. */
  change(before: PortalSettings, after: PortalSettings): void {
    this.#find(before).settings = after;
  }

  /** Listens no more on one. Its address is free when this returns; logins that are under way there go on, and so do sessions. */
  remove(settings: PortalSettings): void {
    const portal = this.#find(settings);
    this.#portals = this.#portals.filter((each) => each !== portal);
    this.#leaving.add(portal);
    void portal.retire().then(() => this.#leaving.delete(portal));
  }

  #find(settings: PortalSettings): Portal {
    return this.#portals.find((portal) => isDeepStrictEqual(portal.settings, settings))!;
  }

  /** Ends them all, and what is still in login. */
  async close(): Promise<void> {
    await Promise.all([...this.#portals, ...this.#leaving].map((portal) => portal.close()));
  }
}
