// What a simulated initiator sees of what is around it: the clock, the units, how to connect, and what it may do.
// simulation.ts makes it; what an initiator does in it is initiator.ts's.

import type { SimClock } from './clock.ts';
import type { SimDisk } from './disk.ts';
import type { Link } from './network.ts';
import type { Random } from './random.ts';
import type { SimUnit } from './unit.ts';

/** What an initiator lives in. */
export interface InitiatorWorld {
  readonly clock: SimClock;
  readonly units: readonly SimUnit[];
  connect(name: string): Link;
  /** When the disk behind a unit failed last, in a way that has that sense key. */
  diskFailedAt(unit: SimUnit, senseKey: number): number;
  /** An operation of the unit's disk is given up after so long; Infinity: it is waited for. */
  diskTimeoutMs(unit: SimUnit): number;
  /** The disk behind a unit; undefined: it has none. */
  diskOf(unit: SimUnit): SimDisk | undefined;
  /** The target was gone until then; Infinity: it is. */
  goneUntil(): number;
  /** Whether the target has not ended the session. */
  isServed(this: void, tsih: number): boolean;
  /** How many tasks of the session the target has. */
  tasksOf(tsih: number): number;
  /** Sessions may ask for an ErrorRecoveryLevel above 0. */
  readonly recovers: boolean;
  /** Chance of declaring another MaxRecvDataSegmentLength, apart from all other; null: nobody does. */
  readonly declarations: Random | null;
  /** Chance of Data-Out PDUs without data, apart from all other; null: nobody sends any. */
  readonly emptyData: Random | null;
}
