// What may go wrong in a simulation, by name, so that a failing one can be tried again with less.
// How often each happens is drawn anew for every round.

import type { DiskFaults } from './disk.ts';
import type { NetworkFaults } from './network.ts';
import type { Random } from './random.ts';

/** Kinds of trouble, and of commands that make it. */
export const FAULTS = [
  'disk errors',
  'short transfers',
  'sync errors',
  'slow disk',
  'connection resets',
  'half-open connections',
  'slow network',
  'damaged PDUs',
  'error recovery',
  'deaf initiators',
  'worker crashes',
  'slow rings',
  'power cuts',
  'operator',
  'task management',
  'reservations',
  'reinstatement',
  'multiple connections',
  'declarations',
  'rivalry',
  'empty data',
  'copies',
  'large unit',
  'odd lengths',
  'custom disk',
  'capacities',
  'replacement',
  'untimely crashes',
  'lost disks',
  'second operator',
  'crawling links',
  'direct files',
] as const;
export type Fault = (typeof FAULTS)[number];

export const NO_DISK_FAULTS: DiskFaults = { error: 0, short: 0, syncError: 0, slowMs: 2, late: 0 };
export const NO_NETWORK_FAULTS: NetworkFaults = { reset: 0, halfOpen: 0, damage: 0, slowMs: 1 };

export function drawDiskFaults(random: Random, on: (fault: Fault) => boolean): DiskFaults {
  return {
    error: on('disk errors') && random.chance(0.4) ? random.pick([0.002, 0.02, 0.2]) : 0,
    short: on('short transfers') ? random.pick([0, 0.05, 0.3]) : 0,
    syncError: on('sync errors') && random.chance(0.3) ? 0.2 : 0,
    slowMs: on('slow disk') ? random.pick([2, 20, 300]) : 2,
    late: on('custom disk') ? random.pick([0, 0.01, 0.1]) : 0,
  };
}

export function drawNetworkFaults(random: Random, on: (fault: Fault) => boolean): NetworkFaults {
  return {
    reset: on('connection resets') ? random.pick([0, 0, 0.0005, 0.005]) : 0,
    halfOpen: on('half-open connections') && random.chance(0.3) ? 0.001 : 0,
    damage: on('damaged PDUs') ? random.pick([0, 0.0005, 0.005, 0.03]) : 0,
    slowMs: on('slow network') ? random.pick([1, 5, 100]) : 1,
  };
}
