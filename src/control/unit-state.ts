// The rules by which the state of a unit changes, applied on main, which is the authority for every worker.
// Pure: an order and the state before give the state after. Carrying it to the workers is unit-state-authority.ts's.

import { covers, type NexusName, nexusKey } from '../ring/reservations.ts';
import {
  accessOf,
  type ControlParameters,
  isOccupied,
  type PortGroupAccess,
  type StateChange,
  type StateNews,
  type StateResult,
  UnitCondition,
  type UnitState,
} from '../ring/unit-state.ts';

/** What a change led to. The state is the same object when nothing changed. */
export interface StateOutcome {
  readonly result: StateResult;
  readonly state: UnitState;
  readonly news: StateNews | null;
}

/** Carries out what `by` wants. */
export function changeState(state: UnitState, by: NexusName, change: StateChange): StateOutcome {
  const good = (next: UnitState, news: StateNews | null = null): StateOutcome => ({
    result: 'good',
    state: next,
    news,
  });
  const refused = (result: StateResult): StateOutcome => ({ result, state, news: null });
  switch (change.kind) {
    case 'load':
    case 'eject': {
      // SBC-4: prevention keeps a medium out as well as in.
      if (state.preventers.length !== 0) return refused('prevented');
      const loaded = change.kind === 'load';
      if (loaded === state.loaded) return good(state);
      return good({ ...state, loaded }, loaded ? 'mediumLoaded' : null);
    }
    case 'prevent':
      return good(holds(state, by) ? state : { ...state, preventers: [...state.preventers, by] });
    case 'allow':
      return good(withoutPreventer(state, by));
    case 'control': {
      const { descriptorSense, writeProtected } = change;
      const values = { descriptorSense, writeProtected };
      const next = { ...state, ...values, saved: change.save ? values : state.saved };
      if (!isSame(values, state)) return good(next, 'modeParametersChanged');
      return good(isSame(next.saved, state.saved) ? state : next);
    }
    case 'access': {
      const portGroups = withAccess(state.portGroups, change.portGroups);
      const changed = portGroups.some(({ tag, state: access }) => accessOf(state, tag) !== access);
      return changed ? good({ ...state, portGroups }, 'accessStateChanged') : good(state);
    }
    case 'timestamp':
      return good({ ...state, timestamp: { value: change.value, at: change.at } }, 'timestampChanged');
    case 'occupy': {
      if (isOccupied(state)) return refused('occupied');
      const { condition, exitAllowed } = change;
      // SBC-4: after a failure in the restricted completion mode, a mode with an easier way out is not to be had.
      const restricted = state.condition === UnitCondition.sanitizeFailed && !state.exitAllowed;
      return restricted && exitAllowed ? refused('exitRefused') : good({ ...state, condition, exitAllowed });
    }
    case 'release':
      return good(releasedState(state, change.failed));
    case 'exitFailure':
      if (state.condition !== UnitCondition.sanitizeFailed) return good(state);
      return state.exitAllowed ? good({ ...state, condition: UnitCondition.usable }) : refused('exitRefused');
  }
}

/** The state once the command that worked on all of the medium has ended. A FORMAT UNIT that failed leaves blocks that can be used, old or new. */
export function releasedState(state: UnitState, failed: boolean): UnitState {
  const stuck = failed && state.condition === UnitCondition.sanitizing;
  return { ...state, condition: stuck ? UnitCondition.sanitizeFailed : UnitCondition.usable };
}

function holds(state: UnitState, nexus: NexusName): boolean {
  return state.preventers.some((each) => nexusKey(each) === nexusKey(nexus));
}

/** The state once `nexus` is gone, or every one that it names: what it held is free. */
export function withoutPreventer(state: UnitState, nexus: NexusName): UnitState {
  const preventers = state.preventers.filter((each) => !covers(nexus, each));
  return preventers.length === state.preventers.length ? state : { ...state, preventers };
}

function isSame(one: ControlParameters, other: ControlParameters): boolean {
  return one.descriptorSense === other.descriptorSense && one.writeProtected === other.writeProtected;
}

/** The groups that have been named so far, with what is said of some of them now. */
function withAccess(before: readonly PortGroupAccess[], now: readonly PortGroupAccess[]): PortGroupAccess[] {
  return [...before.filter(({ tag }) => now.every((group) => group.tag !== tag)), ...now];
}

/** The state after a logical unit reset: nobody holds the medium, mode parameters are those last saved. The medium stays where and as it is. */
export function resetState(state: UnitState): UnitState {
  if (state.preventers.length === 0 && isSame(state, state.saved)) return state;
  return { ...state, ...state.saved, preventers: [] };
}
