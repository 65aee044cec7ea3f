// A worker fails in the middle of its sessions: those of the other go on, its own come back.
// How a worker is made to fail is support/fail-worker.cjs.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { read16, write16 } from '../support/cdbs.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { noise } from '../support/scratch.ts';
import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../support/target-process.ts';

/** The worker that is to take over a connection with this CID fails. */
const FATAL_CID = 6666;
/** What main answers when the worker has gone that was to take a connection. */
const TARGET_ERROR = 0x0300;
const PRELOAD = join(repositoryRoot(), 'test/support/fail-worker.cjs');
const BLOCKS = 16;
const BYTES = BLOCKS * 512;
const RETRY_MS = 20;

/** A session that does not come back within this time never will, milliseconds. */
const OUTAGE_MS_MAX = 60_000;

type Lun = NonNullable<NonNullable<ConfigurationFile['targets']>[number]['luns']>[number];

/** Starts a target with two workers that {@link PersistentInitiator.failItsWorker} can be done to. */
export function startFailingTarget(
  engine: 'uring' | 'posix',
  more: readonly Lun[] = [],
  rest: Pick<ConfigurationFile, 'admin'> = {},
): Promise<TargetProcess> {
  const luns: Lun[] = [{ lun: 0, backend: 'file', path: 'disk', size: '1MiB' }, ...more];
  return TargetProcess.start(
    { ...rest, tuning: { engine, workers: 2 }, targets: [{ name: TARGET_NAME, maxConnections: 2, luns }] },
    { env: { NODE_OPTIONS: `--require ${PRELOAD}` } },
  );
}

/** How long a session was away: from the loss of its connection to the next GOOD. Milliseconds. */
export interface Outage {
  readonly ms: number;
  /** Logins that failed. */
  readonly failedLogins: number;
  /** How long the one took that did not, from the connection on, and the command behind it. */
  readonly loginMs: number;
  readonly commandMs: number;
}

/** The longest of them, with where its time went; empty: there was none. */
export function describeLongest(outages: readonly Outage[]): string {
  const longest = [...outages].sort((a, b) => b.ms - a.ms)[0];
  if (longest === undefined) return '';
  const { ms, failedLogins, loginMs, commandMs } = longest;
  const round = (value: number) => value.toFixed(0);
  return `${round(ms)} ms: ${failedLogins} logins failed, the last took ${round(loginMs)}, the command behind it ${round(commandMs)}`;
}

/** An initiator that does what hosts do: when its connection is lost it logs in again and repeats the command. */
export class PersistentInitiator {
  /** Commands that were completed. */
  rounds = 0;
  readonly outages: Outage[] = [];
  readonly #port: number;
  readonly #lba: number;
  readonly #work: Promise<void>;
  #initiator: RawInitiator;
  #over = false;
  #abandoned = false;

  private constructor(port: number, lba: number, initiator: RawInitiator) {
    this.#port = port;
    this.#lba = lba;
    this.#initiator = initiator;
    this.#work = this.#run();
    this.#work.catch(() => undefined);
  }

  /** Blocks from `lba` on, {@link BLOCKS} of them, are its own. */
  static async start(port: number, lba: number): Promise<PersistentInitiator> {
    return new PersistentInitiator(port, lba, await logIn(port));
  }

  /** Adds a connection to its session that is the end of the worker that has it. Resolves with the status of that login; throws when it is not what a failed worker leaves. */
  async failItsWorker(): Promise<number> {
    using connection = await RawInitiator.connect(this.#port, this.#initiator.session);
    connection.cid = FATAL_CID;
    const { status } = await connection.login({ skipSecurity: true });
    if (status !== TARGET_ERROR) throw new Error(`the worker did not fail: the login ended with status ${status}`);
    return status;
  }

  /** Resolves when it has completed so many more commands. */
  async advances(rounds: number): Promise<void> {
    for (const goal = this.rounds + rounds; this.rounds < goal; ) await Promise.race([sleep(RETRY_MS), this.#work]);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#work;
    await this.#initiator.logOut();
  }

  /** The target has gone for good, or is about to: it tries no longer, and leaves no session behind that it does not end. */
  abandon(): void {
    this.#over = true;
    this.#abandoned = true;
    this.#initiator[Symbol.dispose]();
  }

  async #run(): Promise<void> {
    while (!this.#over) {
      const data = noise(BYTES, this.rounds + 1);
      await this.#insist(async (initiator) => {
        const { status } = await initiator.command(write16(this.#lba, BLOCKS), { write: data });
        if (status !== 0) throw new Fault(`a WRITE ended with ${status}`);
      });
      await this.#insist(async (initiator) => {
        const { status, data: found } = await initiator.command(read16(this.#lba, BLOCKS), { read: BYTES });
        if (status !== 0) throw new Fault(`a READ ended with ${status}`);
        if (!found.equals(data)) throw new Fault(`other data at LBA ${this.#lba} than were acknowledged`);
      });
      this.rounds++;
    }
  }

  /** Does it, over several sessions when their connections are lost. Whatever else goes wrong is thrown. */
  async #insist(step: (initiator: RawInitiator) => Promise<void>): Promise<void> {
    let lostAt = 0;
    let failedLogins = 0;
    let triedAt = 0;
    let loggedInAt = 0;
    while (lostAt === 0 || !this.#over) {
      try {
        await step(this.#initiator);
        if (lostAt === 0) return;
        const now = performance.now();
        const stages = { failedLogins, loginMs: loggedInAt - triedAt, commandMs: now - loggedInAt };
        this.outages.push({ ms: now - lostAt, ...stages });
        return;
      } catch (error) {
        if (error instanceof Fault) throw error;
        if (this.#abandoned) return;
        if (!this.#initiator.wire.closed) throw error;
        if (lostAt === 0) lostAt = performance.now();
        triedAt = performance.now();
        if (triedAt - lostAt > OUTAGE_MS_MAX)
          throw new Error('the target does not take a session back', { cause: error });
        if (!(await this.#logInAgain())) failedLogins++;
        loggedInAt = performance.now();
      }
    }
  }

  async #logInAgain(): Promise<boolean> {
    this.#initiator[Symbol.dispose]();
    try {
      this.#initiator = await logIn(this.#port);
      if (this.#abandoned) this.#initiator[Symbol.dispose]();
      return true;
    } catch {
      await sleep(RETRY_MS);
      return false;
    }
  }
}

/** A session that may have a second connection. */
function logIn(port: number): Promise<RawInitiator> {
  return RawInitiator.logIn(port, { keys: { MaxConnections: '2' } });
}

/** What no loss of a connection explains. */
class Fault extends Error {}
