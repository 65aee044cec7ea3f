// What initiators have made of a unit: its medium ejected, held in place, write protected, being erased; how it tells of errors, over which
// ports it can be reached, what time it shows.
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

/** Asymmetric access states of a target port group (SPC-5), as their codes. */
export const AccessState = { optimized: 0x0, nonOptimized: 0x1, standby: 0x2, unavailable: 0x3 } as const;
export type AccessState = (typeof AccessState)[keyof typeof AccessState];

/** A target port group that SET TARGET PORT GROUPS has put into another state than active/optimized, or back into that. */
export interface PortGroupAccess {
  readonly tag: number;
  readonly state: AccessState;
}

/** What of the control mode page can be changed: sense data in descriptor format (D_SENSE), software write protection (SWP). */
export interface ControlParameters {
  readonly descriptorSense: boolean;
  readonly writeProtected: boolean;
}

/** The state of a unit, as main decides it and workers hold it. */
export interface UnitState extends ControlParameters {
  /** The medium is in. Always true for units that are not removable. */
  readonly loaded: boolean;
  /** Who holds the medium where it is (PREVENT ALLOW MEDIUM REMOVAL). Main's to know; workers are told of nobody. */
  readonly preventers: readonly NexusName[];
  /** What a reset and a restart bring back: the values last saved. */
  readonly saved: ControlParameters;
  /** Groups that SET TARGET PORT GROUPS has named; all others are active/optimized. */
  readonly portGroups: readonly PortGroupAccess[];
  /** What SET TIMESTAMP set, and when, on the clock that all threads share; null: it was not set. Milliseconds. */
  readonly timestamp: { readonly value: number; readonly at: number } | null;
  readonly condition: UnitCondition;
  /** Of the SANITIZE under way, or failed: EXIT FAILURE MODE may end a failure (AUSE). */
  readonly exitAllowed: boolean;
}

/** The access state of a target port group. */
export function accessOf({ portGroups }: UnitState, tag: number): AccessState {
  return portGroups.find((group) => group.tag === tag)?.state ?? AccessState.optimized;
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
  saved: { descriptorSense: false, writeProtected: false },
  portGroups: [],
  timestamp: null,
  condition: UnitCondition.usable,
  exitAllowed: false,
};

/** What a command wants to be so. */
export type StateChange =
  | { readonly kind: 'load' }
  | { readonly kind: 'eject' }
  | { readonly kind: 'prevent' }
  | { readonly kind: 'allow' }
  | ({ readonly kind: 'control'; readonly save: boolean } & ControlParameters)
  | { readonly kind: 'access'; readonly portGroups: readonly PortGroupAccess[] }
  | { readonly kind: 'timestamp'; readonly value: number; readonly at: number }
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
 * `exitRefused`: the SANITIZE that failed has ruled out such a way out of the failure. `notSaved`: what was to be saved could not be.
 */
export type StateResult = 'good' | 'prevented' | 'occupied' | 'exitRefused' | 'notSaved';

/** What everybody but the one who ordered hears by unit attention. */
export type StateNews = 'mediumLoaded' | 'modeParametersChanged' | 'accessStateChanged' | 'timestampChanged';
