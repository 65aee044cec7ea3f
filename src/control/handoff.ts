// The hand-off: a connection whose login is complete goes to a worker, which says yes before the initiator hears so.
// What must end first (reinstatement, RFC 7143 §6.3.4, §6.3.5) is ended here; sockets are login-connection.ts's, the record handoff-record.ts's.

import type { Logger } from 'pino';
import type { Grant } from '../login/outcome.ts';
import { fault, type LoginFault } from '../login/refusal.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { type FromWorker, type Handoff, RefusalReason } from '../ring/messages.ts';
import type { Catalog } from './catalog.ts';
import type { Endings } from './endings.ts';
import type { Machine } from './machine.ts';
import type { SessionEntry, Sessions } from './sessions.ts';
import { lostStorage } from './storage.ts';
import { WorkerLoad } from './worker-load.ts';
import type { Workers } from './workers.ts';

/** A worker that has not answered by then is stuck; the initiator is told to come again. */
const ANSWER_MS = 5000;

/** What hand-offs need. */
export interface HandoffContext {
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly workers: Workers;
  readonly endings: Endings;
  /** What the worker is told of the connection. */
  readonly record: (id: number, entry: SessionEntry, candidate: Candidate) => Handoff;
  readonly machine: Machine;
  readonly log: Logger;
}

/** The socket's side of a hand-off. */
export interface Candidate {
  readonly grant: Grant;
  /** A duplicate of the socket's descriptor: the worker's once it has accepted, closed here if it does not. */
  readonly fd: number;
  /** What came behind the last Login Request. */
  readonly received: Uint8Array;
  /** Resolves when the time for the login is over, and nobody waits for the outcome. Heeded for new sessions only, and until a worker is asked. */
  readonly givenUp: Promise<void>;
}

/** A hand-off that a worker has yet to answer. */
interface Offer {
  readonly entry: SessionEntry;
  readonly fd: number;
  /** Null: accepted. */
  readonly settle: (answer: LoginFault | null) => void;
  /** Given up: the initiator was told so. The descriptor stays open until the worker can't use its number any more. */
  late: boolean;
}

const targetError = (received: string, expected: string): LoginFault =>
  fault(LoginStatus.TARGET_ERROR, 'the target works', received, expected);

const outOfResources = (received: string, expected: string): LoginFault =>
  fault(LoginStatus.OUT_OF_RESOURCES, 'a worker has room for the connection', received, expected, LoginReason.memory);

/** Nobody is told: main has closed the connection. */
const TOO_LATE = targetError('what the login waits for has not ended', 'its end within the time for a login');

const sessionGone = (received: string): LoginFault =>
  fault(LoginStatus.SESSION_DOES_NOT_EXIST, 'a connection joins a session that exists', received, 'TSIH 0');

/** All hand-offs of the process. */
export class Handoffs {
  readonly #context: HandoffContext;
  readonly #offers = new Map<number, Offer>();
  readonly #load: WorkerLoad;
  #nextId = 1;

  constructor(context: HandoffContext) {
    this.#context = context;
    this.#load = new WorkerLoad(context.sessions, context.machine.now);
  }

  /** Hands a connection over. Resolves with null when a worker has it, or with what the initiator is to be told. */
  async take(candidate: Candidate): Promise<LoginFault | null> {
    const { claim } = candidate.grant;
    const known = this.#context.sessions.findByIdentity(claim.identity);
    if (claim.tsih === 0) return this.#lead(candidate, known);
    if (known?.tsih === claim.tsih) return this.#join(candidate, known);
    // While the answers of this login left, the session ended, or another took its place.
    return this.#giveUp(candidate, sessionGone(`TSIH ${claim.tsih}`));
  }

  /** A worker's answer. */
  answered(message: Extract<FromWorker, { type: 'accepted' | 'refused' }>): void {
    const offer = this.#offers.get(message.id);
    if (offer === undefined) return;
    this.#offers.delete(message.id);
    if (message.type === 'refused') this.#context.machine.close(offer.fd);
    else if (!offer.late) this.#context.sessions.began(offer.entry);
    offer.settle(message.type === 'accepted' ? null : refusalFault(message.reason, message.detail));
  }

  /** A worker has failed. */
  lost(worker: number): void {
    this.#workerGone(worker, targetError('the worker failed at the hand-off', 'a worker that takes the connection'));
  }

