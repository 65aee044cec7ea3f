// What the cases are made of: a name, the code that is expected, and a play on connections of its own that ends in a verdict.
// The cases themselves are in the files named after what they are about; provocation.ts runs them.

import { Attempt, type Identity, NO_CONNECTION, type Subject } from './attempt.ts';

/** Why a case could not be played to its end. */
export class NotProvoked {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** One way to provoke a code, or to see that its neighbour passes. */
export interface Case {
  /** The code it is about. */
  readonly code: string;
  readonly name: string;
  /** What is right: a code, or `closed`. The code itself when left out. */
  readonly expected?: string;
  /** Whether it needs a login that succeeds. */
  readonly needsLogin?: boolean;
  play(stage: PlayStage): Promise<string | NotProvoked>;
}

/** What cases play on. */
export class PlayStage {
  readonly subject: Subject;
  /** Why no login succeeds; empty: one does. */
  readonly closed: string;
  /** The target wants CHAP. */
  readonly wantsChap: boolean;

  constructor(subject: Subject, closed: string, wantsChap: boolean) {
    this.subject = subject;
    this.closed = closed;
    this.wantsChap = wantsChap;
  }

  /** Plays on a connection of its own, and closes it. */
  async with<Result>(
    identity: Partial<Identity>,
    play: (attempt: Attempt) => Promise<Result>,
  ): Promise<Result | typeof NO_CONNECTION> {
    const attempt = await Attempt.open(this.subject, identity);
    if (attempt === null) return NO_CONNECTION;
    try {
      return await play(attempt);
    } finally {
      attempt.close();
    }
  }
}
