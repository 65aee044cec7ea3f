// One connection while main owns it: its login, and a discovery session if that is what it asked for.
// Reads and writes the socket, keeps the login timer; what PDUs mean is login/'s, where the connection goes next handoff.ts's.

import type { Socket } from 'node:net';
import type { Logger } from 'pino';
import { NONE } from '../base/free-list.ts';
import { Errno, KernelError } from '../kernel/errno.ts';
import { duplicate } from '../kernel/libc.ts';
import type { AdvertisedTarget } from '../login/discovery.ts';
import { DISCOVERY_WINDOW, DiscoverySession } from '../login/discovery-session.ts';
import { LoginFramer } from '../login/framer.ts';
import { LoginMachine } from '../login/login-machine.ts';
import type { Grant, Refused } from '../login/outcome.ts';
import type { LoginEndpoint, LoginPolicy } from '../login/policy.ts';
import { fault, type LoginFault, type Refusal } from '../login/refusal.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import type { Admittance, PendingLogin } from './admittance.ts';
import type { Candidate } from './handoff.ts';
import { ON_MAIN, type Sessions } from './sessions.ts';

/** What every connection of a portal needs. */
export interface LoginContext {
  readonly policy: LoginPolicy;
  readonly admittance: Admittance;
  readonly sessions: Sessions;
  readonly loginTimeoutMs: number;
  readonly targets: () => readonly AdvertisedTarget[];
  readonly handOver: (candidate: Candidate) => Promise<LoginFault | null>;
  readonly refused: (refusal: Refusal) => void;
  readonly log: Logger;
}

/** A refused connection is closed once its answer has left, or after this long. */
const FAREWELL_MS = 2000;
/** A discovery session asks and leaves. One that lingers is closed after this long without a word. */
const DISCOVERY_IDLE_MS = 60_000;

/** The parts of a socket's handle that Node has no public name for. */
interface SocketHandle {
  readonly fd: number;
  readStop(): void;
  readStart(): void;
}

/** A connection in login. Made at accept; lets go of the socket when a worker has it. */
export class LoginConnection implements PendingLogin {
  readonly #socket: Socket;
  readonly #context: LoginContext;
  readonly #endpoint: LoginEndpoint;
  readonly #machine: LoginMachine;
  readonly #finished: () => void;
  readonly #timer: NodeJS.Timeout;
  #framer = new LoginFramer();
  #discovery: DiscoverySession | null = null;
  #discoveryTsih = 0;
  #silent = true;
  #over = false;

  /** `finished` runs once: when a worker has the connection, or when it is closed. */
  constructor(socket: Socket, endpoint: LoginEndpoint, context: LoginContext, finished: () => void) {
    this.#socket = socket;
    this.#endpoint = endpoint;
    this.#context = context;
    this.#finished = finished;
    this.#machine = new LoginMachine(context.policy, endpoint);
    this.#timer = setTimeout(() => this.#end('no login within the time for it'), context.loginTimeoutMs);
    socket.on('data', this.#onData);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('timeout', () => this.#end('a discovery session without a word'));
    context.admittance.begin(this);
  }

  get silent(): boolean {
    return this.#silent;
  }

  /** Closes it without a word. */
  end(reason: string): void {
    this.#end(reason);
  }

  readonly #onError = (error: Error): void => this.#end(error.message);
  readonly #onClose = (): void => this.#end('closed by the initiator');

  readonly #onData = (bytes: Uint8Array): void => {
    if (!this.#framer.push(bytes)) {
      this.#end('more bytes than a login has');
      return;
    }
    this.#work();
  };

  #work(): void {
    while (!this.#over) {
      const pdu = this.#framer.next();
      if (pdu === null) return;
      if (this.#discovery === null) this.#takeLogin(pdu);
      else this.#takeDiscovery(this.#discovery, pdu);
    }
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
        this.#end(outcome.reason);
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
    const socket = this.#socket;
    this.#letGo();
    socket.on('error', () => {});
    socket.resume();
    socket.end(bytes);
    const late = setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
    socket.once('close', () => clearTimeout(late));
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
    clearTimeout(this.#timer);
    this.#context.admittance.finish(this);
    const { cid, identity, sessionType } = grant.claim;
    const { peerAddress, localAddress } = this.#endpoint;
    sessions.add({
      tsih,
      identity,
      sessionType,
      initiatorAlias: grant.initiatorAlias,
      parameters: grant.session,
      worker: ON_MAIN,
      close: (reason) => this.#end(reason),
      connections: new Map([[cid, { id: 0, cid, peerAddress, localAddress, since: new Date() }]]),
      since: new Date(),
      figures: NONE,
      busy: Promise.resolve(),
    });
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
    this.#socket.setTimeout(DISCOVERY_IDLE_MS);
    this.#socket.write(grant.finalResponse(tsih, DISCOVERY_WINDOW));
  }

  #takeDiscovery(discovery: DiscoverySession, pdu: Uint8Array): void {
    const outcome = discovery.receive(pdu);
    if (outcome.kind === 'reply') this.#socket.write(outcome.bytes);
    else if (outcome.kind === 'end') this.#farewell(outcome.bytes);
  }

  // Hand-off

  async #handOver(grant: Grant): Promise<void> {
    const socket = this.#socket;
    const handle = (socket as unknown as { _handle: SocketHandle | null })._handle;
    if (handle === null) return;
    // Not one byte more is read here: what comes now is the worker's.
    handle.readStop();
    socket.off('data', this.#onData);
    const received = this.#framer.takeRest();
    if (socket.writableLength !== 0) await new Promise<void>((resolve) => socket.once('drain', resolve));
    if (this.#over) return;
    const refusal = await this.#offer(grant, handle.fd, received);
    if (this.#over) return;
    if (refusal !== null) {
      // The peer's end of the connection is to be noticed.
      handle.readStart();
      this.#refuse(grant.refuse(refusal));
      return;
    }
    this.#letGo();
    socket.on('error', () => {});
    // Closes main's own descriptor only; the worker's keeps the connection.
    socket.destroy();
  }

  /** Never rejects: what goes wrong on the way is a refusal as well. */
  async #offer(grant: Grant, fd: number, received: Uint8Array): Promise<LoginFault | null> {
    try {
      return await this.#context.handOver({ grant, fd: duplicate(fd), received });
    } catch (cause) {
      if (cause instanceof KernelError && cause.errno === Errno.EMFILE) {
        const rule = 'there is a descriptor for the connection';
        return fault(LoginStatus.OUT_OF_RESOURCES, rule, 'none is left', 'a higher limit of open files');
      }
      const text = cause instanceof Error ? cause.message : String(cause);
      return { ...fault(LoginStatus.TARGET_ERROR, 'the target works', text, 'no fault of its own'), cause };
    }
  }

  // Ending

  #end(reason: string): void {
    if (this.#over) return;
    this.#context.log.debug({ peer: this.#endpoint.peerAddress, correlationId: this.#endpoint.correlationId }, reason);
    this.#letGo();
    this.#socket.on('error', () => {});
    this.#socket.destroy();
  }

  /** Stops listening to the socket and the clock. */
  #letGo(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket.setTimeout(0);
    this.#socket.off('data', this.#onData);
    this.#socket.off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    this.#context.admittance.finish(this);
    if (this.#discoveryTsih !== 0) this.#context.sessions.remove(this.#discoveryTsih);
    this.#finished();
  }
}
