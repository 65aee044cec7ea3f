// The hand-off: a connection whose login is complete goes to a worker, which says yes before the initiator hears so.
// Sessions that must end first (reinstatement, RFC 7143 §6.3.5) are ended here; sockets are the portal's, records the worker's.

import type { Logger } from 'pino';
import type { Settings } from '../config/settings.ts';
import { close } from '../kernel/libc.ts';
import type { AdvertisedPortal } from '../login/discovery.ts';
import { sendTargetsText } from '../login/discovery.ts';
import type { Grant } from '../login/outcome.ts';
import { fault, type LoginFault } from '../login/refusal.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { type FromWorker, type Handoff, RefusalReason } from '../ring/messages.ts';
import type { Catalog } from './catalog.ts';
import type { Requests } from './requests.ts';
import type { SessionEntry, Sessions } from './sessions.ts';
import type { Supervisor } from './supervisor.ts';

/** A worker that has not answered by then is stuck; the initiator is told to come again. */
const ANSWER_MS = 5000;
/** The window of the final response: the worker puts the real one in its place. */
const FIRST_WINDOW = 1;

/** What hand-offs need. */
export interface HandoffContext {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly sessions: Sessions;
  readonly supervisor: Supervisor;
  readonly requests: Requests;
  readonly portalsOf: (targetName: string) => readonly AdvertisedPortal[];
  readonly log: Logger;
}

/** The socket's side of a hand-off. */
export interface Candidate {
  readonly grant: Grant;
  /** A duplicate of the socket's descriptor, the worker's from acceptance on. */
  readonly fd: number;
  /** What came behind the last Login Request. */
  readonly received: Uint8Array;
}

type Answer = { readonly accepted: true } | { readonly accepted: false; readonly fault: LoginFault };

const OUT_OF_RESOURCES = 'a worker has room for the connection';
const TARGET_ERROR = 'the target works';

/** All hand-offs of the process. */
export class Handoffs {
  readonly #context: HandoffContext;
  readonly #waiting = new Map<number, { worker: number; resolve: (answer: Answer) => void }>();
  #nextId = 1;

  constructor(context: HandoffContext) {
    this.#context = context;
  }

  /** Hands a connection over. Resolves with null when a worker has it, or with what the initiator is to be told. */
  take(candidate: Candidate): Promise<LoginFault | null> {
    const { claim } = candidate.grant;
    const { sessions, supervisor } = this.#context;
    const known = sessions.findByIdentity(claim.identity);
    if (claim.tsih !== 0 && known !== undefined) return this.#join(candidate, known);
    const worker = supervisor.leastLoaded();
    if (worker < 0) return Promise.resolve(fault(LoginStatus.TARGET_ERROR, TARGET_ERROR, 'no worker runs', 'a worker'));
    const tsih = sessions.nextTsih();
    if (tsih === undefined) {
      return Promise.resolve(
        fault(LoginStatus.OUT_OF_RESOURCES, OUT_OF_RESOURCES, 'no TSIH is left', 'fewer sessions'),
      );
    }
    return this.#lead(candidate, worker, tsih, known);
  }

