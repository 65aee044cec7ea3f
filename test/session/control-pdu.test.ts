import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Reject, RejectReason } from '../../src/pdu/reject.ts';
import { encodePairs } from '../../src/pdu/text.ts';
import { TextRequest } from '../../src/pdu/text-pdu.ts';
import { read16, testUnitReady } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const UNKNOWN_REASON = 5;

const opcodes = (one: SimInitiator) => one.replies().map(({ opcode }) => opcode);

/** Non-immediate requests that are rejected; their CmdSN is the next. */
const REJECTED: readonly { what: string; bytes: (one: SimInitiator) => Buffer }[] = [
  {
    what: 'a Text Request of no exchange',
    bytes: (one) =>
      one.encode(TextRequest, { targetTransferTag: 0x1234 }, { data: encodePairs([['SendTargets', '']]) }),
  },
  {
    what: 'text that makes no sense',
    bytes: (one) => one.encode(TextRequest, {}, { data: Buffer.from('SendTargets') }),
  },
  {
    what: 'too much text',
    bytes: (one) => one.encode(TextRequest, {}, { data: encodePairs([['X-a', 'a'.repeat(9000)]]) }),
  },
  {
    what: 'a Logout Request for no reason that there is',
    bytes: (one) => one.encode(LogoutRequest, { flags: FINAL_BIT | UNKNOWN_REASON, cid: one.cid }),
  },
  {
    what: 'a Logout Request by which a connection recovers itself',
    bytes: (one) => one.encode(LogoutRequest, { flags: FINAL_BIT | LogoutReason.REMOVE_FOR_RECOVERY, cid: one.cid }),
  },
  { what: 'a NOP-Out with neither tag', bytes: (one) => one.encode(NopOut, { initiatorTaskTag: RESERVED_TAG }) },
];

describe.each(REJECTED)('$what, rejected and not immediate (RFC 7143 §7.3)', ({ bytes }) => {
  const session = { errorRecoveryLevel: 2, defaultTime2Retain: 20, maxConnections: 2 };

  it('leaves a gap in CmdSN, which is plugged by a request with the same', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    const { cmdSN } = one.numbers;
    one.sendBytes(bytes(one));
    one.command(testUnitReady());
    bench.settle();
    const [reject, ...others] = one.replies();
    expect([reject!.opcode, others]).toEqual([Opcode.REJECT, []]);
    expect(decode(Reject, reject!.header).expCmdSN).toBe(cmdSN);
    one.send(NopOut, { cmdSN });
    bench.settle();
    expect(opcodes(one).sort()).toEqual([Opcode.NOP_IN, Opcode.SCSI_RESPONSE]);
    expect(one.expCmdSN).toBe(one.numbers.cmdSN);
  });

  it('leaves it in its turn where it came before that', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session });
    const two = bench.logIn({ joins: one });
    const late = one.encode(NopOut);
    const { cmdSN } = one.numbers;
    two.sendBytes(bytes(two));
    two.command(testUnitReady());
    bench.settle();
    expect([one.replies(), two.replies()]).toEqual([[], []]);
    one.sendBytes(late);
    bench.settle();
    expect(opcodes(one)).toEqual([Opcode.NOP_IN]);
    const [reject, ...others] = two.replies();
    expect([reject!.opcode, others]).toEqual([Opcode.REJECT, []]);
    expect(decode(Reject, reject!.header).expCmdSN).toBe(cmdSN);
    // Over either connection.
    one.send(NopOut, { cmdSN });
    bench.settle();
    expect([opcodes(one), opcodes(two)]).toEqual([[Opcode.NOP_IN], [Opcode.SCSI_RESPONSE]]);
    expect(two.expCmdSN).toBe(one.numbers.cmdSN);
  });
});

it('held, and due when there is no cell left for it, gives none back that it did not take', () => {
  const bench = new SessionBench();
  const one = bench.logIn({ session: { maxConnections: 2 } });
  const two = bench.logIn({ joins: one });
  const late = two.encode(NopOut);
  one.send(NopOut);
  bench.settle();
  const { slab } = bench.engine;
  const taken: number[] = [];
  for (let cell = slab.takeCell(); cell !== NONE; cell = slab.takeCell()) taken.push(cell);
  two.sendBytes(late);
  bench.settle();
  expect([one.open, two.open]).toEqual([false, false]);
  const free: number[] = [];
  for (let cell = slab.takeCell(); cell !== NONE; cell = slab.takeCell()) free.push(cell);
  // Those of the two connections.
  expect(free).toHaveLength(2);
  expect([...taken, ...free]).not.toContain(bench.host.spareCell);
});

describe('the data of NOP-Outs that are held', () => {
  const SLOT = 256 * 1024;
  const BLOCKS = SLOT / BLOCK_BYTES;
  /** What comes unasked of one connection has so many slots of the bench's slab; there are {@link SLOTS}. */
  const HELD = 8;
  const SLOTS = 14;
  const PING = noise(SLOT, 1);

  it('are within the share of their connection, and others are served', () => {
    const bench = new SessionBench();
    const [one, other] = [bench.logIn(), bench.logIn()];
    const unused = bench.engine.slab.bytesInUse;
    const cmdSN = one.numbers.cmdSN++;
    for (let count = 0; count <= SLOTS; count++) one.send(NopOut, {}, { data: PING });
    bench.settle();
    const rejects = one.replies().map(({ header }) => decode(Reject, header));
    expect(rejects).toHaveLength(SLOTS + 1 - HELD);
    for (const { opcode, reason, expCmdSN } of rejects) {
      expect([opcode, reason, expCmdSN]).toEqual([Opcode.REJECT, RejectReason.LONG_OPERATION_REJECT, cmdSN]);
    }
    other.command(read16(0, BLOCKS), { read: SLOT });
    bench.settle();
    expect(opcodes(other)).toEqual([Opcode.DATA_IN]);
    // The gap is closed over this very connection.
    one.send(NopOut, { cmdSN });
    bench.settle();
    const [, ...echoes] = one.replies();
    expect(echoes.map(({ opcode, data }) => [opcode, PING.equals(data)])).toEqual(
      Array.from({ length: HELD }, () => [Opcode.NOP_IN, true]),
    );
    expect(one.expCmdSN).toBe(cmdSN + 1 + HELD);
    expect([bench.engine.slab.bytesInUse, bench.host.processor.memory.shares.active]).toEqual([unused, 0]);
  });

  it('wait outside while something of the connection is under way, whose memory comes back', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    one.command(read16(0, BLOCKS), { read: SLOT });
    const cmdSN = one.numbers.cmdSN++;
    for (let count = 0; count < HELD; count++) one.send(NopOut, {}, { data: PING });
    bench.settle();
    expect([one.replies(), bench.host.stalled.size]).toEqual([[], 1]);
    bench.file.stuck = false;
    bench.settle();
    expect([opcodes(one), bench.host.stalled.size]).toEqual([[Opcode.DATA_IN], 0]);
    one.send(NopOut, { cmdSN });
    bench.settle();
    expect(opcodes(one)).toEqual(Array.from({ length: HELD + 1 }, () => Opcode.NOP_IN));
  });

  it('are no one’s once their session has ended', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    one.numbers.cmdSN++;
    one.send(NopOut, {}, { data: PING });
    bench.settle();
    const { shares } = bench.host.processor.memory;
    expect(shares.active).toBe(1);
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(shares.active).toBe(0);
  });
});
