// A small initiator that does as it is told: any PDU with any field, digests right or wrong, half a PDU, silence.
// It keeps the numbers of a session so that tests need to name only what they are about. Logging in is initiator-login.ts, running a
// whole command initiator-command.ts.

import { Bhs, padded, RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { STATUS_BIT } from '../../src/pdu/data-in.ts';
import { LogoutReason, LogoutRequest, LogoutResponse } from '../../src/pdu/logout.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, IMMEDIATE_BIT, Opcode, opcodeName } from '../../src/pdu/opcode.ts';
import {
  type ConnectionParameters,
  DEFAULT_CONNECTION_PARAMETERS,
  DEFAULT_SESSION_PARAMETERS,
  type SessionParameters,
} from '../../src/pdu/parameters.ts';
import { TaskManagementRequest, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { encodePairs, parsePairs } from '../../src/pdu/text.ts';
import { TextRequest, TextResponse } from '../../src/pdu/text-pdu.ts';
import { digest } from './digest.ts';
import {
  type AnyLayout,
  decode,
  describeHeader,
  encode,
  type HeaderValues,
  lunField,
  REPLIES,
  REQUESTS,
  viewOf,
} from './header-values.ts';
import { type CommandOptions, type CommandResult, runCommand } from './initiator-command.ts';
import { type LoginOptions, type LoginResult, login } from './initiator-login.ts';
import { type Pdu, PduSocket, REPLY_LIMIT_MS } from './pdu-socket.ts';

/** What the connections of a session share. */
export class InitiatorSession {
  initiatorName = 'iqn.2026-11.io.lunaring:test-initiator';
  /** A random-type ISID (RFC 7143 §11.12.5), different for every session of this process. */
  isid: Uint8Array = nextIsid();
  tsih = 0;
  cmdSN = 1;
  nextTag = 1;
  parameters: SessionParameters = { ...DEFAULT_SESSION_PARAMETERS };
}

let sessions = 0;

function nextIsid(): Uint8Array {
  const isid = Buffer.alloc(6);
  isid[0] = 0x80;
  isid.writeUInt32BE(++sessions, 2);
  return isid;
}

export interface SendOptions {
  readonly data?: Uint8Array;
  /** Additional header segments, whole words. */
  readonly ahs?: Uint8Array;
  /** Deliver immediately: no CmdSN is used up. */
  readonly immediate?: boolean;
  /** Send a wrong digest where one is due. */
  readonly wrongHeaderDigest?: boolean;
  readonly wrongDataDigest?: boolean;
  /** Send only so many bytes of the PDU. */
  readonly keep?: number;
}

/** A reply: the fields of its header under their names, and its data segment. */
export type Reply<L> = HeaderValues<L> & { readonly data: Buffer };

/** One connection of an initiator. */
export class RawInitiator implements Disposable {
  readonly wire: PduSocket;
  readonly session: InitiatorSession;
  cid = 1;
  /** The StatSN that comes next; acknowledges all before it. */
  expStatSN = 0;
  /** As the target last said. */
  expCmdSN = 0;
  maxCmdSN = 0;
  parameters: ConnectionParameters = { ...DEFAULT_CONNECTION_PARAMETERS };

  constructor(wire: PduSocket, session: InitiatorSession = new InitiatorSession()) {
    this.wire = wire;
    this.session = session;
  }

  /** Connects, and no more. Give a session to open another of its connections. */
  static async connect(port: number, session?: InitiatorSession, host?: string): Promise<RawInitiator> {
    return new RawInitiator(await PduSocket.open(port, host), session);
  }

  /** Connects and logs in; throws unless that succeeds. */
  static async logIn(port: number, options: LoginOptions = {}): Promise<RawInitiator> {
    const initiator = await RawInitiator.connect(port);
    const result = await initiator.login(options);
    if (result.status !== 0) throw new Error(`login refused with 0x${result.status.toString(16).padStart(4, '0')}`);
    return initiator;
  }

  /** See {@link login}. */
  login(options: LoginOptions = {}): Promise<LoginResult> {
    return login(this, options);
  }

  /** See {@link runCommand}. */
  command(cdb: Uint8Array, options: CommandOptions = {}): Promise<CommandResult> {
    return runCommand(this, cdb, options);
  }

  /**
   * Sends a PDU. Fields that `values` leaves out get what a well-behaved initiator would send: opcode, lengths, F, a fresh Initiator Task
   * Tag, CmdSN (used up unless immediate or given) and ExpStatSN. Returns the Initiator Task Tag.
   */
  send<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>> = {}, options: SendOptions = {}): number {
    const bytes = this.encode(layout, values, options);
    this.wire.write(bytes.subarray(0, options.keep));
    return bytes.readUInt32BE(16);
  }

  /** The bytes of a PDU, as {@link send} would send them. */
  encode<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>> = {}, options: SendOptions = {}): Buffer {
    const header = this.#complete(layout, values, options);
    const ahs = options.ahs ?? Buffer.alloc(0);
    const data = options.data ?? Buffer.alloc(0);
    const parts: Uint8Array[] = [header, ahs];
    if (this.wire.headerDigest) parts.push(digest(Buffer.concat([header, ahs]), options.wrongHeaderDigest));
    const segment = Buffer.alloc(padded(data.length));
    segment.set(data);
    parts.push(segment);
    if (this.wire.dataDigest && data.length > 0) parts.push(digest(segment, options.wrongDataDigest));
    return Buffer.concat(parts);
  }

  #complete<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>>, options: SendOptions): Buffer {
    const immediate = options.immediate ?? false;
    const has = (name: string) => layout.fields.includes(name);
    const filled: Record<string, number | Uint8Array> = {
      opcode: REQUESTS.get(layout)! | (immediate ? IMMEDIATE_BIT : 0),
      flags: FINAL_BIT,
      totalAHSLength: (options.ahs?.length ?? 0) / 4,
      dataSegmentLength: options.data?.length ?? 0,
    };
    if (!('initiatorTaskTag' in values)) filled['initiatorTaskTag'] = this.session.nextTag++;
    if (has('targetTransferTag')) filled['targetTransferTag'] = RESERVED_TAG;
    if (has('expStatSN')) filled['expStatSN'] = this.expStatSN;
    if (has('cmdSN')) {
      filled['cmdSN'] = this.session.cmdSN;
      if (!immediate && !('cmdSN' in values)) this.session.cmdSN = (this.session.cmdSN + 1) >>> 0;
    }
    return encode(layout, { ...filled, ...values } as Partial<HeaderValues<L>>);
  }

  /** The next PDU, or null when the target closed the connection. Keeps the sequence numbers. */
  async receive(limitMs = REPLY_LIMIT_MS): Promise<Pdu | null> {
    const pdu = await this.wire.receive(limitMs);
    if (pdu !== null) this.#note(pdu);
    return pdu;
  }

  /** The next PDU but for pings of the target's own, which may come whenever it has heard nothing for long: they are answered. */
  async receiveAnswer(limitMs?: number): Promise<Pdu | null> {
    for (;;) {
      const pdu = await this.receive(limitMs);
      if (pdu?.opcode !== Opcode.NOP_IN) return pdu;
      const { initiatorTaskTag, targetTransferTag, lun } = decode(NopIn, pdu.header);
      if (initiatorTaskTag !== RESERVED_TAG) return pdu;
      if (targetTransferTag !== RESERVED_TAG)
        this.send(NopOut, { initiatorTaskTag, targetTransferTag, lun }, { immediate: true });
    }
  }

  /** The next PDU, which must be of this kind; see {@link receiveAnswer}, unless a NOP-In is wanted. */
  async expect<L extends AnyLayout>(layout: L, limitMs?: number): Promise<Reply<L>> {
    const wanted = REPLIES.get(layout)!;
    const pdu = wanted === Opcode.NOP_IN ? await this.receive(limitMs) : await this.receiveAnswer(limitMs);
    return this.#expected(layout, pdu);
  }

  #expected<L extends AnyLayout>(layout: L, pdu: Pdu | null): Reply<L> {
    const wanted = REPLIES.get(layout)!;
    if (pdu === null) throw new Error(`${opcodeName(wanted)} expected, and the target closed the connection`);
    if (pdu.opcode !== wanted) {
      throw new Error(`${opcodeName(wanted)} expected, received ${describeHeader(pdu.header, pdu.opcode)}`);
    }
    return { ...decode(layout, pdu.header), data: pdu.data };
  }

  /** The target closes the connection and says nothing more. */
  async expectClose(limitMs = REPLY_LIMIT_MS): Promise<void> {
    const pdu = await this.receive(limitMs);
    if (pdu !== null) throw new Error(`a close expected, received ${describeHeader(pdu.header, pdu.opcode)}`);
  }

  /** Whatever was sent last got no answer: the answer to a ping sent now is the next PDU. Waits for no clock. */
  async expectSilence(): Promise<void> {
    await this.ping();
  }

  /** An immediate NOP-Out, and its answer. */
  async ping(data: Uint8Array = Buffer.from('ping')): Promise<Reply<typeof NopIn>> {
    const tag = this.send(NopOut, {}, { immediate: true, data });
    const reply = this.#expected(NopIn, await this.receiveAnswer());
    if (reply.initiatorTaskTag !== tag) throw new Error('the NOP-In answers another ping');
    return reply;
  }

  /** A Text Request with `pairs`, and its answer. */
  async text(pairs: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, string> | null> {
    this.send(TextRequest, {}, { data: encodePairs(Object.entries(pairs)) });
    const reply = await this.expect(TextResponse);
    return parsePairs(reply.data);
  }

  /** A task management function, immediate, and its response code. */
  async taskManagement(taskFunction: number, values: Partial<HeaderValues<typeof TaskManagementRequest>> = {}) {
    const flags = FINAL_BIT | taskFunction;
    const given = { flags, lun: lunField(0), referencedTaskTag: RESERVED_TAG, ...values };
    this.send(TaskManagementRequest, given, { immediate: true });
    return (await this.expect(TaskManagementResponse)).response;
  }

  /** Ends the session, or this connection of it; the target closes the connection then. Returns the response code. */
  async logOut(reason: LogoutReason = LogoutReason.CLOSE_SESSION): Promise<number> {
    this.send(LogoutRequest, { flags: FINAL_BIT | reason, cid: this.cid }, { immediate: true });
    const reply = await this.expect(LogoutResponse);
    this.wire.end();
    await this.expectClose();
    this.wire.close();
    return reply.response;
  }

  [Symbol.dispose](): void {
    this.wire.close();
  }

  /** StatSN, ExpCmdSN and MaxCmdSN stand at the same place in every PDU that has them. */
  #note(pdu: Pdu): void {
    const tag = pdu.header.readUInt32BE(16);
    if (usesStatSN(pdu, tag)) this.expStatSN = (pdu.header.readUInt32BE(24) + 1) >>> 0;
    this.expCmdSN = pdu.header.readUInt32BE(28);
    this.maxCmdSN = pdu.header.readUInt32BE(32);
  }
}

/** Whether a PDU from the target uses up a StatSN (RFC 7143 §4.2.2.2): not R2T, not a NOP-In of the target's own, not Data-In without status. */
function usesStatSN(pdu: Pdu, tag: number): boolean {
  switch (pdu.opcode) {
    case Opcode.R2T:
      return false;
    case Opcode.NOP_IN:
      return tag !== RESERVED_TAG;
    case Opcode.DATA_IN:
      return (Bhs.flags.get(viewOf(pdu.header), 0) & STATUS_BIT) !== 0;
    default:
      return true;
  }
}
