// The answer to one question about a machine: how well it is, in words, and what to do.
// The questions are in the probes; check.ts asks them and prints the answers.

/** A failed answer keeps the target from starting, a warning costs speed, safety or limits it. */
export interface Answer {
  readonly question: string;
  readonly state: 'fine' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do; empty when all is fine. */
  readonly remedy: string;
}

/** An answer without its question. */
export type Opinion = Omit<Answer, 'question'>;

export const fine = (detail: string): Opinion => ({ state: 'fine', detail, remedy: '' });
export const warning = (detail: string, remedy: string): Opinion => ({ state: 'warning', detail, remedy });
export const failed = (detail: string, remedy: string): Opinion => ({ state: 'failed', detail, remedy });
