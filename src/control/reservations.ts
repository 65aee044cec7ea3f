// Persistent reservations (SPC-5 §5.14): the rules, applied on main, which is the authority for every worker.
// Pure: an order and the state before give the state after and what others must hear. Making it last is reservation-store.ts's.

import {
  covers,
  isAllRegistrants,
  isForRegistrants,
  type NexusName,
  NO_KEY,
  nexusKey,
  REGISTRATIONS_MAX,
  type Registration,
  type ReservationNews,
  type ReservationSnapshot,
  ReservationType,
  ReserveAction,
  type ReserveOrder,
  type ReserveResult,
} from '../ring/reservations.ts';

/** What an order led to. */
export interface ReserveOutcome {
  readonly result: ReserveResult;
  /** The state after; the same object when nothing changed. */
  readonly state: ReservationSnapshot;
  readonly news: readonly { readonly nexus: NexusName; readonly news: ReservationNews }[];
  /** PREEMPT AND ABORT: whose tasks end. */
  readonly abort: readonly NexusName[];
}

/** The state while an order is carried out. */
class Draft {
  generation: number;
  type: ReservationType;
  aptpl: boolean;
  readonly registrations: Map<string, Registration>;
  holder: string | null;
  reservedBy: NexusName | null;
  readonly news: { nexus: NexusName; news: ReservationNews }[] = [];
  readonly abort: NexusName[] = [];

  constructor(state: ReservationSnapshot) {
    this.generation = state.generation;
    this.type = state.type;
    this.aptpl = state.aptpl;
    this.reservedBy = state.reservedBy;
    this.registrations = new Map(state.registrations.map((each) => [nexusKey(each.nexus), each]));
    const holder = state.registrations[state.holder];
    this.holder = holder === undefined ? null : nexusKey(holder.nexus);
  }

  /** The registration that covers a nexus: its own, or one of its initiator without an ISID. */
  keyOf(nexus: NexusName): string {
    const own = nexusKey(nexus);
    const anyIsid = nexusKey({ ...nexus, isid: '' });
    return !this.registrations.has(own) && this.registrations.has(anyIsid) ? anyIsid : own;
  }

  /** The name that a nexus is registered under, or would be. */
  nameOf(nexus: NexusName): NexusName {
    return this.registrations.get(this.keyOf(nexus))?.nexus ?? nexus;
  }

  /** A registration that names some nexus which `name` names as well. Of two such there is one only: nobody is registered twice. */
  sharing(name: NexusName): Registration | undefined {
    for (const registration of this.registrations.values()) {
      if (covers(registration.nexus, name) || covers(name, registration.nexus)) return registration;
    }
    return undefined;
  }

  holds(nexus: string): boolean {
    if (this.type === ReservationType.none) return false;
    return isAllRegistrants(this.type) ? this.registrations.has(nexus) : this.holder === nexus;
  }

  /** Tells every registered nexus but `except`. */
  tell(news: ReservationNews, except: string): void {
    for (const [key, { nexus }] of this.registrations) if (key !== except) this.news.push({ nexus, news });
  }

  /** Ends the reservation; registrants that shared it hear so. */
  release(by: string): void {
    if (isForRegistrants(this.type)) this.tell('reservationsReleased', by);
    this.type = ReservationType.none;
    this.holder = null;
  }

  /** Takes a registration away, and with it the reservation if it was its last or only holder. */
  unregister(nexus: string): void {
    const heldIt = this.holds(nexus);
    this.registrations.delete(nexus);
    if (!heldIt) return;
    if (!isAllRegistrants(this.type) || this.registrations.size === 0) this.release(nexus);
  }

  outcome(result: ReserveResult): ReserveOutcome {
    const keys = [...this.registrations.keys()];
    const state: ReservationSnapshot = {
      generation: this.generation,
      type: this.type,
      holder: this.holder === null ? -1 : keys.indexOf(this.holder),
      registrations: [...this.registrations.values()],
      reservedBy: this.reservedBy,
      aptpl: this.aptpl,
    };
    return { result, state, news: this.news, abort: this.abort };
  }
}

