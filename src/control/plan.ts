// What it takes to serve what a configuration says instead of what is served: change by change, with the sessions that each touches, and
// the steps to take. Taking them is reload.ts's.

import { sameSettings } from '../config/plain.ts';
import type { LunSettings, Settings, TargetSettings } from '../config/settings.ts';
import type { Administration, TargetChange } from './administration.ts';

/** What happens. `restart`: nothing now; it holds from the next start on. */
export type Action = 'add' | 'remove' | 'replace' | 'grow' | 'limit' | 'change' | 'restart';

/** A difference. */
export interface Change {
  /** `targets[iqn.2026-11.com.example:a].luns[0].size`: targets by name, units by number. */
  readonly path: string;
  readonly action: Action;
  /** TSIHs of those whose initiators notice: told of it, limited, or ended. */
  readonly sessions: readonly number[];
}

/** Something to do. Phases are gone through in order; what can fail comes before what can't be taken back. */
export interface Step {
  readonly phase: Phase;
  readonly path: string;
  run(): unknown;
  /** Takes it back. */
  undo?(): unknown;
}

const Phase = {
  /** Removals of what others need the place of. */
  clear: 0,
  add: 1,
  grow: 2,
  change: 3,
  remove: 4,
} as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** What is planned. */
export interface Plan {
  readonly changes: readonly Change[];
  readonly steps: readonly Step[];
}

/** What is served. */
export interface Served {
  /** Those that hold until the next start. */
  readonly settings: Settings;
  readonly administration: Administration;
  /** `level` can be set. */
  readonly log: { level: string };
}

/** What the logins to come meet; nothing else of a target can change. */
const CHANGEABLE = [
  'alias',
  'acl',
  'auth',
  'redirects',
  'sessionLimit',
  'connectionLimit',
  'maxConnections',
  'digests',
  'errorRecoveryLevel',
  'initiatorLimits',
] as const satisfies readonly (keyof TargetChange)[];

/** Sections that are read at the start only. */
const SECTIONS = ['portals', 'admin', 'discovery', 'tuning'] as const;

/** What two units may not both have: files, names. */
function placesOf({ luns }: Pick<TargetSettings, 'luns'>): string[] {
  return luns.flatMap((lun) => [
    ...(lun.backend === 'file' ? [lun.path] : []),
    ...(lun.naa === undefined ? [] : [lun.naa]),
  ]);
}

class Planner {
  readonly changes: Change[] = [];
  readonly steps: Step[] = [];
  readonly #served: Served;
  /** Places that something new needs. */
  readonly #needed = new Set<string>();

  constructor(served: Served) {
    this.#served = served;
  }