  /** A worker has ended because the target stops. */
  stopped(worker: number): void {
    this.#workerGone(worker, refusalFault(RefusalReason.stopping, 'the worker has stopped'));
  }

  /** What it had not answered, it has not taken. */
  #workerGone(worker: number, answer: LoginFault): void {
    for (const [id, offer] of this.#offers) {
      if (offer.entry.worker !== worker) continue;
      this.#offers.delete(id);
      this.#context.machine.close(offer.fd);
      offer.settle(answer);
    }
  }

  /** A new session, in place of an old one if there is one. Registered before anything is awaited: the next login sees it. */
  #lead(candidate: Candidate, old: SessionEntry | undefined): Promise<LoginFault | null> {
    const { grant } = candidate;
    const { sessions, endings, log } = this.#context;
    const worker = this.#leastLoaded();
    if (worker === undefined) return this.#giveUp(candidate, targetError('no worker answers', 'a worker'));
    const tsih = sessions.nextTsih();
    if (tsih === undefined) return this.#giveUp(candidate, outOfResources('no TSIH is left', 'fewer sessions'));
    const entry: SessionEntry = {
      tsih,
      identity: grant.claim.identity,
      sessionType: grant.claim.sessionType,
      initiatorAlias: grant.initiatorAlias,
      parameters: grant.session,
      worker,
      close: null,
      connections: new Map(),
      since: new Date(),
      figures: sessions.figures.open(),
      busy: Promise.resolve(),
    };
    sessions.add(entry);
    if (old === undefined) return this.#inTurn(entry, candidate, null);
    return this.#inTurn(entry, candidate, () => {
      log.info(
        { tsih: old.tsih, initiator: old.identity.initiatorName },
        'session reinstatement: the old session ends',
      );
      return endings.endSession(old, 'the initiator began a new session in its place');
    });
  }

  /** Another connection for a session, in place of one with the same CID if there is one. */
  #join(candidate: Candidate, entry: SessionEntry): Promise<LoginFault | null> {
    const { cid } = candidate.grant.claim;
    const { endings } = this.#context;
    if (!entry.connections.has(cid)) return this.#inTurn(entry, candidate, null);
    return this.#inTurn(entry, candidate, () =>
      endings.endConnection(entry, cid, 'the connection logged in anew', { replaced: true }),
    );
  }

  /** One thing at a time for each session: what was begun before is over before this begins. */
  #inTurn(entry: SessionEntry, candidate: Candidate, first: (() => Promise<void>) | null): Promise<LoginFault | null> {
    const id = this.#nextId++;
    const { claim, endpoint, connection: parameters } = candidate.grant;
    const { cid } = claim;
    const { peerAddress, localAddress } = endpoint;
    const before = entry.busy;
    entry.connections.set(cid, { id, cid, peerAddress, localAddress, since: new Date(), parameters });
    const turn = before.then(() => first?.());
    const result = (async () => {
      let taken = false;
      try {
        const late = await isLate(candidate, turn);
        const refusal = await (late ? this.#giveUp(candidate, TOO_LATE) : this.#offer(id, entry, candidate));
        taken = refusal === null;
        if (taken) this.#context.sessions.greeted(entry.identity);
        return refusal;
      } catch (error) {
        // Nothing was sent: no worker has the descriptor, and none owes an answer.
        this.#context.machine.close(candidate.fd);
        throw error;
      } finally {
        if (!taken) void this.#withdraw(entry, cid, id, claim.tsih !== 0);
      }
    })();
    // What comes behind it waits for what it waited for, whether or not it was given up.
    entry.busy = Promise.allSettled([turn, result]).then(() => {});
    return result;
  }

  /**
   * A connection does not come. Its session may have waited for it at its worker, even without another connection, and stays on the books until
   * it has ended there, or waits no more.
   */
  async #withdraw(entry: SessionEntry, cid: number, id: number, joins: boolean): Promise<void> {
    const { endings } = this.#context;
    const { connections } = entry;
    // One that came behind it for the same CID is awaited in its place.
    const expected = () => joins && connections.get(cid)?.id === id;
    if (expected() && connections.size > 1) {
      await endings.endConnection(entry, cid, 'the connection in its place did not come');
    }
    if (!expected() || connections.size > 1) {
      endings.connectionEnded(entry.tsih, cid, id, !joins, 'its connection did not come');
      return;
    }
    connections.delete(cid);
    await endings.endSession(entry, 'its last connection ended');
  }

  /** Offers the connection to its worker. */
  #offer(id: number, entry: SessionEntry, candidate: Candidate): Promise<LoginFault | null> {
    const { workers, machine } = this.#context;
    const { worker } = entry;
    const unfit = this.#judgeTarget(entry);
    if (unfit !== null) return this.#giveUp(candidate, unfit);
    if (!workers.isRunning(worker)) {
      return this.#giveUp(candidate, targetError(`worker ${worker} does not run`, 'a worker that runs'));
    }
    // Its worker failed while it waited for its turn. Another runs in that place by now, and nobody would know of the session.
    if (this.#context.sessions.find(entry.tsih) !== entry) {
      return this.#giveUp(candidate, targetError(`worker ${worker} failed`, 'a worker that takes the connection'));
    }
    // What fails here fails before anybody waits for an answer.
    workers.send(worker, this.#context.record(id, entry, candidate));
    return new Promise((resolve) => {
      const callOff = machine.after(ANSWER_MS, () => this.#tooLate(id, entry, candidate));
      const settle = (answer: LoginFault | null): void => {
        callOff();
        resolve(answer);
      };
      this.#offers.set(id, { entry, fd: candidate.fd, settle, late: false });
    });
  }

  /** The worker does not answer. It may take the connection yet; then it must let go of it again. */
  #tooLate(id: number, entry: SessionEntry, candidate: Candidate): void {
    const offer = this.#offers.get(id)!;
    offer.late = true;
    const { cid } = candidate.grant.claim;
    void this.#context.endings.endConnection(entry, cid, 'the hand-off took too long');
    offer.settle(targetError(`no answer of worker ${entry.worker} within ${ANSWER_MS} ms`, 'an answer'));
  }

  /** While others ended or waited, the target may have gone, and its storage at any time. */
  #judgeTarget({ identity }: SessionEntry): LoginFault | null {
    const { catalog } = this.#context;
    if (catalog.find(identity.targetName) === undefined) {
      const rule = 'the target still exists';
      const expected = 'the name of a target that is served';
      return fault(LoginStatus.TARGET_REMOVED, rule, identity.targetName, expected);
    }
    for (const { lun, backend } of catalog.unitsOf(identity.targetName)) {
      const lost = backend.kind === 'file' ? lostStorage(backend.fd, backend.path) : null;
      if (lost !== null) return targetError(`LUN ${lun}: ${lost}`, 'the file or device that was opened at the start');
    }
    return null;
  }

  /** The running worker with least to do; none that owes an answer. */
  #leastLoaded(): number | undefined {
    const stuck = new Set([...this.#offers.values()].filter(({ late }) => late).map(({ entry }) => entry.worker));
    return this.#load.least(this.#context.workers.running().filter((worker) => !stuck.has(worker)));
  }

  #giveUp({ fd }: Candidate, reason: LoginFault): Promise<LoginFault> {
    this.#context.machine.close(fd);
    return Promise.resolve(reason);
  }
}

/**
 * Waits for the turn of a connection; true if its login was given up before that. A disk may keep the tasks of the old session for ever while
 * the initiator tries again and again: each try is off the books when its time is over. A connection that joins a session stays on them, under
 * its CID, because a worker waits for it.
 */
async function isLate({ grant, givenUp }: Candidate, turn: Promise<void>): Promise<boolean> {
  const punctual = turn.then(() => false);
  return grant.claim.tsih === 0 ? Promise.race([punctual, givenUp.then(() => true)]) : punctual;
}

/** What an initiator is told when its worker does not take it. */
function refusalFault(reason: RefusalReason, detail: string): LoginFault {
  switch (reason) {
    case RefusalReason.stopping: {
      const expected = 'a target that is not stopping';
      return fault(LoginStatus.SERVICE_UNAVAILABLE, 'the target takes logins', detail, expected, LoginReason.draining);
    }
    case RefusalReason.sessionEnded:
      return sessionGone(detail);
    default:
      return outOfResources(detail, 'fewer sessions, or more slabMiB');
  }
}