/** Carries an order out. `portalGroups`: the target ports that ALL_TG_PT stands for. */
export function reserve(
  state: ReservationSnapshot,
  order: ReserveOrder,
  portalGroups: readonly number[],
): ReserveOutcome {
  const draft = new Draft(state);
  const done = carryOut(draft, order, portalGroups);
  const result = done === 'good' && draft.registrations.size > REGISTRATIONS_MAX ? 'noResources' : done;
  return result === 'good' ? draft.outcome(result) : { result, state, news: [], abort: [] };
}

/** An I_T nexus is gone, and its RESERVE(6) with it; the same object when it had none. */
export function nexusLost(state: ReservationSnapshot, lost: NexusName): ReservationSnapshot {
  const reserved = state.reservedBy !== null && nexusKey(state.reservedBy) === nexusKey(lost);
  return reserved ? { ...state, reservedBy: null } : state;
}

/** The unit was reset: what RESERVE(6) did is undone, persistent reservations persist (SPC-5). */
export function unitReset(state: ReservationSnapshot): ReservationSnapshot {
  return state.reservedBy === null ? state : { ...state, reservedBy: null };
}

function carryOut(draft: Draft, order: ReserveOrder, portalGroups: readonly number[]): ReserveResult {
  const self = draft.keyOf(order.nexus);
  const own = draft.registrations.get(self);
  const isSpc2 = order.action === ReserveAction.RESERVE_6 || order.action === ReserveAction.RELEASE_6;
  if (isSpc2 && draft.registrations.size !== 0) return beside(draft, self);
  if (order.action === ReserveAction.RESERVE_6) return takeUnit(draft, order.nexus);
  if (draft.reservedBy !== null && nexusKey(draft.reservedBy) !== nexusKey(order.nexus)) {
    return order.action === ReserveAction.RELEASE_6 ? 'good' : 'conflict';
  }
  if (order.action === ReserveAction.RELEASE_6) {
    draft.reservedBy = null;
    return 'good';
  }
  // SPC-2 and SPC-5 exclude each other: while RESERVE(6) holds, nobody registers, its holder included.
  if (draft.reservedBy !== null) return 'conflict';
  if (order.action === ReserveAction.REGISTER || order.action === ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY) {
    return register(draft, order, portalGroups);
  }
  if (own === undefined || own.key !== order.key) return 'conflict';
  switch (order.action) {
    case ReserveAction.RESERVE:
      return take(draft, order, self);
    case ReserveAction.RELEASE:
      return letGo(draft, order, self);
    case ReserveAction.CLEAR:
      draft.generation++;
      draft.tell('reservationsPreempted', self);
      draft.registrations.clear();
      draft.type = ReservationType.none;
      draft.holder = null;
      return 'good';
    case ReserveAction.PREEMPT:
    case ReserveAction.PREEMPT_AND_ABORT:
      return preempt(draft, order, self);
    default:
      return move(draft, order, self);
  }
}

/** Where there are registrations, RESERVE(6) and RELEASE(6) do nothing: they succeed for those who may use the unit (SPC-4 §5.7.3, CRH), and conflict for others. */
function beside(draft: Draft, self: string): ReserveResult {
  const may = draft.holds(self) || (isForRegistrants(draft.type) && draft.registrations.has(self));
  return may ? 'good' : 'conflict';
}

/** RESERVE(6) where nobody is registered. */
function takeUnit(draft: Draft, nexus: NexusName): ReserveResult {
  if (draft.reservedBy !== null && nexusKey(draft.reservedBy) !== nexusKey(nexus)) return 'conflict';
  draft.reservedBy = nexus;
  return 'good';
}

