// How far a run has come: a line at the bottom of a terminal, elsewhere nothing.
// What stands in it is report-terminal.ts's.

import type { Cell } from './cells.ts';
import type { Peer } from './peers.ts';
import { progressLine } from './report-terminal.ts';
import type { Listener } from './schedule.ts';

type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

export class Progress implements Listener {
  readonly #began = performance.now();
  readonly #total: number;
  readonly #expectedSeconds: number;
  readonly #terminal: Terminal;
  readonly #failed: (message: string) => void;
  #done = 0;
  #shown = false;

  /** `failed` is told of what could not be measured. */
  constructor(
    total: number,
    expectedSeconds: number,
    failed: (message: string) => void,
    terminal: Terminal = process.stderr,
  ) {
    this.#total = total;
    this.#expectedSeconds = expectedSeconds;
    this.#failed = failed;
    this.#terminal = terminal;
  }

  begins(cell: Cell, peer: Peer, round: number): void {
    if (!this.#terminal.isTTY) return;
    const elapsed = (performance.now() - this.#began) / 1000;
    const what = `${cell.name}  ${peer.name}  round ${round + 1}`;
    this.#terminal.write(`\r\x1b[K${progressLine(this.#done, this.#total, elapsed, this.#expectedSeconds, what)}`);
    this.#shown = true;
  }

  failed(cell: Cell, peer: Peer, error: Error): void {
    this.clear();
    this.#failed(`${peer.name}, ${cell.name}: ${error.message}`);
  }

  /** So many pairs of cell and peer are done. */
  advance(pairs: number): void {
    this.#done += pairs;
    this.clear();
  }

  /** Whatever is written next begins a line. */
  clear(): void {
    if (this.#shown) this.#terminal.write('\r\x1b[K');
    this.#shown = false;
  }
}
