// A connection while main owns it, on a socket and a clock of the test's: in what order it reads, answers, and lets others have their turn.

import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Admittance } from '../../src/control/admittance.ts';
import type { Candidate } from '../../src/control/handoff.ts';
import { LoginConnection, type LoginContext } from '../../src/control/login-connection.ts';
import type { LoginSocket, LoginSocketEvents } from '../../src/control/login-socket.ts';
import { Sessions } from '../../src/control/sessions.ts';
import { TextRequest } from '../../src/pdu/text-pdu.ts';
import { IDENTITY, loginRequest, OPERATE } from '../login/initiator.ts';
import { ENDPOINT, INITIATOR, OPEN_ACL, World } from '../login/world.ts';

const TEXT_RESPONSE = 0x24;
const LOGOUT_RESPONSE = 0x26;

/** Takes whatever is written, and says that it has left when the test says so. */
class TestSocket implements LoginSocket {
  events: LoginSocketEvents | null = null;
  readonly opcodes: number[] = [];
  paused = false;
  closed = false;
  #left: (() => void)[] = [];

  listen(events: LoginSocketEvents): void {
    this.events = events;
  }

  write(bytes: Uint8Array): void {
    this.opcodes.push(bytes[0]!);
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#left.push(resolve));
  }

  async drain(): Promise<void> {
    for (const resolve of this.#left.splice(0)) resolve();
    await new Promise(setImmediate);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  farewell(bytes: Uint8Array): void {
    this.write(bytes);
    this.closed = true;
  }

  destroy(): void {
    this.closed = true;
  }

  endWhenIdle(): void {}
  letGo(): void {}
  startReading(): void {}
  stopReading = (): boolean => true;
  duplicate = (): number => -1;
}

/** A connection to a portal, and the clock that it goes by. */
function connect() {
  const socket = new TestSocket();
  const due: (() => void)[] = [];
  let timeout = (): void => {};
  const handedOver: Candidate[] = [];
  const target = { name: 'iqn.2026-11.x:a', acl: OPEN_ACL, portals: [] };
  const context = {
    policy: new World(),
    admittance: new Admittance(),
    sessions: new Sessions(),
    settings: { tuning: { loginTimeoutMs: 1000 } },
    targets: () => [target],
    // No worker ever answers.
    handOver: (candidate: Candidate) => {
      handedOver.push(candidate);
      return new Promise(() => {});
    },
    machine: {
      now: () => 0,
      after: (delayMs: number, then: () => void) => {
        if (delayMs === 0) due.push(then);
        else timeout = then;
        return () => {};
      },
      random: (length: number) => new Uint8Array(length),
      close: () => {},
    },
    log: pino({ level: 'silent' }),
  } as unknown as LoginContext;
  new LoginConnection(socket, ENDPOINT, context, () => {});
  /** Others have had their turn. */
  const turn = async (): Promise<void> => {
    for (const then of due.splice(0)) then();
    await new Promise(setImmediate);
  };
  return { socket, context, turn, handedOver, timeout: () => timeout() };
}

const DISCOVERY = loginRequest(OPERATE, { InitiatorName: INITIATOR, SessionType: 'Discovery' });

/** An immediate request, padded. */
function request(opcode: number, text: string): Uint8Array {
  const bytes = new Uint8Array(48 + Math.ceil(text.length / 4) * 4);
  const view = new DataView(bytes.buffer);
  TextRequest.opcode.set(view, 0, opcode | 0x40);
  TextRequest.flags.set(view, 0, 0x80);
  TextRequest.dataSegmentLength.set(view, 0, text.length);
  TextRequest.targetTransferTag.set(view, 0, 0xffffffff);
  bytes.set(Buffer.from(text), 48);
  return bytes;
}

const padded = (pdu: Uint8Array): Uint8Array => Buffer.concat([pdu, new Uint8Array((4 - (pdu.length % 4)) % 4)]);

test('a discovery session is served one request at a time: not before the last answer has left, nor before others had their turn', async () => {
  const { socket, turn } = connect();
  socket.events!.data(padded(DISCOVERY));
  expect(socket.opcodes).toEqual([0x23]);
  expect(socket.paused).toBe(false);
  socket.opcodes.length = 0;
  const question = request(0x04, 'SendTargets=All\0');
  socket.events!.data(Buffer.concat([question, question, question, request(0x06, ''), question]));
  for (let answered = 1; answered <= 3; answered++) {
    expect(socket.opcodes).toEqual(Array(answered).fill(TEXT_RESPONSE));
    expect(socket.paused).toBe(true);
    await turn();
    expect(socket.opcodes).toHaveLength(answered);
    await socket.drain();
    expect(socket.opcodes).toHaveLength(answered);
    await turn();
  }
  expect(socket.opcodes.slice(3)).toEqual([LOGOUT_RESPONSE]);
  await socket.drain();
  await turn();
  expect(socket.opcodes).toHaveLength(4);
  expect(socket.closed).toBe(true);
});

test('what comes with the login is served as well, and then more is read', async () => {
  const { socket, turn } = connect();
  const question = request(0x04, 'SendTargets=All\0');
  socket.events!.data(Buffer.concat([padded(DISCOVERY), question, question.subarray(0, 20)]));
  expect(socket.opcodes).toEqual([0x23, TEXT_RESPONSE]);
  await socket.drain();
  await turn();
  expect(socket.paused).toBe(false);
  socket.events!.data(question.subarray(20));
  expect(socket.opcodes).toEqual([0x23, TEXT_RESPONSE, TEXT_RESPONSE]);
});

test('nothing is served that an ended session left behind', async () => {
  const { socket, context, turn } = connect();
  const question = request(0x04, 'SendTargets=All\0');
  socket.events!.data(Buffer.concat([padded(DISCOVERY), question, question]));
  for (const session of [...context.sessions.all()]) session.close!('an operator ends it');
  await socket.drain();
  await turn();
  expect(socket.opcodes).toEqual([0x23, TEXT_RESPONSE]);
});

test('a login whose time is over closes, and gives its hand-off up', async () => {
  const { socket, handedOver, timeout } = connect();
  socket.events!.data(padded(loginRequest(OPERATE, IDENTITY)));
  await socket.drain();
  const [candidate] = handedOver;
  let givenUp = false;
  void candidate!.givenUp.then(() => (givenUp = true));
  await new Promise(setImmediate);
  expect([givenUp, socket.closed]).toEqual([false, false]);
  timeout();
  await new Promise(setImmediate);
  expect([givenUp, socket.closed]).toEqual([true, true]);
});