function register(draft: Draft, order: ReserveOrder, portalGroups: readonly number[]): ReserveResult {
  const self = draft.keyOf(order.nexus);
  const own = draft.registrations.get(self);
  const ignoresKey = order.action === ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY;
  if (order.others.length !== 0 && (ignoresKey || own !== undefined)) return 'invalidParameter';
  if (!ignoresKey && order.key !== (own?.key ?? NO_KEY)) return 'conflict';
  const ports = order.allTargetPorts ? portalGroups : [order.nexus.portalGroupTag];
  // A registration without an ISID is every one of its sessions' to change and to give up.
  const mine = ports.map((portalGroupTag) => draft.nameOf({ ...order.nexus, portalGroupTag }));
  const theirs = order.others.flatMap((nexus) => ports.map((portalGroupTag) => ({ ...nexus, portalGroupTag })));
  if (order.serviceActionKey === NO_KEY) {
    if (own === undefined) return 'good';
    for (const nexus of mine) draft.unregister(nexusKey(nexus));
  } else {
    // Before they are compared with each other: main does nothing else meanwhile.
    if (mine.length + theirs.length > REGISTRATIONS_MAX) return 'noResources';
    // SPC-5: an initiator that is registered already can't be registered by another.
    if (theirs.some((nexus) => draft.sharing(nexus) !== undefined)) return 'invalidParameter';
    for (const nexus of [...mine, ...theirs]) {
      const other = draft.sharing(nexus);
      if (other !== undefined && nexusKey(other.nexus) !== nexusKey(nexus)) return 'invalidParameter';
      const registration = { nexus, key: order.serviceActionKey, allTargetPorts: order.allTargetPorts };
      draft.registrations.set(nexusKey(nexus), registration);
    }
  }
  draft.generation++;
  draft.aptpl = order.aptpl;
  return 'good';
}

function take(draft: Draft, order: ReserveOrder, self: string): ReserveResult {
  if (draft.type === ReservationType.none) {
    draft.type = order.type;
    draft.holder = isAllRegistrants(order.type) ? null : self;
    return 'good';
  }
  return draft.holds(self) && draft.type === order.type ? 'good' : 'conflict';
}

function letGo(draft: Draft, order: ReserveOrder, self: string): ReserveResult {
  if (!draft.holds(self)) return 'good';
  if (draft.type !== order.type) return 'invalidRelease';
  draft.release(self);
  return 'good';
}

function preempt(draft: Draft, order: ReserveOrder, self: string): ReserveResult {
  const key = order.serviceActionKey;
  const reserved = draft.type !== ReservationType.none;
  const allRegistrants = isAllRegistrants(draft.type);
  if (key === NO_KEY && !allRegistrants) return 'invalidParameter';
  const holderKey = draft.holder === null ? null : draft.registrations.get(draft.holder)?.key;
  const takesReservation = reserved && (allRegistrants ? key === NO_KEY : holderKey === key);
  // Where only registrations end, scope and type mean nothing (SPC-4 §5.7.11.4.4).
  if (takesReservation && order.type === ReservationType.none) return 'invalidType';
  const victims = [...draft.registrations].filter(
    ([nexus, { key: theirs }]) => nexus !== self && (key === NO_KEY || theirs === key),
  );
  // A key that nobody has is a conflict. With one's own a holder changes the type, and anybody else gives up (SPC-4 §5.7.11.4.4).
  const ownKey = draft.registrations.get(self)!.key === key;
  if (victims.length === 0 && !takesReservation && !ownKey) return 'conflict';
  if (ownKey && !draft.holds(self) && !takesReservation) draft.registrations.delete(self);
  const before = draft.type;
  for (const [nexus, { nexus: victim }] of victims) {
    draft.registrations.delete(nexus);
    draft.news.push({ nexus: victim, news: 'registrationsPreempted' });
    if (order.action === ReserveAction.PREEMPT_AND_ABORT) draft.abort.push(victim);
  }
  if (takesReservation) {
    draft.type = order.type;
    draft.holder = isAllRegistrants(order.type) ? null : self;
    // Those who stay registered hear when the reservation is of another type now (SPC-4 §5.7.11.4.3).
    if (before !== order.type) draft.tell('reservationsReleased', self);
  }
  draft.generation++;
  return 'good';
}

function move(draft: Draft, order: ReserveOrder, self: string): ReserveResult {
  const to = order.moveTo;
  if (!draft.holds(self) || isAllRegistrants(draft.type)) return 'conflict';
  if (to === null || order.serviceActionKey === NO_KEY) return 'invalidParameter';
  const nexus = draft.sharing(to)?.nexus ?? to;
  // To itself; or to all of an initiator, of which some are registered by themselves.
  if (nexusKey(nexus) === self || !covers(nexus, to)) return 'invalidParameter';
  draft.registrations.set(nexusKey(nexus), { nexus, key: order.serviceActionKey, allTargetPorts: false });
  draft.holder = nexusKey(nexus);
  if (order.unregister) draft.registrations.delete(self);
  draft.generation++;
  draft.aptpl = order.aptpl;
  return 'good';
}
