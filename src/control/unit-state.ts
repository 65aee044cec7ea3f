// The rules by which the state of a unit changes, applied on main, which is the authority for every worker.
// Pure: an order and the state before give the state after. Carrying it to the workers is unit-state-authority.ts's.

import { type NexusName, nexusKey } from '../ring/reservations.ts';
import type { StateChange, StateNews, StateResult, UnitState } from '../ring/unit-state.ts';

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
  switch (change.kind) {
    case 'load':
    case 'eject': {
      // SBC-4: prevention keeps a medium out as well as in.
      if (state.preventers.length !== 0) return { result: 'prevented', state, news: null };
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
      const same = descriptorSense === state.descriptorSense && writeProtected === state.writeProtected;
      return same ? good(state) : good({ ...state, descriptorSense, writeProtected }, 'modeParametersChanged');
    }
  }
}

function holds(state: UnitState, nexus: NexusName): boolean {
  return state.preventers.some((each) => nexusKey(each) === nexusKey(nexus));
}

/** The state once `nexus` is gone: what it held is free. */
export function withoutPreventer(state: UnitState, nexus: NexusName): UnitState {
  if (!holds(state, nexus)) return state;
  return { ...state, preventers: state.preventers.filter((each) => nexusKey(each) !== nexusKey(nexus)) };
}

/** The state after a logical unit reset: nobody holds the medium, mode parameters are what they were at first. The medium stays where it is. */
export function resetState(state: UnitState): UnitState {
  if (state.preventers.length === 0 && !state.descriptorSense && !state.writeProtected) return state;
  return { ...state, preventers: [], descriptorSense: false, writeProtected: false };
}
