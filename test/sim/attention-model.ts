// The unit attentions that initiators may get of a unit (SAM-5 §5.14): each is for something that has happened to it, and comes once.
// What happens is told by those who bring it about: orders.ts, operator.ts, simulation.ts.

import { Violation } from './clock.ts';
import { Action, type Order } from './reservation-model.ts';

/** ASC and ASCQ. */
export const Attention = {
  POWER_ON: 0x2900,
  RESET: 0x2903,
  RESERVATIONS_PREEMPTED: 0x2a03,
  RESERVATIONS_RELEASED: 0x2a04,
  REGISTRATIONS_PREEMPTED: 0x2a05,
  CAPACITY_CHANGED: 0x2a09,
  COMMANDS_CLEARED: 0x2f00,
  LUNS_CHANGED: 0x3f0e,
} as const;
export type Attention = (typeof Attention)[keyof typeof Attention];

/** What registered initiators may hear of an order that is another's. */
export const NEWS_OF_RESERVATIONS: readonly Attention[] = [
  Attention.RESERVATIONS_PREEMPTED,
  Attention.RESERVATIONS_RELEASED,
  Attention.REGISTRATIONS_PREEMPTED,
];

/** What the others that are registered may hear of this order (SPC-4 §5.7.11). */
export function newsOf(order: Order): readonly Attention[] {
  if (order.kind !== 'persistent') return [];
  switch (order.action) {
    case Action.RELEASE:
      return [Attention.RESERVATIONS_RELEASED];
    case Action.REGISTER:
    case Action.REGISTER_IGNORE:
      return order.newKey === 0 ? [Attention.RESERVATIONS_RELEASED] : [];
    case Action.CLEAR:
      return [Attention.RESERVATIONS_PREEMPTED];
    case Action.PREEMPT:
    case Action.PREEMPT_AND_ABORT:
      return [Attention.REGISTRATIONS_PREEMPTED, Attention.RESERVATIONS_RELEASED];
    default:
      return [];
  }
}

/** An initiator and its session. */
export interface Hearer {
  readonly initiatorName: string;
  readonly tsih: number;
}

/** What an initiator has to be told before a command that it sends from then on may run. */
interface Due {
  readonly attention: Attention;
  readonly tsih: number;
  readonly since: number;
}

/** Those of one unit. */
export class AttentionModel {
  readonly #name: string;
  /** How often each initiator may yet hear of each, by name. */
  readonly #left = new Map<string, Map<number, number>>();
  /** By initiator. */
  readonly #due = new Map<string, Due[]>();
  /** How often each initiator was told of each, by name. */
  readonly #told = new Map<string, Map<number, number>>();
  /** How often each may have been told of anything. */
  readonly #unheard = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Something begins to happen of which these initiators may hear. */
  happens(attention: Attention, initiators: Iterable<string>): void {
    for (const initiator of initiators) {
      const left = countsOf(this.#left, initiator);
      left.set(attention, (left.get(attention) ?? 0) + 1);
    }
  }

  /** It has happened on all workers: these sessions, which there were all the while, have yet to be told. */
  isDue(attention: Attention, hearers: Iterable<Hearer>, now: number): void {
    for (const { initiatorName, tsih } of hearers) {
      const due = this.#due.get(initiatorName) ?? [];
      this.#due.set(initiatorName, [...due, { attention, tsih, since: now }]);
    }
  }

  /** A command of the initiator's has ended without an answer that was heard, which may have told it; or its session has. */
  unheard(initiator: string): void {
    this.#due.delete(initiator);
    this.#unheard.set(initiator, (this.#unheard.get(initiator) ?? 0) + 1);
  }

  /** How often the initiator was told of this, or may have been. */
  timesTold(initiator: string, attention: Attention): number {
    return (countsOf(this.#told, initiator).get(attention) ?? 0) + (this.#unheard.get(initiator) ?? 0);
  }

  /** Whether the initiator has yet to be told of something. */
  owes({ initiatorName, tsih }: Hearer): boolean {
    return this.#due.get(initiatorName)?.some((each) => each.tsih === tsih) ?? false;
  }

  /** The unit is another one from now on, or nobody knows. */
  forgetDue(): void {
    this.#due.clear();
  }

  /** A command ran that was the only one of its initiator for the unit, sent at that time. */
  ran({ initiatorName, tsih }: Hearer, sentAt: number): void {
    const due = this.#due.get(initiatorName)?.find((each) => each.tsih === tsih && each.since < sentAt);
    if (due === undefined) return;
    const particulars = `${initiatorName} on ${this.#name}: ${due.attention.toString(16)}`;
    throw new Violation('a unit attention is told before anything else runs', particulars);
  }

  /** The target was switched on: each initiator may hear of that once, when it logs in. */
  switchedOn(initiators: Iterable<string>): void {
    this.forgetDue();
    for (const initiator of initiators) countsOf(this.#left, initiator).set(Attention.POWER_ON, 1);
  }

  /** An initiator was told. */
  told(initiator: string, additionalSense: number): void {
    const left = countsOf(this.#left, initiator);
    const times = left.get(additionalSense) ?? 0;
    if (times === 0) {
      const particulars = `${initiator} on ${this.#name}: ${additionalSense.toString(16)}`;
      throw new Violation('a unit attention is for something that happened, and comes once', particulars);
    }
    left.set(additionalSense, times - 1);
    const told = countsOf(this.#told, initiator);
    told.set(additionalSense, (told.get(additionalSense) ?? 0) + 1);
    const due = this.#due.get(initiator) ?? [];
    this.#due.set(
      initiator,
      due.filter(({ attention }) => attention !== additionalSense),
    );
  }

  /** No session is left, and with them what they were to be told is gone. */
  deserted(): void {
    this.forgetDue();
    for (const left of this.#left.values())
      for (const attention of left.keys()) if (attention !== Attention.POWER_ON) left.delete(attention);
  }
}

function countsOf(counts: Map<string, Map<number, number>>, initiator: string): Map<number, number> {
  const known = counts.get(initiator) ?? new Map<number, number>();
  counts.set(initiator, known);
  return known;
}
