// A running target for tests of the admin interface: it can be watched, and nothing ever happens at it.
// The one that can't even be looked at is test/cli/fake-world.ts's.

import type { Administration } from '../../src/control/administration.ts';
import type { LoginSettings, LoginTuning } from '../../src/control/login-settings.ts';
import type { Readings } from '../../src/control/readings.ts';
import { Refusals } from '../../src/control/refusals.ts';
import { FakeTarget } from '../cli/fake-world.ts';

const READINGS = {
  draining: false,
  refusalCount: 2,
  sessionCount: 0,
  logins: new Map<string, number>(),
  targets: () => [],
  units: () => [],
  sessions: () => [],
  workers: () => [],
  unitTotals: () => [],
} satisfies { [Name in keyof Readings]: unknown };

const TUNING: LoginTuning = {
  queueDepth: 128,
  maxRecvDataSegmentLength: 262_144,
  maxBurstLength: 1_048_576,
  firstBurstLength: 262_144,
  immediateData: true,
  initialR2T: false,
  loginTimeoutMs: 15_000,
  nopIntervalMs: 10_000,
};

/** See the head of this file. */
export class WatchedTarget extends FakeTarget {
  readonly refusals = new Refusals();

  override get administration(): never {
    return { refusals: this.refusals } as unknown as Administration as never;
  }

  override get loginSettings(): never {
    return { tuning: TUNING } as unknown as LoginSettings as never;
  }

  override get readings(): never {
    return READINGS as unknown as Readings as never;
  }
}
