// What initiators have made of a unit: its medium ejected, held in place, write protected, being erased; how it tells of errors.
// Every worker must agree on it, so a command that changes it sends an order to main. The rules are control/unit-state.ts's.

import type { NexusName } from './reservations.ts';

/** Whether a command that works on the whole medium keeps everybody else away, or has failed and left it in pieces. */
export const UnitCondition = {
  usable: 'usable',
  sanitizing: 'sanitizing',
  formatting: 'formatting',
  /** SANITIZE has failed: nothing but another SANITIZE leads out. */
  sanitizeFailed: 'sanitizeFailed',
} as const;
export type UnitCondition = (typeof UnitCondition)[keyof typeof UnitCondition];

/** The state of a unit, as main decides it and workers hold it. */
export interface UnitState {
  /** The medium is in. Always true for units that are not removable. */
  readonly loaded: boolean;
  /** Who holds the medium where it is (PREVENT ALLOW MEDIUM REMOVAL). */
  readonly preventers: readonly NexusName[];
  /** Control mode page: sense data in descriptor format (D_SENSE), and software write protection (SWP). */
  readonly descriptorSense: boolean;
  readonly writeProtected: boolean;
  readonly condition: UnitCondition;
  /** Of the SANITIZE under way, or failed: EXIT FAILURE MODE may end a failure (AUSE). */
  readonly exitAllowed: boolean;
}

/** Whether the medium is nobody's but the command's that works on it. */
export function isOccupied({ condition }: UnitState): boolean {
  return condition === UnitCondition.sanitizing || condition === UnitCondition.formatting;
}

/** As a unit is before anybody has touched it. */
export const FRESH_STATE: UnitState = {
  loaded: true,
  preventers: [],
  descriptorSense: false,
  writeProtected: false,
  condition: UnitCondition.usable,
  exitAllowed: false,
};

/** What a command wants to be so. */
export type StateChange =
  | { readonly kind: 'load' }
  | { readonly kind: 'eject' }
  | { readonly kind: 'prevent' }
  | { readonly kind: 'allow' }
  | { readonly kind: 'control'; readonly descriptorSense: boolean; readonly writeProtected: boolean }
  /** The whole medium, for a command that works on it; it is given back with `release`. */
  | {
      readonly kind: 'occupy';
      readonly condition: typeof UnitCondition.sanitizing | typeof UnitCondition.formatting;
      readonly exitAllowed: boolean;
    }
  | { readonly kind: 'release'; readonly failed: boolean }
  | { readonly kind: 'exitFailure' };

/** A change, for whom and of what. */
export interface StateOrder {
  readonly unit: number;
  readonly by: NexusName;
  readonly change: StateChange;
}

/**
 * How an order ended. `prevented`: the medium can't be moved while somebody holds it. `occupied`: another command works on all of it.
 * `exitRefused`: the SANITIZE that failed has ruled out such a way out of the failure.
 */
export type StateResult = 'good' | 'prevented' | 'occupied' | 'exitRefused';

/** What everybody but the one who ordered hears by unit attention. */
export type StateNews = 'mediumLoaded' | 'modeParametersChanged';
