// One connection while main owns it: its login, and a discovery session if that is what it asked for.
// Keeps the login's time; the socket is login-socket.ts's, what PDUs mean login/'s, where the connection goes next handoff.ts's.

import type { Logger } from 'pino';
import { NONE } from '../base/free-list.ts';
import { Errno, KernelError } from '../kernel/errno.ts';
import type { AdvertisedTarget } from '../login/discovery.ts';
import { DISCOVERY_WINDOW, DiscoverySession } from '../login/discovery-session.ts';
import { LoginFramer } from '../login/framer.ts';
import { LoginMachine } from '../login/login-machine.ts';
import type { Grant, Refused } from '../login/outcome.ts';
import type { LoginEndpoint, LoginPolicy } from '../login/policy.ts';
import { fault, type LoginFault, type Refusal } from '../login/refusal.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import type { Admittance, PendingLogin } from './admittance.ts';
import type { Candidate } from './handoff.ts';
import type { LoginSettings } from './login-settings.ts';
import type { LoginSocket } from './login-socket.ts';
import type { Machine } from './machine.ts';
import { ON_MAIN, type SessionEntry, type Sessions } from './sessions.ts';

/** What every connection of a portal needs. */
export interface LoginContext {
  readonly policy: LoginPolicy;
  readonly admittance: Admittance;
  readonly sessions: Sessions;
  readonly settings: LoginSettings;
  readonly targets: () => readonly AdvertisedTarget[];
  readonly handOver: (candidate: Candidate) => Promise<LoginFault | null>;
  readonly refused: (refusal: Refusal) => void;
  readonly machine: Machine;
  readonly log: Logger;
}

/** A discovery session asks and leaves. One that lingers is closed after this long without a word. */
const DISCOVERY_IDLE_MS = 60_000;

/** A connection in login. Made at accept; lets go of the socket when a worker has it. */
export class LoginConnection implements PendingLogin {
  readonly #socket: LoginSocket;
  readonly #context: LoginContext;
  readonly #endpoint: LoginEndpoint;
  readonly #machine: LoginMachine;
  readonly #finished: () => void;
  readonly #callOffTimeout: () => void;
  #framer = new LoginFramer();
  #discovery: DiscoverySession | null = null;
  #discoveryTsih = 0;
  #silent = true;
  #over = false;
  #giveUpHandOff: () => void = () => {};

