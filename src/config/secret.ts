// A secret that prints as "[secret]" wherever it may end up: in a log, an error, a JSON answer, a debugger.
// Where secrets come from is load.ts; what is proven with them is the login phase.

import { inspect } from 'node:util';

const MASK = '[secret]';

/** Holds a CHAP secret. Only {@link Secret.reveal} gives it away. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself: to compute with, never to print or store. */
  reveal(): string {
    return this.#text;
  }

  /** Whether both are the same, for the rule that the two directions of CHAP may not share one. */
  equals(other: Secret): boolean {
    return this.#text === other.#text;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