  #note(path: string, action: Action, sessions: readonly number[] = []): void {
    this.changes.push({ path, action, sessions });
  }

  #sessionsOf(name: string): number[] {
    return this.#served.administration
      .sessions()
      .filter(({ targetName }) => targetName === name)
      .map(({ tsih }) => tsih);
  }

  everything(wanted: Settings): void {
    const { settings, administration, log } = this.#served;
    for (const section of SECTIONS)
      if (!sameSettings(settings[section], wanted[section])) this.#note(section, 'restart');
    if (settings.log.format !== wanted.log.format) this.#note('log.format', 'restart');
    this.#logLevel(log, wanted.log.level);
    const current = new Map(administration.servedTargets().map((target) => [target.name, target]));
    const names = new Set(wanted.targets.map(({ name }) => name));
    for (const target of wanted.targets) {
      const own = current.get(target.name);
      if (own === undefined) this.#addTarget(target);
      else this.#changeTarget(own, target);
    }
    for (const target of current.values()) if (!names.has(target.name)) this.#removeTarget(target);
  }

  #logLevel(log: { level: string }, level: string): void {
    const before = log.level;
    if (before === level) return;
    this.#note('log.level', 'change');
    const set = (value: string) => {
      log.level = value;
    };
    this.steps.push({ phase: Phase.change, path: 'log.level', run: () => set(level), undo: () => set(before) });
  }

  #addTarget(target: TargetSettings): void {
    const { administration } = this.#served;
    const path = pathOf(target);
    for (const place of placesOf(target)) this.#needed.add(place);
    this.#note(path, 'add');
    this.steps.push({
      phase: Phase.add,
      path,
      run: () => administration.addTarget(target),
      undo: () => administration.removeTarget(target.name),
    });
  }

  #removeTarget(target: TargetSettings): void {
    const { administration } = this.#served;
    const { name } = target;
    const path = pathOf(target);
    this.#note(path, 'remove', this.#sessionsOf(name));
    this.#remove(
      path,
      placesOf(target),
      () => administration.removeTarget(name),
      () => administration.addTarget(target),
    );
  }

  /** Removals come last, for nothing ends a session in vain; but for those that make room. */
  #remove(path: string, places: readonly string[], run: () => unknown, undo: () => unknown): void {
    const phase = places.some((place) => this.#needed.has(place)) ? Phase.clear : Phase.remove;
    this.steps.push({ phase, path, run, undo });
  }

  #changeTarget(own: TargetSettings, wanted: TargetSettings): void {
    const { administration } = this.#served;
    const { name } = own;
    const change = (key: string, sessions: readonly number[], run: () => unknown, undo: () => unknown): void => {
      const path = `${pathOf(own)}.${key}`;
      this.#note(path, 'change', sessions);
      this.steps.push({ phase: Phase.change, path, run, undo });
    };
    for (const key of CHANGEABLE) {
      if (sameSettings(own[key], wanted[key])) continue;
      const set = (target: TargetSettings) => administration.changeTarget(name, { [key]: target[key] } as TargetChange);
      const sessions = key === 'initiatorLimits' ? this.#sessionsOf(name) : [];
      change(
        key,
        sessions,
        () => set(wanted),
        () => set(own),
      );
    }
    if (own.state !== wanted.state) {
      const set = ({ state }: TargetSettings) => administration.setState(name, state);
      change(
        'state',
        [],
        () => set(wanted),
        () => set(own),
      );
    }
    if (!sameSettings(own.redirect, wanted.redirect)) {
      const set = ({ redirect }: TargetSettings) => administration.setRedirect(name, redirect ?? null);
      change(
        'redirect',
        [],
        () => set(wanted),
        () => set(own),
      );
    }
    if (!sameSettings(own.portalGroups, wanted.portalGroups)) this.#note(`${pathOf(own)}.portalGroups`, 'restart');
    this.#units(own, wanted);
  }

  #units(own: TargetSettings, wanted: TargetSettings): void {
    const current = new Map(own.luns.map((lun) => [lun.lun, lun]));
    const numbers = new Set(wanted.luns.map(({ lun }) => lun));
    for (const lun of wanted.luns) {
      const before = current.get(lun.lun);
      if (before === undefined) this.#addUnit(own.name, lun, 'add');
      else this.#changeUnit(own.name, before, lun);
    }
    for (const lun of own.luns) {
      if (numbers.has(lun.lun)) continue;
      this.#note(pathOf(own, lun), 'remove', this.#sessionsOf(own.name));
      this.#removeUnit(own.name, lun);
    }
  }

  #addUnit(name: string, lun: LunSettings, action: Action): void {
    const { administration } = this.#served;
    const path = pathOf({ name }, lun);
    for (const place of placesOf({ luns: [lun] })) this.#needed.add(place);
    this.#note(path, action, this.#sessionsOf(name));
    this.steps.push({
      phase: Phase.add,
      path,
      run: () => administration.addUnit(name, lun),
      undo: () => administration.removeUnit(name, lun.lun),
    });
  }

  #removeUnit(name: string, lun: LunSettings, phase?: Phase): void {
    const { administration } = this.#served;
    const path = pathOf({ name }, lun);
    const run = () => administration.removeUnit(name, lun.lun);
    const undo = () => administration.addUnit(name, lun);
    if (phase === undefined) this.#remove(path, placesOf({ luns: [lun] }), run, undo);
    else this.steps.push({ phase, path, run, undo });
  }

  #changeUnit(name: string, before: LunSettings, lun: LunSettings): void {
    const { administration } = this.#served;
    const bytes = administration.target(name)?.units.find((unit) => unit.lun === lun.lun)?.bytes ?? 0;
    const size = lun.size ?? bytes;
    const others = ({ size: _, limits: __, ...rest }: LunSettings) => rest;
    const grows = size > bytes && lun.backend !== 'memory';
    if (!sameSettings(others(before), others(lun)) || (size !== bytes && !grows)) {
      this.#removeUnit(name, before, Phase.clear);
      this.#addUnit(name, lun, 'replace');
      return;
    }
    const path = pathOf({ name }, lun);
    if (grows) {
      this.#note(`${path}.size`, 'grow', this.#sessionsOf(name));
      const run = () => administration.growUnit(name, lun.lun, size);
      this.steps.push({ phase: Phase.grow, path: `${path}.size`, run });
    }
    if (sameSettings(before.limits, lun.limits)) return;
    this.#note(`${path}.limits`, 'limit', this.#sessionsOf(name));
    const limit = ({ limits }: LunSettings) => administration.limitUnit(name, lun.lun, limits);
    this.steps.push({ phase: Phase.change, path: `${path}.limits`, run: () => limit(lun), undo: () => limit(before) });
  }
}

function pathOf({ name }: Pick<TargetSettings, 'name'>, lun?: LunSettings): string {
  return `targets[${name}]${lun === undefined ? '' : `.luns[${lun.lun}]`}`;
}

/** Plans the way from what is served to `wanted`. */
export function planChanges(served: Served, wanted: Settings): Plan {
  const planner = new Planner(served);
  planner.everything(wanted);
  // Stable: what was planned first goes first.
  return { changes: planner.changes, steps: planner.steps.toSorted((a, b) => a.phase - b.phase) };
}
