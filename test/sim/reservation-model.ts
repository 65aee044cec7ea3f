// What a unit's reservations are, as far as the initiators can know, and what they forbid: a second opinion on control/reservations.ts.
// Of orders that come at once nobody knows which was first; when the outcome of one is unknown, nothing is known until everything has been cleared.

/** PERSISTENT RESERVE OUT's service actions. */
export const Action = {
  REGISTER: 0,
  RESERVE: 1,
  RELEASE: 2,
  CLEAR: 3,
  PREEMPT: 4,
  PREEMPT_AND_ABORT: 5,
  REGISTER_IGNORE: 6,
} as const;
export type Action = (typeof Action)[keyof typeof Action];

/** RESERVE(6) and RELEASE(6) beside them. */
export type Order =
  | {
      readonly kind: 'persistent';
      readonly action: Action;
      readonly key: number;
      readonly newKey: number;
      readonly type: number;
      readonly aptpl: boolean;
    }
  | { readonly kind: 'reserve' | 'release' };

export const TYPES = [1, 3, 5, 6, 7, 8] as const;
const WRITES_ONLY: readonly number[] = [1, 5, 7];
const FOR_REGISTRANTS: readonly number[] = [5, 6, 7, 8];
const FOR_ALL: readonly number[] = [7, 8];

/** The reservations of one unit. Nexuses go by their initiators' names. */
export class ReservationModel {
  readonly keys = new Map<string, number>();
  type = 0;
  holder: string | null = null;
  /** Who did RESERVE(6), and the session that it lasts with. */
  reservedBy: { readonly name: string; readonly tsih: number } | null = null;
  aptpl = false;
  /** Whether the rest is true. */
  known = true;
  /** Changes with everything that may change what holds. */
  version = 0;
  /** The orders that are under way. */
  readonly #orders = new Set<object>();
  /** All that is not known is whether RESERVE(6) has ended yet with the session that it was for. */
  #lapses = false;

  get busy(): boolean {
    return this.#orders.size !== 0;
  }

  /** An order begins; what it is known by goes to {@link end}. With another under way it is not known what the two come to. */
  begin(): object {
    if (this.busy) this.known = false;
    const order = {};
    this.#orders.add(order);
    this.#lapses = false;
    this.version++;
    return order;
  }

  /** It has ended. False: it had before, when the power failed. */
  end(order: object): boolean {
    if (!this.#orders.delete(order)) return false;
    this.version++;
    return true;
  }

  forget(): void {
    this.known = false;
    this.#lapses = false;
    this.version++;
  }

  /** RESERVE(6) ends with its session, now or soon. */
  #lapse(): void {
    const wasKnown = this.known && !this.busy;
    this.forget();
    this.#lapses = wasKnown;
  }

  /** No session is left: RESERVE(6) has ended. */
  deserted(): void {
    if (!this.#lapses) return;
    this.#lapses = false;
    this.known = true;
    this.reservedBy = null;
    this.version++;
  }

  /** Nobody has reserved it, with or without registrations. */
  get free(): boolean {
    return this.known && this.type === 0 && this.reservedBy === null;
  }

  clear(): void {
    this.keys.clear();
    this.type = 0;
    this.holder = null;
    this.version++;
  }

  /** The power failed: what was not to outlast that is gone. */
  powerCut(): void {
    this.reservedBy = null;
    if (this.busy) this.known = false;
    this.#orders.clear();
    if (!this.aptpl) this.clear();
    this.version++;
  }

  /** The unit was taken away: it comes back as from a power cut, but an order that was under way may yet meet it. */
  away(): void {
    this.reservedBy = null;
    if (this.busy) this.known = false;
    if (!this.aptpl) this.clear();
    this.version++;
  }

  /** The initiator's session has ended, or another has taken its place: RESERVE(6) ends with it (SAM-5, I_T nexus loss). */
  nexusLost(name: string): void {
    if (this.reservedBy?.name === name && !this.#lapses) this.#lapse();
  }

  /** The target ends sessions, and RESERVE(6) with them, before their initiators hear of it: meanwhile nothing is judged. */
  heed(isServed: (tsih: number) => boolean): void {
    if (this.known && this.reservedBy !== null && !isServed(this.reservedBy.tsih)) this.#lapse();
  }

  holds(name: string): boolean {
    if (this.type === 0) return false;
    return FOR_ALL.includes(this.type) ? this.keys.has(name) : this.holder === name;
  }

  /** Whether this initiator may have a command run that reads, writes, or does neither. */
  permits(name: string, access: 'none' | 'read' | 'write'): boolean {
    if (this.reservedBy !== null) return this.reservedBy.name === name;
    if (this.type === 0 || access === 'none') return true;
    if (access === 'read' && WRITES_ONLY.includes(this.type)) return true;
    return FOR_REGISTRANTS.includes(this.type) ? this.keys.has(name) : this.holder === name;
  }

  /** Carries out an order from this session; false: it conflicts with what holds. Null: it is refused for what it says. */
  apply(name: string, tsih: number, order: Order): boolean | null {
    this.version++;
    const foreign = this.reservedBy !== null && this.reservedBy.name !== name;
    if (order.kind === 'persistent') return this.reservedBy === null && this.#persistent(name, order);
    if (this.keys.size !== 0) return this.holds(name) || (FOR_REGISTRANTS.includes(this.type) && this.keys.has(name));
    if (order.kind === 'reserve') {
      if (!foreign) this.reservedBy = { name, tsih };
      return !foreign;
    }
    if (!foreign) this.reservedBy = null;
    return true;
  }

  #persistent(name: string, order: Extract<Order, { kind: 'persistent' }>): boolean | null {
    const own = this.keys.get(name);
    const { action, key, newKey, type } = order;
    if (action === Action.REGISTER || action === Action.REGISTER_IGNORE) {
      if (action === Action.REGISTER && key !== (own ?? 0)) return false;
      if (newKey === 0 && own === undefined) return true;
      this.aptpl = order.aptpl;
      if (newKey === 0) this.#unregister(name);
      else this.keys.set(name, newKey);
      return true;
    }
    if (own === undefined || own !== key) return false;
    switch (action) {
      case Action.RESERVE:
        if (this.type !== 0) return this.holds(name) && this.type === type;
        this.type = type;
        this.holder = FOR_ALL.includes(type) ? null : name;
        return true;
      case Action.RELEASE:
        if (!this.holds(name)) return true;
        if (this.type !== type) return null;
        this.type = 0;
        this.holder = null;
        return true;
      case Action.CLEAR:
        this.clear();
        return true;
      default:
        return this.#preempt(name, newKey, type);
    }
  }

  #unregister(name: string): void {
    const held = this.holds(name);
    this.keys.delete(name);
    if (!held || (FOR_ALL.includes(this.type) && this.keys.size !== 0)) return;
    this.type = 0;
    this.holder = null;
  }

  #preempt(name: string, key: number, type: number): boolean | null {
    const all = this.type !== 0 && FOR_ALL.includes(this.type);
    if (key === 0 && !all) return null;
    const takes = this.type !== 0 && (all ? key === 0 : this.keys.get(this.holder!) === key);
    const victims = [...this.keys].filter(([other, theirs]) => other !== name && (key === 0 || theirs === key));
    if (victims.length === 0 && !takes && this.keys.get(name) !== key) return false;
    const givesUp = this.keys.get(name) === key && !takes && !this.holds(name);
    for (const [victim] of victims) this.keys.delete(victim);
    if (givesUp) this.keys.delete(name);
    if (!takes) return true;
    this.type = type;
    this.holder = FOR_ALL.includes(type) ? null : name;
    return true;
  }
}