  /** A worker's answer. */
  answered(message: Extract<FromWorker, { type: 'accepted' | 'refused' }>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.type === 'accepted') {
      waiting?.resolve({ accepted: true });
      return;
    }
    const { reason, detail } = message;
    const found = refusalFault(reason, detail);
    waiting?.resolve({ accepted: false, fault: found });
  }

  /** A worker is gone: what it had not answered, it has not taken. */
  lost(worker: number): void {
    for (const [id, waiting] of this.#waiting) {
      if (waiting.worker !== worker) continue;
      this.#waiting.delete(id);
      const received = 'the worker failed at the hand-off';
      waiting.resolve({ accepted: false, fault: fault(LoginStatus.TARGET_ERROR, TARGET_ERROR, received, 'a worker') });
    }
  }

  /** A new session, in place of an old one if there is one. Registered before anything is awaited: the next login sees it. */
  #lead(candidate: Candidate, worker: number, tsih: number, old: SessionEntry | undefined): Promise<LoginFault | null> {
    const { grant } = candidate;
    const entry: SessionEntry = {
      tsih,
      identity: grant.claim.identity,
      sessionType: grant.claim.sessionType,
      initiatorAlias: grant.initiatorAlias,
      parameters: grant.session,
      worker,
      connections: new Map(),
      since: new Date(),
      busy: Promise.resolve(),
    };
    this.#context.sessions.add(entry);
    return this.#inTurn(entry, candidate, old === undefined ? null : () => this.#endSession(old));
  }

  /** Another connection for a session, in place of one with the same CID if there is one. */
  #join(candidate: Candidate, entry: SessionEntry): Promise<LoginFault | null> {
    const { cid } = candidate.grant.claim;
    const replaced = entry.connections.get(cid);
    const first =
      replaced === undefined ? null : () => this.#endConnection(entry, cid, 'the connection logged in anew');
    return this.#inTurn(entry, candidate, first);
  }

  /** One thing at a time for each session: what was begun before is over before this begins. */
  #inTurn(entry: SessionEntry, candidate: Candidate, first: (() => Promise<void>) | null): Promise<LoginFault | null> {
    const id = this.#nextId++;
    const { claim, endpoint } = candidate.grant;
    const { cid } = claim;
    const { peerAddress, localAddress } = endpoint;
    const before = entry.busy;
    entry.connections.set(cid, { id, cid, peerAddress, localAddress, since: new Date() });
    const result = (async () => {
      await before;
      if (first !== null) await first();
      const answer = await this.#offer(id, entry, candidate);
      if (answer.accepted) return null;
      close(candidate.fd);
      this.connectionEnded(entry.tsih, cid, id);
      return answer.fault;
    })();
    entry.busy = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** A connection is gone, and its session with it if it was the last. */
  connectionEnded(tsih: number, cid: number, id: number): void {
    const { sessions } = this.#context;
    const entry = sessions.find(tsih);
    // A connection that took this one's place has the CID by now.
    if (entry?.connections.get(cid)?.id === id) entry.connections.delete(cid);
    if (entry?.connections.size === 0) sessions.remove(tsih);
  }

  async #endSession(entry: SessionEntry): Promise<void> {
    const { requests, supervisor, sessions, log } = this.#context;
    await entry.busy;
    const { tsih } = entry;
    log.info({ tsih, initiator: entry.identity.initiatorName }, 'session reinstatement: the old session ends');
    const reason = 'the initiator began a new session in its place';
    await requests.ask([entry.worker], (worker, request) =>
      supervisor.send(worker, { type: 'endSession', request, tsih, reason }),
    );
    sessions.remove(tsih);
  }

  #endConnection(entry: SessionEntry, cid: number, reason: string): Promise<void> {
    const { requests, supervisor } = this.#context;
    return requests.ask([entry.worker], (worker, request) =>
      supervisor.send(worker, { type: 'endConnection', request, tsih: entry.tsih, cid, reason }),
    );
  }

  #offer(id: number, entry: SessionEntry, candidate: Candidate): Promise<Answer> {
    const { supervisor } = this.#context;
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id);
        // It may take the connection yet; then it must let go of it again.
        void this.#endConnection(entry, candidate.grant.claim.cid, 'the hand-off took too long');
        const received = `no answer of worker ${entry.worker} within ${ANSWER_MS} ms`;
        resolve({ accepted: false, fault: fault(LoginStatus.TARGET_ERROR, TARGET_ERROR, received, 'an answer') });
      }, ANSWER_MS);
      this.#waiting.set(id, {
        worker: entry.worker,
        resolve: (answer) => {
          clearTimeout(late);
          resolve(answer);
        },
      });
      if (supervisor.isRunning(entry.worker)) supervisor.send(entry.worker, this.#record(id, entry, candidate));
      else this.lost(entry.worker);
    });
  }

  #record(id: number, entry: SessionEntry, { grant, fd, received }: Candidate): Handoff {
    const { settings, catalog, portalsOf } = this.#context;
    const { identity, cid, tsih } = grant.claim;
    const { localAddress, peerAddress } = grant.endpoint;
    const portals = portalsOf(identity.targetName);
    return {
      type: 'handoff',
      id,
      fd,
      initiatorName: identity.initiatorName,
      initiatorAlias: grant.initiatorAlias,
      targetName: identity.targetName,
      isid: identity.isid,
      tsih: entry.tsih,
      cid,
      portalGroupTag: identity.portalGroupTag,
      localAddress,
      peerAddress,
      expCmdSN: grant.expCmdSN,
      statSN: grant.statSN,
      session: entry.parameters,
      connection: grant.connection,
      luns: catalog.find(identity.targetName)?.luns ?? [],
      sendTargets: sendTargetsText({ name: identity.targetName, portals }, localAddress),
      finalResponse: Buffer.from(grant.finalResponse(entry.tsih, FIRST_WINDOW)).toString('base64'),
      received: Buffer.from(received).toString('base64'),
      joins: tsih !== 0,
      queueDepth: settings.tuning.queueDepth,
      nopIntervalMs: settings.tuning.nopIntervalMs,
    };
  }
}

/** What an initiator is told when its worker does not take it. */
function refusalFault(reason: RefusalReason, detail: string): LoginFault {
  switch (reason) {
    case RefusalReason.stopping:
      return fault(LoginStatus.SERVICE_UNAVAILABLE, 'the target takes logins', detail, 'a target that is not stopping');
    case RefusalReason.session:
      return fault(LoginStatus.SESSION_DOES_NOT_EXIST, 'a connection joins a session that exists', detail, 'TSIH 0');
    default:
      return fault(LoginStatus.OUT_OF_RESOURCES, OUT_OF_RESOURCES, detail, 'fewer sessions, or more slabMiB');
  }
}