  /** `finished` runs once: when a worker has the connection, or when it is closed. */
  constructor(socket: LoginSocket, endpoint: LoginEndpoint, context: LoginContext, finished: () => void) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#context = context;
    this.#finished = finished;
    const { machine } = context;
    this.#machine = new LoginMachine(context.policy, endpoint, { random: (length) => machine.random(length) });
    this.#callOffTimeout = machine.after(context.settings.tuning.loginTimeoutMs, () =>
      this.end('no login within the time for it'),
    );
    socket.listen({
      data: (bytes) => this.#take(bytes),
      ended: (reason) => this.end(reason),
      idle: () => this.end('a discovery session without a word'),
    });
    context.admittance.begin(this);
  }

  get silent(): boolean {
    return this.#silent;
  }

  #take(bytes: Uint8Array): void {
    if (!this.#framer.push(bytes)) {
      this.end('more bytes than a login has');
      return;
    }
    this.#work();
  }

  #work(): void {
    while (!this.#over && this.#discovery === null) {
      const pdu = this.#framer.next();
      if (pdu === null) return;
      this.#takeLogin(pdu);
    }
    if (!this.#over) void this.#serveDiscovery();
  }

  #takeLogin(pdu: Uint8Array): void {
    this.#silent = false;
    const outcome = this.#machine.receive(pdu);
    switch (outcome.kind) {
      case 'reply':
        this.#socket.write(outcome.bytes);
        return;
      case 'refuse':
        this.#refuse(outcome);
        return;
      case 'close':
        this.end(outcome.reason);
        return;
      case 'complete':
        if (outcome.grant.target === null) this.#discover(outcome.grant);
        else void this.#handOver(outcome.grant);
    }
  }

  #refuse({ refusal, bytes }: Refused): void {
    this.#context.refused(refusal);
    this.#farewell(bytes);
  }

  /** Sends the last bytes and closes. */
  #farewell(bytes: Uint8Array): void {
    this.#letGo('its initiator has logged out');
    this.#socket.farewell(bytes);
  }

  // Discovery

  #discover(grant: Grant): void {
    const { sessions } = this.#context;
    const tsih = sessions.nextTsih();
    if (tsih === undefined) {
      const rule = 'there is room for another session';
      this.#refuse(grant.refuse(fault(LoginStatus.OUT_OF_RESOURCES, rule, 'no TSIH is left', 'fewer sessions')));
      return;
    }
    this.#callOffTimeout();
    this.#context.admittance.finish(this);
    this.#context.admittance.heard(this);
    const { cid, identity, sessionType } = grant.claim;
    const { peerAddress, localAddress } = this.#endpoint;
    const connection = { id: 0, cid, peerAddress, localAddress, since: new Date(), parameters: grant.connection };
    const entry: SessionEntry = {
      tsih,
      identity,
      sessionType,
      initiatorAlias: grant.initiatorAlias,
      parameters: grant.session,
      worker: ON_MAIN,
      close: (reason) => this.end(reason),
      connections: new Map([[cid, connection]]),
      since: new Date(),
      figures: NONE,
      busy: Promise.resolve(),
    };
    sessions.add(entry);
    sessions.began(entry);
    this.#discoveryTsih = tsih;
    this.#discovery = new DiscoverySession({
      seeker: { initiatorName: identity.initiatorName, peerAddress, localAddress },
      targets: this.#context.targets,
      cid,
      expCmdSN: grant.expCmdSN,
      statSN: grant.statSN,
      maxXmitDataSegmentLength: grant.connection.maxXmitDataSegmentLength,
    });
    const rest = this.#framer.takeRest();
    this.#framer = new LoginFramer({ loginOnly: false });
    this.#framer.push(rest);
    this.#socket.endWhenIdle(DISCOVERY_IDLE_MS);
    this.#socket.write(grant.finalResponse(tsih, DISCOVERY_WINDOW));
  }

  /**
   * One request at a time: the next is looked at when the answer to the last has left and others have had their turn, and nothing is read
   * meanwhile. A read holds a thousand requests of a few bytes, and an answer lists every target.
   */
  async #serveDiscovery(): Promise<void> {
    this.#socket.pause();
    for (let pdu = this.#framer.next(); pdu !== null; pdu = this.#framer.next()) {
      this.#takeDiscovery(this.#discovery!, pdu);
      await this.#socket.drained();
      await new Promise<void>((resolve) => this.#context.machine.after(0, resolve));
      if (this.#over) return;
    }
    this.#socket.resume();
  }

  #takeDiscovery(discovery: DiscoverySession, pdu: Uint8Array): void {
    this.#context.admittance.heard(this);
    const outcome = discovery.receive(pdu);
    if (outcome.kind === 'reply') this.#socket.write(outcome.bytes);
    else if (outcome.kind === 'end') this.#farewell(outcome.bytes);
  }

  // Hand-off

  async #handOver(grant: Grant): Promise<void> {
    const socket = this.#socket;
    // Not one byte more is read here: what comes now is the worker's.
    if (!socket.stopReading()) return;
    const received = this.#framer.takeRest();
    await socket.drained();
    if (this.#over) return;
    const refusal = await this.#offer(grant, received);
    if (this.#over) return;
    if (refusal !== null) {
      // The peer's end of the connection is to be noticed.
      socket.startReading();
      this.#refuse(grant.refuse(refusal));
      return;
    }
    this.#letGo('a worker has it');
    // Closes main's own descriptor only; the worker's keeps the connection.
    socket.destroy();
  }

  /** Never rejects: what goes wrong on the way is a refusal as well. */
  async #offer(grant: Grant, received: Uint8Array): Promise<LoginFault | null> {
    try {
      const givenUp = new Promise<void>((resolve) => {
        this.#giveUpHandOff = resolve;
      });
      return await this.#context.handOver({ grant, fd: this.#socket.duplicate(), received, givenUp });
    } catch (cause) {
      if (cause instanceof KernelError && cause.errno === Errno.EMFILE) {
        const rule = 'there is a descriptor for the connection';
        const expected = 'a higher limit of open files';
        return fault(LoginStatus.OUT_OF_RESOURCES, rule, 'none is left', expected, LoginReason.descriptors);
      }
      const text = cause instanceof Error ? cause.message : String(cause);
      return { ...fault(LoginStatus.TARGET_ERROR, 'the target works', text, 'no fault of its own'), cause };
    }
  }

  // Ending

  /** Closes it without a word. */
  end(reason: string): void {
    if (this.#over) return;
    this.#context.log.debug({ peer: this.#endpoint.peerAddress, correlationId: this.#endpoint.correlationId }, reason);
    this.#letGo(reason);
    this.#socket.destroy();
  }

  /** Stops listening to the socket and the clock. */
  #letGo(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#callOffTimeout();
    this.#giveUpHandOff();
    this.#socket.letGo();
    this.#context.admittance.finish(this);
    this.#context.admittance.left(this);
    if (this.#discoveryTsih !== 0) this.#context.sessions.remove(this.#discoveryTsih, reason);
    this.#finished();
  }
}
