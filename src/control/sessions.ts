// Every session there is, on main: who it belongs to, which worker has it, which connections it has.
// The authority over identities and TSIHs; what a session does is its worker's business.

import type { KnownSession, SessionIdentity, SessionLookup } from '../login/policy.ts';
import type { ConnectionParameters } from '../pdu/parameters.ts';
import { Figures, SESSION_FIGURES_MAX } from '../ring/figures.ts';

/** A connection as main knows it. */
export interface ConnectionEntry {
  /** That of the hand-off that brought it; 0: main serves it itself (discovery). */
  readonly id: number;
  readonly cid: number;
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly since: Date;
  /** As agreed at login; a segment length that the initiator declares anew later takes the place of that one. */
  parameters: ConnectionParameters;
}

/** A session as main knows it. */
export interface SessionEntry extends KnownSession {
  readonly initiatorAlias: string;
  /** Index of its worker; {@link ON_MAIN} for a discovery session. */
  readonly worker: number;
  /** Ends a discovery session; null for one that a worker serves. */
  readonly close: ((reason: string) => void) | null;
  /** Resolves when what is under way for it (the hand-off of a connection, its end) is over: the next step waits for it. */
  busy: Promise<void>;
  readonly connections: Map<number, ConnectionEntry>;
  readonly since: Date;
  /** Its slot in {@link Sessions.figures}; -1: it is not counted. */
  readonly figures: number;
}

/** Who hears of sessions. */
export interface SessionWatcher {
  began(entry: SessionEntry): void;
  /** Of one that had begun. What was counted of it can still be read. */
  ended(entry: SessionEntry, reason: string): void;
}

/** Discovery sessions are served by main itself. */
export const ON_MAIN = -1;

const TSIH_MAX = 0xffff;
/** A few hundred bytes each. */
const GREETED_MAX = 16 * 1024;

const NO_SESSIONS: ReadonlySet<SessionEntry> = new Set();

const keyOf = (identity: SessionIdentity): string =>
  `${identity.initiatorName}\n${identity.isid}\n${identity.targetName}\n${identity.portalGroupTag}`;

/** The sessions of all workers. Single-threaded: main alone touches it. */
export class Sessions implements SessionLookup {
  /** What is counted of each. */
  readonly figures = Figures.create(1, SESSION_FIGURES_MAX);
  /** I_T nexuses that had a session since the start, the latest last. */
  readonly #greeted = new Set<string>();
  readonly #byTsih = new Map<number, SessionEntry>();
  /** The session of an I_T nexus is the last here; those before it are still being ended. */
  readonly #byIdentity = new Map<string, SessionEntry[]>();
  readonly #byTarget = new Map<string, Set<SessionEntry>>();
  /** Initiators have logged in to these; the others are on their way to a worker. */
  readonly #begun = new Set<SessionEntry>();
  readonly #watcher: SessionWatcher | null;
  #lastTsih = 0;

  constructor(watcher: SessionWatcher | null = null) {
    this.#watcher = watcher;
  }

  get size(): number {
    return this.#byTsih.size;
  }

  all(): IterableIterator<SessionEntry> {
    return this.#byTsih.values();
  }

  *identities(): Iterable<SessionIdentity> {
    for (const { identity } of this.#byTsih.values()) yield identity;
  }

  /** Those of one target, without looking at those of others: there may be thousands. */
  of(targetName: string): ReadonlySet<SessionEntry> {
    return this.#byTarget.get(targetName) ?? NO_SESSIONS;
  }

  find(tsih: number): SessionEntry | undefined {
    return this.#byTsih.get(tsih);
  }

  findByIdentity(identity: SessionIdentity): SessionEntry | undefined {
    return this.#byIdentity.get(keyOf(identity))?.at(-1);
  }

  /** A TSIH that no session has, and that was not used of late: 0 is reserved (§11.12.6). Undefined when all are taken. */
  nextTsih(): number | undefined {
    for (let tried = 0; tried < TSIH_MAX; tried++) {
      this.#lastTsih = (this.#lastTsih % TSIH_MAX) + 1;
      if (!this.#byTsih.has(this.#lastTsih)) return this.#lastTsih;
    }
    return undefined;
  }

  add(entry: SessionEntry): void {
    this.#byTsih.set(entry.tsih, entry);
    const key = keyOf(entry.identity);
    this.#byIdentity.set(key, [...(this.#byIdentity.get(key) ?? []), entry]);
    const { targetName } = entry.identity;
    const own = this.#byTarget.get(targetName) ?? new Set();
    this.#byTarget.set(targetName, own.add(entry));
  }

  /** The login of a connection of this session has succeeded. */
  began(entry: SessionEntry): void {
    if (this.#begun.has(entry)) return;
    this.#begun.add(entry);
    this.#watcher?.began(entry);
  }

  /** Whether this I_T nexus had a session before, since the start. Of many thousands the oldest are forgotten: they hear of the start once more. */
  isKnown(identity: SessionIdentity): boolean {
    return this.#greeted.has(keyOf(identity));
  }

  /** A worker serves this session: its I_T nexus has heard of the start. */
  greeted(identity: SessionIdentity): void {
    const key = keyOf(identity);
    this.#greeted.delete(key);
    this.#greeted.add(key);
    const [oldest] = this.#greeted;
    if (this.#greeted.size > GREETED_MAX) this.#greeted.delete(oldest!);
  }

  /** What an initiator declared anew; a connection that has ended meanwhile is passed over. */
  redeclared(tsih: number, cid: number, maxXmitDataSegmentLength: number): void {
    const connection = this.#byTsih.get(tsih)?.connections.get(cid);
    if (connection !== undefined) connection.parameters = { ...connection.parameters, maxXmitDataSegmentLength };
  }

  remove(tsih: number, reason: string): void {
    const entry = this.#byTsih.get(tsih);
    if (entry === undefined) return;
    this.#byTsih.delete(tsih);
    if (this.#begun.delete(entry)) this.#watcher?.ended(entry, reason);
    this.figures.close(entry.figures);
    const key = keyOf(entry.identity);
    const others = this.#byIdentity.get(key)!.filter((other) => other !== entry);
    if (others.length === 0) this.#byIdentity.delete(key);
    else this.#byIdentity.set(key, others);
    const { targetName } = entry.identity;
    const own = this.#byTarget.get(targetName)!;
    own.delete(entry);
    if (own.size === 0) this.#byTarget.delete(targetName);
  }

  /** Sessions and connections of one target. */
  countOf(targetName: string): { sessions: number; connections: number } {
    const own = this.of(targetName);
    let connections = 0;
    for (const entry of own) connections += entry.connections.size;
    return { sessions: own.size, connections };
  }

  /**
   * Takes out every session of a worker that is gone; returns them, and the I_T nexuses that are lost with them. A session that was to take
   * the place of one that is still being ended elsewhere had not begun: that nexus is lost with the other.
   */
  removeWorker(worker: number): { lost: SessionEntry[]; nexuses: SessionIdentity[] } {
    const lost = [...this.#byTsih.values()].filter((entry) => entry.worker === worker);
    const waits = (entry: SessionEntry): boolean => {
      const all = this.#byIdentity.get(keyOf(entry.identity))!;
      return all.slice(0, all.indexOf(entry)).some((earlier) => earlier.worker !== worker);
    };
    const nexuses = lost.filter((entry) => !waits(entry)).map(({ identity }) => identity);
    for (const entry of lost) this.remove(entry.tsih, 'its worker failed');
    return { lost, nexuses };
  }
}
