// Plans the way to other portals, another discovery, tuning and log: what has nothing to do with any single target.
// Targets are plan.ts's; what a portal or a setting does is portals.ts's and login-settings.ts's.

import { hostPort } from '../base/host-port.ts';
import { ConfigurationError } from '../config/finding.ts';
import { sameSettings } from '../config/plain.ts';
import type { PortalSettings, Settings, TuningSettings } from '../config/settings.ts';
import { type Draft, Phase } from './draft.ts';
import { leavesIpv4 } from './families.ts';
import { LOGIN_TUNING, type LoginSettings, type LoginTuning } from './login-settings.ts';
import type { Portals } from './portals.ts';
import { rehearseStateDirectory } from './state-directory.ts';

/** What is served, apart from targets. */
export interface ServedService {
  /** As they were at the start: of what can't change while the target runs, they say what is in force. */
  readonly settings: Settings;
  readonly listeners: Portals;
  readonly loginSettings: LoginSettings;
  /** `level` can be set. */
  readonly log: { level: string };
}

/** Why the rest of `tuning` waits for the next start. */
const START_TUNING: Readonly<Record<Exclude<keyof TuningSettings, keyof LoginTuning>, string>> = {
  workers: 'the threads are started once, and a session stays on its own',
  cpus: 'a worker is pinned when its thread starts',
  engine: 'a worker takes its engine when its thread starts',
  slabMiB: 'a worker reserves its memory when its thread starts',
  sqPoll: 'a worker sets its ring up when its thread starts',
  busyPollUs: 'a worker is told when its thread starts',
  coalesceUs: 'a worker is told when its thread starts',
  congestionControl: 'portals and connections have it from when they were opened',
};

const nameOf = ({ address, port }: PortalSettings): string => `portals[${hostPort(address, port)}]`;

/** Listens, and says as a finding why not. */
async function open(listeners: Portals, portal: PortalSettings, beside: readonly PortalSettings[]): Promise<void> {
  try {
    await listeners.add(portal, beside);
  } catch (error) {
    const found = { path: 'address', origin: 'the configuration', received: (error as Error).message };
    const allowed = 'an address of this machine, and a port that is free';
    throw new ConfigurationError([{ severity: 'error', ...found, allowed, remedy: 'free it, or choose another' }]);
  }
}

function planPortals(draft: Draft, listeners: Portals, wanted: readonly PortalSettings[]): void {
  const before = listeners.settings;
  const left = [...before];
  const added: PortalSettings[] = [];
  const reopened: PortalSettings[] = [];
  for (const portal of wanted) {
    const index = left.findIndex(({ address, port }) => address === portal.address && port === portal.port);
    const [own] = index < 0 ? [] : left.splice(index, 1);
    if (own === undefined) added.push(portal);
    else if (leavesIpv4(own, before) !== leavesIpv4(portal, wanted)) {
      // A socket has the addresses of IPv4, or has them not, for as long as it listens.
      reopened.push(portal);
      left.push(own);
      draft.note(nameOf(portal), 'change');
    } else if (!sameSettings(own, portal)) {
      const to = (before: PortalSettings, after: PortalSettings) => () => listeners.change(before, after);
      draft.note(nameOf(portal), 'change');
      draft.step({ phase: Phase.change, path: nameOf(portal), run: to(own, portal), undo: to(portal, own) });
    }
  }
  for (const portal of added) draft.note(nameOf(portal), 'add');
  const opened = [...added, ...reopened];
  for (const portal of opened) {
    const run = () => open(listeners, portal, wanted);
    draft.step({ phase: Phase.add, path: nameOf(portal), run, undo: () => listeners.remove(portal) });
  }
  // Two portals with the same port may be in each other's way: one of them may listen on all addresses.
  const ports = new Set(opened.map(({ port }) => port).filter((port) => port !== 0));
  for (const portal of left) {
    if (!reopened.some((same) => nameOf(same) === nameOf(portal))) draft.note(nameOf(portal), 'remove');
    const phase = ports.has(portal.port) ? Phase.leave : Phase.remove;
    const run = () => listeners.remove(portal);
    draft.step({ phase, path: nameOf(portal), run, undo: () => listeners.add(portal, before) });
  }
}

function planTuning(draft: Draft, { settings, loginSettings }: ServedService, wanted: TuningSettings): void {
  const before = loginSettings.tuning;
  for (const key of LOGIN_TUNING) {
    if (before[key] === wanted[key]) continue;
    const set = (value: LoginTuning[typeof key]) => {
      loginSettings.tuning = { ...loginSettings.tuning, [key]: value };
    };
    draft.change<LoginTuning[typeof key]>(`tuning.${key}`, before[key], wanted[key], set);
  }
  for (const [key, reason] of Object.entries(START_TUNING)) {
    const [own, other] = [settings.tuning, wanted].map((tuning) => tuning[key as keyof TuningSettings]);
    if (!sameSettings(own, other)) draft.wait(`tuning.${key}`, reason);
  }
}

function planStateDirectory(draft: Draft, own: string | undefined, wanted: string | undefined): void {
  const path = 'stateDirectory';
  if (own !== wanted) draft.wait(path, 'a unit keeps its state in one place for as long as the target runs');
  if (wanted === undefined) return;
  draft.step({ phase: Phase.arrange, path, run: () => {}, rehearse: () => rehearseStateDirectory(wanted) });
}

/** Drafts the way from what is served to `wanted`. */
export function planService(draft: Draft, served: ServedService, wanted: Settings): void {
  const { settings, listeners, loginSettings, log } = served;
  planPortals(draft, listeners, wanted.portals);
  if (!sameSettings(settings.admin, wanted.admin)) draft.wait('admin', 'the interface is opened once');
  if (!sameSettings(loginSettings.discovery, wanted.discovery)) {
    draft.change('discovery', loginSettings.discovery, wanted.discovery, (discovery) => {
      loginSettings.discovery = discovery;
    });
  }
  planTuning(draft, served, wanted.tuning);
  planStateDirectory(draft, settings.stateDirectory, wanted.stateDirectory);
  if (settings.log.format !== wanted.log.format) draft.wait('log.format', 'the log is opened once');
  if (log.level === wanted.log.level) return;
  draft.change('log.level', log.level, wanted.log.level, (level) => {
    log.level = level;
  });
}
