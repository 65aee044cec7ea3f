// Who is limited by which meter: units, and each initiator of a target that its settings name, with all of its sessions together.
// What a meter does is ring/meters.ts's; telling the workers is the callers' business.

import { NONE } from '../base/free-list.ts';
import type { InitiatorLimitSettings, UnitLimitSettings } from '../config/settings.ts';
import { matchesAny } from '../login/access.ts';
import type { SessionIdentity } from '../login/policy.ts';
import type { Limits, Meters } from '../ring/meters.ts';

/** What meters take, from settings where what is left out is unlimited. */
function limitsOf({ iops = 0, bandwidth = 0, burstMs }: UnitLimitSettings): Limits {
  return { iops, bandwidth, burstMs };
}

interface Holder {
  readonly targetName: string;
  readonly initiatorName: string;
  readonly meter: number;
}

const keyOf = (targetName: string, initiatorName: string): string => `${targetName}\n${initiatorName}`;

/** The meters in use. Main thread. */
export class MeterBook {
  readonly #meters: Meters;
  readonly #identities: () => Iterable<SessionIdentity>;
  readonly #initiators = new Map<string, Holder>();

  /** `identities`: of all sessions there are. */
  constructor(meters: Meters, identities: () => Iterable<SessionIdentity>) {
    this.#meters = meters;
    this.#identities = identities;
  }

  /** The meter that a unit has after its limits have changed from what `meter` stands for; {@link NONE}: it has none. */
  ofUnit(meter: number, limits: UnitLimitSettings | undefined): number {
    if (limits === undefined) {
      if (meter !== NONE) this.#meters.close(meter);
      return NONE;
    }
    if (meter === NONE) return this.#meters.open(limitsOf(limits));
    this.#meters.set(meter, limitsOf(limits));
    return meter;
  }

  /** The meter of an initiator's sessions at a target with these limits; {@link NONE}: it is not limited there. */
  ofInitiator({ targetName, initiatorName }: SessionIdentity, limits: readonly InitiatorLimitSettings[]): number {
    const key = keyOf(targetName, initiatorName);
    const own = limits.find(({ initiators }) => matchesAny(initiators, initiatorName));
    const holder = this.#initiators.get(key);
    if (own === undefined) return NONE;
    if (holder !== undefined) return holder.meter;
    this.#sweep();
    const meter = this.#meters.open(limitsOf(own));
    if (meter !== NONE) this.#initiators.set(key, { targetName, initiatorName, meter });
    return meter;
  }

  /** A target's limits are these now: what its initiators had is set to them. Ask {@link ofInitiator} again for each session. */
  change(targetName: string, limits: readonly InitiatorLimitSettings[]): void {
    for (const [key, holder] of this.#initiators) {
      if (holder.targetName !== targetName) continue;
      const own = limits.find(({ initiators }) => matchesAny(initiators, holder.initiatorName));
      if (own !== undefined) this.#meters.set(holder.meter, limitsOf(own));
      else this.#drop(key, holder);
    }
  }

  /** Initiators that have no session left need no meter. */
  #sweep(): void {
    const present = new Set<string>();
    for (const { targetName, initiatorName } of this.#identities()) present.add(keyOf(targetName, initiatorName));
    for (const [key, holder] of this.#initiators) if (!present.has(key)) this.#drop(key, holder);
  }

  #drop(key: string, { meter }: Holder): void {
    this.#initiators.delete(key);
    this.#meters.close(meter);
  }
}
