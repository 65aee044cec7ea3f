// An exposition taken apart into its samples, for tests that compare values.
// Whether it is well formed is promtool's to say.

/** Samples of an exposition in either format. */
export class Samples {
  readonly #values = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const space = line.lastIndexOf(' ');
      const key = line.slice(0, space);
      if (this.#values.has(key)) throw new Error(`twice: ${key}`);
      this.#values.set(key, Number(line.slice(space + 1)));
    }
  }

  /** The names that samples go by. */
  get names(): ReadonlySet<string> {
    return new Set([...this.#values.keys()].map((key) => key.replace(/\{.*/s, '')));
  }

  /** The sum of all samples of that name whose labels contain each of `parts`, as `lun="0"`. Throws when there is none. */
  sum(name: string, ...parts: string[]): number {
    const found = [...this.#values].filter(
      ([key]) => key.replace(/\{.*/s, '') === name && parts.every((part) => key.includes(part)),
    );
    if (found.length === 0) throw new Error(`no sample ${name} ${parts.join(' ')}`);
    return found.reduce((sum, [, value]) => sum + value, 0);
  }
}
