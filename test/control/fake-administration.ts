// What reloads act on, for tests of what they plan and do: it remembers what was done to it, and refuses what it is told to.

import { LunaringError } from '../../src/base/error.ts';
import type { LunSettings, PortalSettings, Settings, TargetSettings } from '../../src/config/settings.ts';
import type { Administration, Withdrawal } from '../../src/control/administration.ts';
import { leavesIpv4 } from '../../src/control/families.ts';
import type { Portals } from '../../src/control/portals.ts';
import type { Rehearsal } from '../../src/control/rehearsal.ts';

/** Serves nothing. */
export class FakeAdministration {
  readonly done: string[] = [];
  /** Thrown by the call that is spelt like this. */
  readonly refuses = new Map<string, Error>();
  readonly #targets: readonly TargetSettings[];

  constructor({ targets }: Settings) {
    this.#targets = targets;
  }

  /** Stands in for the real one as far as reloads go. */
  asAdministration(): Administration {
    return this as unknown as Administration;
  }

  #do(call: string): void {
    const error = this.refuses.get(call);
    if (error !== undefined) throw error;
    this.done.push(call);
  }

  servedTargets(): readonly TargetSettings[] {
    return this.#targets;
  }

  /** One at each target, with a number of its own. */
  sessionsOf(name: string): number[] {
    const index = this.#targets.findIndex((target) => target.name === name);
    return index < 0 ? [] : [index + 1];
  }

  target(name: string) {
    const target = this.#targets.find((each) => each.name === name);
    return target === undefined ? undefined : { units: target.luns.map(({ lun, size }) => ({ lun, bytes: size })) };
  }

  addTarget({ name }: TargetSettings): void {
    this.#do(`add ${name}`);
  }

  async removeTarget(name: string): Promise<void> {
    this.#do(`remove ${name}`);
  }

  async withdrawTarget(name: string): Promise<Withdrawal> {
    await this.removeTarget(name);
    return { restore: async () => this.#do(`add ${name}`), release: () => {} };
  }

  arrangeTargets(): void {}

  /** Finds nothing in the way. */
  rehearsal(): Rehearsal {
    const nothing = () => {};
    const rehearsal = { addTarget: nothing, addUnit: nothing, removeUnit: nothing, growUnit: nothing };
    return rehearsal as Partial<Rehearsal> as Rehearsal;
  }

  changeTarget(name: string, change: Partial<TargetSettings>): void {
    this.#do(`change ${name} ${JSON.stringify(change)}`);
  }

  setState(name: string, state: string): void {
    this.#do(`${state} ${name}`);
  }

  setRedirect(name: string, redirect: { readonly address: string } | null): void {
    this.#do(`redirect ${name} ${redirect?.address}`);
  }

  async addUnit(name: string, { lun, size }: LunSettings): Promise<void> {
    this.#do(`add ${name} ${lun} of ${size}`);
  }

  async removeUnit(name: string, lun: number, replaced = false): Promise<void> {
    this.#do(`${replaced ? 'clear' : 'remove'} ${name} ${lun}`);
  }

  async withdrawUnit(name: string, lun: number, replaced = false): Promise<Withdrawal> {
    const own = this.#targets.find((each) => each.name === name)!.luns.find((each) => each.lun === lun)!;
    await this.removeUnit(name, lun, replaced);
    return { restore: () => this.addUnit(name, own), release: () => {} };
  }

  growUnit(name: string, lun: number, bytes: number): void {
    this.#do(`grow ${name} ${lun} ${bytes}`);
  }

  limitUnit(name: string, lun: number, limits: LunSettings['limits']): void {
    this.#do(`limit ${name} ${lun} ${limits?.iops}`);
  }
}

/** Listens nowhere. */
export class FakePortals {
  readonly done: string[] = [];
  /** An address that can't be listened on. */
  refuses = '';
  settings: readonly PortalSettings[];

  constructor(settings: readonly PortalSettings[]) {
    this.settings = settings;
  }

  /** Stands in for the real ones as far as reloads go. */
  asPortals(): Portals {
    return this as unknown as Portals;
  }

  async add(portal: PortalSettings, beside: readonly PortalSettings[]): Promise<void> {
    if (portal.address === this.refuses) throw new LunaringError('LUNARING_PORTAL', `portal ${portal.address}: no`);
    this.done.push(`listen ${portal.address} ${portal.port}${leavesIpv4(portal, beside) ? ' IPv6 only' : ''}`);
    this.settings = [...this.settings, portal];
  }

  change(before: PortalSettings, after: PortalSettings): void {
    const changed = Object.entries(after).filter(([key, value]) => before[key as keyof PortalSettings] !== value);
    this.done.push(`change ${before.address} ${before.port} ${changed.flat().join(' ')}`);
    this.settings = this.settings.map((portal) => (portal === before ? after : portal));
  }

  remove(portal: PortalSettings): void {
    this.done.push(`leave ${portal.address} ${portal.port}`);
    this.settings = this.settings.filter((each) => each !== portal);
  }
}
