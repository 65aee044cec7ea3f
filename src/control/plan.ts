// What it takes to serve what a configuration says instead of what is served: change by change, with the sessions that each touches, and
// the steps to take. What is no target's is planned in service-plan.ts; taking the steps is reload.ts's.

import { sameSettings } from '../config/plain.ts';
import type { LunSettings, Settings, TargetSettings } from '../config/settings.ts';
import { type Administration, CHANGEABLE, type TargetChange, type Withdrawal } from './administration.ts';
import { type Action, Draft, Phase, type Plan, type Work } from './draft.ts';
import { placeOf } from './holders.ts';
import { planService, type ServedService } from './service-plan.ts';

/** What is served. */
export interface Served extends ServedService {
  readonly administration: Administration;
}

/** What two units may not both have: files, names. */
function placesOf({ luns }: Pick<TargetSettings, 'luns'>): string[] {
  return luns.flatMap((lun) => [
    ...(lun.backend === 'file' ? [placeOf(lun.path)] : []),
    ...(lun.serial === undefined ? [] : [lun.serial]),
    ...(lun.naa === undefined ? [] : [lun.naa]),
  ]);
}

/** Takes something out, so that it can be put back for as long as the steps after it may fail. */
function withdrawal(withdraw: () => Promise<Withdrawal | undefined>): Pick<Work, 'run' | 'undo' | 'settle'> {
  let withdrawn: Withdrawal | undefined;
  return {
    run: async () => {
      withdrawn = await withdraw();
    },
    undo: () => withdrawn?.restore(),
    settle: () => withdrawn?.release(),
  };
}

class Planner {
  readonly #draft: Draft;
  readonly #administration: Administration;

  constructor(draft: Draft, administration: Administration) {
    this.#draft = draft;
    this.#administration = administration;
  }

