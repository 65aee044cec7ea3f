// What initiators have made of a unit: its medium ejected, held in place, write protected; how it tells of errors.
// Every worker must agree on it, so a command that changes it sends an order to main. The rules are control/unit-state.ts's.

import type { NexusName } from './reservations.ts';

/** The state of a unit, as main decides it and workers hold it. */
export interface UnitState {
  /** The medium is in. Always true for units that are not removable. */
  readonly loaded: boolean;
  /** Who holds the medium where it is (PREVENT ALLOW MEDIUM REMOVAL). */
  readonly preventers: readonly NexusName[];
  /** Control mode page: sense data in descriptor format (D_SENSE), and software write protection (SWP). */
  readonly descriptorSense: boolean;
  readonly writeProtected: boolean;
}

/** As a unit is before anybody has touched it. */
export const FRESH_STATE: UnitState = {
  loaded: true,
  preventers: [],
  descriptorSense: false,
  writeProtected: false,
};

/** What a command wants to be so. */
export type StateChange =
  | { readonly kind: 'load' }
  | { readonly kind: 'eject' }
  | { readonly kind: 'prevent' }
  | { readonly kind: 'allow' }
  | { readonly kind: 'control'; readonly descriptorSense: boolean; readonly writeProtected: boolean };

/** A change, for whom and of what. */
export interface StateOrder {
  readonly unit: number;
  readonly by: NexusName;
  readonly change: StateChange;
}

/** How an order ended: the medium can't be moved while somebody holds it. */
export type StateResult = 'good' | 'prevented';

/** What everybody but the one who ordered hears by unit attention. */
export type StateNews = 'mediumLoaded' | 'modeParametersChanged';
