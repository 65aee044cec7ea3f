// A session that minds its own business beside whatever else goes on: it writes, reads back, and compares, all the time.
// What goes on beside it is each test's to say; an error of its own is an error of the test.

import { read16, write16 } from './cdbs.ts';
import type { RawInitiator } from './raw-initiator.ts';
import { noise } from './scratch.ts';

const BLOCK = 512;
const BLOCKS = 16;

export interface BystanderOptions {
  /** Units to work on, one after another. */
  readonly luns?: readonly number[];
  /** Blocks of each unit that it has to itself. */
  readonly blocks?: number;
}

/** A session whose data are verified until it is stopped. */
export class Bystander {
  /** How often it wrote, read and compared. */
  rounds = 0;
  readonly #initiator: RawInitiator;
  readonly #luns: readonly number[];
  readonly #blocks: number;
  readonly #work: Promise<void>;
  #over = false;
  #failure: unknown = null;

  constructor(initiator: RawInitiator, { luns = [0], blocks = 1024 }: BystanderOptions = {}) {
    this.#initiator = initiator;
    this.#luns = luns;
    this.#blocks = blocks;
    this.#work = this.#run().catch((error) => {
      this.#failure = error;
    });
  }

  /** What went wrong so far; null: nothing. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Resolves when it has done so many more rounds, or has failed. */
  async advances(rounds = 3): Promise<void> {
    const goal = this.rounds + rounds;
    while (this.rounds < goal && this.#failure === null) await new Promise((resolve) => setTimeout(resolve, 5));
    if (this.#failure !== null) throw this.#failure;
  }

  /** Throws what went wrong, if anything did; logs out otherwise. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#work;
    if (this.#failure !== null) throw this.#failure;
    await this.#initiator.logOut();
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const lun = this.#luns[this.rounds % this.#luns.length]!;
      const data = noise(BLOCKS * BLOCK, ++this.rounds);
      const lba = (this.rounds * BLOCKS) % this.#blocks;
      const written = await this.#initiator.command(write16(lba, BLOCKS), { lun, write: data });
      const read = await this.#initiator.command(read16(lba, BLOCKS), { lun, read: data.length });
      if (written.status !== 0 || read.status !== 0) {
        throw new Error(`a bystander's WRITE ended with ${written.status}, its READ with ${read.status}`);
      }
      if (!read.data.equals(data)) throw new Error(`a bystander read other data at LBA ${lba} than it wrote`);
    }
  }
}