  targets(wanted: readonly TargetSettings[]): void {
    const current = new Map(this.#administration.servedTargets().map((target) => [target.name, target]));
    const names = new Set(wanted.map(({ name }) => name));
    for (const target of wanted) {
      const own = current.get(target.name);
      if (own === undefined) this.#addTarget(target);
      else this.#changeTarget(own, target);
    }
    for (const target of current.values()) if (!names.has(target.name)) this.#removeTarget(target);
    const run = () => this.#administration.arrangeTargets(wanted);
    this.#draft.step({ phase: Phase.arrange, path: 'targets', run });
  }

  #addTarget(target: TargetSettings): void {
    const administration = this.#administration;
    const path = pathOf(target);
    this.#draft.note(path, 'add');
    this.#draft.add(path, placesOf(target), {
      run: () => administration.addTarget(target),
      undo: () => administration.removeTarget(target.name),
      rehearse: (rehearsal) => rehearsal.addTarget(target),
    });
  }

  #removeTarget(target: TargetSettings): void {
    const administration = this.#administration;
    const { name, luns } = target;
    const path = pathOf(target);
    this.#draft.note(path, 'remove', administration.sessionsOf(name));
    this.#draft.remove(path, placesOf(target), {
      ...withdrawal(() => administration.withdrawTarget(name)),
      rehearse(rehearsal) {
        for (const { lun } of luns) rehearsal.removeUnit(name, lun);
      },
    });
  }

  #changeTarget(own: TargetSettings, wanted: TargetSettings): void {
    const administration = this.#administration;
    const { name } = own;
    const path = pathOf(own);
    for (const key of CHANGEABLE) {
      if (sameSettings(own[key], wanted[key])) continue;
      const set = (value: unknown) => administration.changeTarget(name, { [key]: value } as TargetChange);
      const sessions = key === 'initiatorLimits' ? administration.sessionsOf(name) : [];
      this.#draft.change<unknown>(`${path}.${key}`, own[key], wanted[key], set, sessions);
    }
    if (own.state !== wanted.state) {
      this.#draft.change(`${path}.state`, own.state, wanted.state, (state) => administration.setState(name, state));
    }
    if (!sameSettings(own.redirect, wanted.redirect)) {
      this.#draft.change(`${path}.redirect`, own.redirect, wanted.redirect, (redirect) =>
        administration.setRedirect(name, redirect ?? null),
      );
    }
    this.#units(own, wanted);
  }

  #units(own: TargetSettings, wanted: TargetSettings): void {
    const current = new Map(own.luns.map((lun) => [lun.lun, lun]));
    const numbers = new Set(wanted.luns.map(({ lun }) => lun));
    const { units = [] } = this.#administration.target(own.name) ?? {};
    const sizes = new Map(units.map(({ lun, bytes }) => [lun, bytes]));
    for (const lun of wanted.luns) {
      const before = current.get(lun.lun);
      if (before === undefined) this.#addUnit(own.name, lun, 'add');
      else this.#changeUnit(own.name, before, lun, sizes.get(lun.lun) ?? 0);
    }
    for (const lun of own.luns) {
      if (numbers.has(lun.lun)) continue;
      this.#draft.note(pathOf(own, lun), 'remove', this.#administration.sessionsOf(own.name));
      this.#removeUnit(own.name, lun, false);
    }
  }

  #addUnit(name: string, lun: LunSettings, action: Action): void {
    const administration = this.#administration;
    const path = pathOf({ name }, lun);
    this.#draft.note(path, action, administration.sessionsOf(name));
    this.#draft.add(path, [path, ...placesOf({ luns: [lun] })], {
      run: () => administration.addUnit(name, lun),
      undo: () => administration.removeUnit(name, lun.lun, action === 'replace'),
      rehearse: (rehearsal) => rehearsal.addUnit(name, lun),
    });
  }

  #removeUnit(name: string, lun: LunSettings, replaced: boolean): void {
    const administration = this.#administration;
    const path = pathOf({ name }, lun);
    this.#draft.remove(path, [path, ...placesOf({ luns: [lun] })], {
      ...withdrawal(() => administration.withdrawUnit(name, lun.lun, replaced)),
      rehearse: (rehearsal) => rehearsal.removeUnit(name, lun.lun),
    });
  }

  /** `bytes`: how long the unit is now. */
  #changeUnit(name: string, before: LunSettings, lun: LunSettings, bytes: number): void {
    const administration = this.#administration;
    const size = lun.size ?? bytes;
    const others = ({ size: _, limits: __, ...rest }: LunSettings) => rest;
    const grows = size > bytes && lun.backend !== 'memory';
    if (!sameSettings(others(before), others(lun)) || (size !== bytes && !grows)) {
      this.#removeUnit(name, before, true);
      this.#addUnit(name, lun, 'replace');
      return;
    }
    const path = pathOf({ name }, lun);
    if (grows) {
      this.#draft.note(`${path}.size`, 'grow', administration.sessionsOf(name));
      this.#draft.step({
        phase: Phase.grow,
        path: `${path}.size`,
        run: () => administration.growUnit(name, lun.lun, size),
        rehearse: (rehearsal) => rehearsal.growUnit(name, lun.lun, size),
      });
    }
    if (sameSettings(before.limits, lun.limits)) return;
    this.#draft.note(`${path}.limits`, 'limit', administration.sessionsOf(name));
    const limit = ({ limits }: LunSettings) => administration.limitUnit(name, lun.lun, limits);
    this.#draft.step({ phase: Phase.change, path: `${path}.limits`, run: () => limit(lun), undo: () => limit(before) });
  }
}

function pathOf({ name }: Pick<TargetSettings, 'name'>, lun?: LunSettings): string {
  return `targets[${name}]${lun === undefined ? '' : `.luns[${lun.lun}]`}`;
}

/** Plans the way from what is served to `wanted`. */
export function planChanges(served: Served, wanted: Settings): Plan {
  const draft = new Draft();
  planService(draft, served, wanted);
  new Planner(draft, served.administration).targets(wanted.targets);
  return draft.plan;
}
