// Everything a worker does for its sessions, in any mix and however the network cuts it up: a property over simulated connections.
// Single rules are in the files named after them; real sockets in test/conformance.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serialDistance } from '../../src/base/serial.ts';
import { DataIn, STATUS_BIT } from '../../src/pdu/data-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { Status } from '../../src/scsi/task.ts';
import { read16, write16 } from '../support/cdbs.ts';
import { copyList, copySegment, extendedCopy } from '../support/copy-lists.ts';
import { decode, lunField } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

/** Blocks that each command has to itself, so that what was written can be told from what was not. */
const REGION_BLOCKS = 700;
const COMMANDS_MAX = 14;
const BEFORE = noise(REGION_BLOCKS * COMMANDS_MAX * BLOCK_BYTES, 99);
/** The window that a session begins with, and the one that it may grow to. */
const WINDOWS = [16, 32];

const lengths = [512, 1000, 4096, 65536, 262144];
const parameters = fc
  .record({
    initialR2T: fc.boolean(),
    immediateData: fc.boolean(),
    firstBurstLength: fc.constantFrom(512, 1024, 65536, 262144),
    maxBurstLength: fc.constantFrom(512, 1536, 65536, 1048576),
    maxOutstandingR2T: fc.integer({ min: 1, max: 4 }),
  })
  .map((keys) => ({ ...keys, firstBurstLength: Math.min(keys.firstBurstLength, keys.maxBurstLength) }));
const connection = fc.record({
  maxRecvDataSegmentLength: fc.constantFrom(...lengths),
  maxXmitDataSegmentLength: fc.constantFrom(...lengths),
  headerDigest: fc.constantFrom(Digest.none, Digest.crc32c),
  dataDigest: fc.constantFrom(Digest.none, Digest.crc32c),
});
const io = fc.record({
  what: fc.constantFrom('read' as const, 'write' as const),
  lun: fc.constantFrom(SimLun.FILE, SimLun.MEMORY),
  blocks: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: REGION_BLOCKS })),
  /** How many bytes more (or fewer) the initiator expects than the CDB says. */
  surplus: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: -1500, max: 1500 }) },
  ),
  over: fc.nat({ max: 1 }),
});
const step = fc.oneof(
  { weight: 6, arbitrary: io },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('abort' as const), command: fc.nat(), over: fc.nat({ max: 1 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom('reset' as const, 'ping' as const), over: fc.nat({ max: 1 }) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('stuck' as const), stuck: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('deaf' as const), deaf: fc.boolean(), over: fc.nat({ max: 1 }) }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('run' as const), turns: fc.integer({ min: 1, max: 20 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Io = typeof io extends fc.Arbitrary<infer Value> ? Value : never;

/** A command of the mix, and what was heard of it. */
interface Command extends Omit<Io, 'over'> {
  readonly initiator: SimInitiator;
  readonly tag: number;
  readonly cmdSN: number;
  readonly region: number;
  readonly expected: number;
  readonly data: Buffer;
  readonly received: Buffer;
  status: number | null;
  /** What was there when the target said that the command was aborted. */
  afterAbort: Buffer | null;
  /** Nothing more of it may come: what came over another connection than the abort's answer has no order with that. */
  over: boolean;
}

/** An initiator that does many things at once over one or two connections, and keeps account. */
class Mix {
  readonly bench: SessionBench;
  readonly #initiators: SimInitiator[];
  readonly #commands: Command[] = [];
  /** Task management functions under way: whom each concerns. */
  readonly #functions = new Map<number, Command[]>();
  readonly #pings = new Map<number, Buffer>();
  /** Each is followed by one unit attention (SAM-5 §6.3.3), and so by one command that fails. */
  #resets = 0;

  constructor(bench: SessionBench, initiators: SimInitiator[]) {
    this.bench = bench;
    this.#initiators = initiators;
  }

  play(step: Step): void {
    switch (step.what) {
      case 'read':
      case 'write':
        this.#command(step);
        return;
      case 'abort':
        this.#abort(step.command, this.#over(step.over));
        return;
      case 'reset': {
        this.#resets++;
        const tag = this.#over(step.over).taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
        this.#functions.set(
          tag,
          this.#commands.filter(({ lun, status }) => lun === SimLun.FILE && status === null),
        );
        return;
      }
      case 'ping': {
        const data = noise(100, this.#pings.size + 1);
        this.#pings.set(this.#over(step.over).send(NopOut, {}, { data }), data);
        return;
      }
      case 'stuck':
        this.bench.file.stuck = step.stuck;
        return;
      case 'deaf':
        this.bench.engine.setDeaf(this.#over(step.over).socket, step.deaf);
        return;
      case 'run':
        for (let turn = 0; turn < step.turns; turn++) this.bench.engine.turn();
        this.#hear();
    }
  }

  #over(index: number): SimInitiator {
    return this.#initiators[index % this.#initiators.length]!;
  }

  #command(given: Io): void {
    const initiator = this.#over(given.over);
    if (this.#commands.length === COMMANDS_MAX) return;
    const { session, connection } = initiator;
    const region = this.#commands.length * REGION_BLOCKS;
    const length = given.blocks * BLOCK_BYTES;
    const expected = Math.max(4, length + given.surplus);
    const data = noise(expected, region + 7);
    const cmdSN = initiator.numbers.cmdSN;
    let tag: number;
    if (given.what === 'read') {
      tag = initiator.command(read16(region, given.blocks), { lun: given.lun, read: expected });
    } else {
      const burst = Math.min(session.firstBurstLength, expected);
      const most = session.immediateData ? Math.min(burst, connection.maxRecvDataSegmentLength) : 0;
      const immediate = given.blocks % 3 === 0 ? 0 : most;
      const unsolicited = !session.initialR2T && immediate < burst;
      tag = initiator.command(write16(region, given.blocks), {
        lun: given.lun,
        write: expected,
        unsolicited,
        data: data.subarray(0, immediate),
      });
      if (unsolicited) sendData(initiator, tag, data, immediate, burst, {});
    }
    const received = Buffer.alloc(expected);
    const unheard = { status: null, afterAbort: null, over: false };
    this.#commands.push({ ...given, initiator, tag, cmdSN, region, expected, data, received, ...unheard });
  }

  #abort(index: number, initiator: SimInitiator): void {
    const command = this.#commands[index % Math.max(1, this.#commands.length)];
    if (command === undefined) return;
    const tag = initiator.taskManagement(TaskFunction.ABORT_TASK, {
      lun: lunField(command.lun),
      referencedTaskTag: command.tag,
      refCmdSN: command.cmdSN,
    });
    this.#functions.set(tag, [command]);
  }

  /** Everything that has come in, and what it asks for. */
  #hear(): void {
    for (const initiator of this.#initiators) for (const pdu of initiator.replies()) this.#take(initiator, pdu);
  }

  #take(initiator: SimInitiator, pdu: Pdu): void {
    const tag = pdu.header.readUInt32BE(16);
    switch (pdu.opcode) {
      case Opcode.R2T: {
        const r2t = decode(R2T, pdu.header);
        const command = this.#commands.find((each) => each.tag === tag)!;
        const end = r2t.bufferOffset + r2t.desiredDataTransferLength;
        expect(r2t.desiredDataTransferLength).toBeLessThanOrEqual(initiator.session.maxBurstLength);
        expect(end).toBeLessThanOrEqual(command.expected);
        sendData(initiator, tag, command.data, r2t.bufferOffset, end, { targetTransferTag: r2t.targetTransferTag });
        return;
      }
      case Opcode.DATA_IN: {
        const command = this.#commands.find((each) => each.tag === tag)!;
        const { bufferOffset, flags, status } = decode(DataIn, pdu.header);
        expect(command.over).toBe(false);
        command.received.set(pdu.data, bufferOffset);
        if ((flags & STATUS_BIT) !== 0) this.#end(command, status);
        return;
      }
      case Opcode.SCSI_RESPONSE:
        this.#end(this.#commands.find((each) => each.tag === tag)!, decode(ScsiResponse, pdu.header).status);
        return;
      case Opcode.TASK_MANAGEMENT_RESPONSE:
        this.#functionEnded(initiator, tag, decode(TaskManagementResponse, pdu.header).response);
        return;
      case Opcode.NOP_IN:
        expect(this.#pings.get(tag)?.subarray(0, pdu.data.length).equals(pdu.data)).toBe(true);
        this.#pings.delete(tag);
        return;
      default:
        throw new Error(`an answer that nothing asked for: opcode 0x${pdu.opcode.toString(16)}`);
    }
  }

  #end(command: Command, status: number): void {
    expect(command.status, 'a command is answered once').toBeNull();
    expect(command.over, 'what was aborted is not answered').toBe(false);
    command.status = status;
  }

  #functionEnded(initiator: SimInitiator, tag: number, response: number): void {
    const concerned = this.#functions.get(tag)!;
    this.#functions.delete(tag);
    for (const command of concerned) {
      if (response !== TaskFunctionResponse.FUNCTION_COMPLETE || command.status !== null) continue;
      command.afterAbort ??= Buffer.from(this.#medium(command));
      command.over ||= command.initiator === initiator;
    }
  }

  #medium({ lun, region }: Command): Uint8Array {
    const bytes = lun === SimLun.FILE ? this.bench.file.bytes : this.bench.memory;
    return bytes.subarray(region * BLOCK_BYTES, (region + REGION_BLOCKS) * BLOCK_BYTES);
  }

  /** Nothing stands in the way any more: all that was begun comes to its end. */
  finish(): void {
    this.bench.file.stuck = false;
    for (const { socket } of this.#initiators) this.bench.engine.setDeaf(socket, false);
    for (let rounds = 0; rounds < 2000; rounds++) {
      const before = this.#initiators.map((initiator) => initiator.heard);
      this.bench.settle();
      this.#hear();
      if (this.#initiators.every((initiator, index) => initiator.heard === before[index])) return;
    }
    throw new Error('there is no end to it');
  }

  check(): void {
    expect([...this.#functions.keys(), ...this.#pings.keys()], 'every request is answered').toEqual([]);
    let attentions = 0;
    for (const command of this.#commands) {
      const { region, blocks, expected, data, status, what } = command;
      const before = BEFORE.subarray(region * BLOCK_BYTES, (region + REGION_BLOCKS) * BLOCK_BYTES);
      const medium = Buffer.from(this.#medium(command));
      if (command.afterAbort !== null) expect(medium.equals(command.afterAbort), 'an abort is final').toBe(true);
      else if (status === Status.CHECK_CONDITION) attentions++;
      else expect(status, 'a command that nobody aborts ends well').toBe(Status.GOOD);
      const moved = Math.min(blocks * BLOCK_BYTES, expected);
      if (what === 'read') {
        expect(medium.equals(before)).toBe(true);
        if (status === Status.GOOD)
          expect(command.received.subarray(0, moved).equals(before.subarray(0, moved))).toBe(true);
        continue;
      }
      for (let block = 0; block < REGION_BLOCKS; block++) {
        const at = block * BLOCK_BYTES;
        const now = medium.subarray(at, at + BLOCK_BYTES);
        const written = at + BLOCK_BYTES <= moved && now.equals(data.subarray(at, at + BLOCK_BYTES));
        if (written) continue;
        const due = status === Status.GOOD && at + BLOCK_BYTES <= moved;
        expect(!due && now.equals(before.subarray(at, at + BLOCK_BYTES)), `block ${block} of ${moved} bytes`).toBe(
          true,
        );
      }
    }
    expect(attentions).toBeLessThanOrEqual(this.#resets);
  }
}

/** One sequence of Data-Out PDUs. */
function sendData(
  initiator: SimInitiator,
  tag: number,
  data: Buffer,
  start: number,
  end: number,
  values: { targetTransferTag?: number },
): void {
  const segment = initiator.connection.maxRecvDataSegmentLength;
  let dataSN = 0;
  for (let offset = start; offset < end; offset += segment) {
    const part = data.subarray(offset, Math.min(end, offset + segment));
    const flags = offset + part.length === end ? 0x80 : 0;
    initiator.dataOut(tag, part, { flags, dataSN: dataSN++, bufferOffset: offset, ...values });
  }
}

describe('SessionHost', () => {
  it('answers every command once or aborts it, moves the right data, and gets everything back', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 70_000 }));
    // One large chunk among them, so that it does not take for ever.
    const chunks = fc.array(size, { maxLength: 8 }).map((sizes) => [...sizes, 50_000]);
    const steps = fc.array(step, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        parameters,
        connection,
        chunks,
        fc.boolean(),
        fc.constantFrom(2, 4, 8),
        steps,
        (keys, wire, sizes, twice, mebibytes, mix) => {
          let turn = 0;
          const bench = new SessionBench({
            slabBytes: mebibytes * 1024 * 1024,
            blockCount: REGION_BLOCKS * COMMANDS_MAX,
            chunkMax: () => sizes[turn++ % sizes.length]!,
          });
          bench.file.bytes.set(BEFORE);
          bench.memory.set(BEFORE);
          const unused = bench.engine.slab.bytesInUse;
          const first = bench.logIn({ session: { ...keys, maxConnections: 2 }, connection: wire });
          const initiators = twice ? [first, bench.logIn({ joins: first, connection: wire })] : [first];
          const idle = bench.engine.slab.bytesInUse;
          const play = new Mix(bench, initiators);
          for (const each of mix) play.play(each);
          play.finish();
          play.check();
          for (const initiator of initiators) {
            expect(initiator.open, bench.log.join('; ')).toBe(true);
            initiator.send(NopOut);
            bench.settle();
            expect(initiator.replies()).toHaveLength(1);
            expect(initiator.expCmdSN).toBe(initiator.numbers.cmdSN);
            expect(WINDOWS).toContain(serialDistance(initiator.maxCmdSN, initiator.expCmdSN) + 1);
          }
          expect(bench.engine.slab.bytesInUse).toBe(idle);
          const { memory, operationsInFlight } = bench.host.processor;
          expect([memory.hungry, memory.shares.active, operationsInFlight]).toEqual([false, 0, 0]);
          expect([bench.host.stalled.size, bench.host.throttled, bench.host.unsentTokens]).toEqual([0, 0, 0]);
          for (const { socket } of initiators) bench.engine.hangUp(socket);
          bench.settle();
          expect(bench.engine.slab.bytesInUse).toBe(unused);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('SessionHost', () => {
  it('has a socket handle free for another connection before the disk is done with the last one', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    one.command(write16(0, 8), { write: 8 * BLOCK_BYTES, data: noise(8 * BLOCK_BYTES, 1) });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.settle();
    expect(one.open).toBe(false);
    expect(bench.host.connections[one.socket]).toBeNull();
    expect(bench.messages.some(({ type }) => type === 'connectionEnded')).toBe(false);
    // As if another had it by now.
    const other = bench.host.connections[bench.logIn().socket]!;
    bench.host.connections[one.socket] = other;
    bench.file.stuck = false;
    bench.settle();
    expect(bench.messages.some(({ type }) => type === 'connectionEnded')).toBe(true);
    expect(bench.host.connections[one.socket]).toBe(other);
  });
});

describe('Commands that work their way through many blocks', () => {
  const count = 1024;
  const pattern = Buffer.alloc(BLOCK_BYTES, 0xa5);
  const segment = copySegment({ from: 0, to: 4 * count, count, source: 0xffff, destination: 0xffff });
  const list = copyList({ targets: [], segments: [segment], usage: 3 });
  const of16 = (code: number, flags: number): Buffer => Buffer.from(read16(0, count, flags)).fill(code, 0, 1);
  it.each([
    ['VERIFY', of16(0x8f, 0), Buffer.alloc(0)],
    ['VERIFY with one block', of16(0x8f, 0x06), Buffer.alloc(BLOCK_BYTES)],
    ['WRITE SAME', of16(0x93, 0), pattern],
    ['EXTENDED COPY', extendedCopy(list.length), list],
  ])('leave memory to other connections: %s', (_what, cdb, data) => {
    const bench = new SessionBench();
    const [one, other] = [bench.logIn(), bench.logIn()];
    bench.file.stuckBelow = 1;
    for (let sent = 0; sent < WINDOWS[0]!; sent++) one.command(cdb, { write: data.length, data });
    bench.settle();
    const statuses = (): number[] => one.replies().map(({ header }) => decode(ScsiResponse, header).status);
    const refused = statuses();
    expect(new Set(refused)).toEqual(new Set([Status.BUSY]));
    other.command(read16(count, 512), { read: 512 * BLOCK_BYTES });
    bench.settle();
    const [read] = other.replies();
    expect([read?.opcode, read?.header[1]]).toEqual([Opcode.DATA_IN, FINAL_BIT | STATUS_BIT]);
    bench.file.stuckBelow = 0;
    bench.settle();
    expect(statuses()).toEqual(Array(WINDOWS[0]! - refused.length).fill(Status.GOOD));
    expect(bench.host.processor.memory.shares.active).toBe(0);
  });
});

describe('A worker with as many connections as it has memory for', () => {
  it('takes no other, and keeps nothing of it', () => {
    const bench = new SessionBench();
    const { slab } = bench.engine;
    const [first] = Array.from({ length: slab.connectionsMax }, () => bench.logIn({ queueDepth: 16 }));
    const full = slab.bytesInUse;
    expect(() => bench.logIn()).toThrow('no I/O memory for another connection');
    expect(slab.bytesInUse).toBe(full);
    bench.engine.hangUp(first!.socket);
    bench.settle();
    expect(() => bench.logIn()).not.toThrow();
  });
});

describe('A worker that has promised all the commands that it can hold', () => {
  it('takes in no other session, keeps nothing of it, and takes one when one has gone', () => {
    const bench = new SessionBench({ slabBytes: 64 * 1024 * 1024 });
    const { slab } = bench.engine;
    const initiators: SimInitiator[] = [];
    const next = (): void => {
      initiators.push(bench.logIn({ queueDepth: 16 }));
    };
    expect(() => {
      for (let count = 0; count < 4096; count++) next();
    }).toThrow('no commands left for another session');
    const full = slab.bytesInUse;
    expect(next).toThrow('no commands left');
    expect(slab.bytesInUse).toBe(full);
    bench.engine.hangUp(initiators.pop()!.socket);
    bench.settle();
    expect(next).not.toThrow();
    expect(next).toThrow('no commands left');
    expect(slab.bytesInUse).toBe(full);
  });
});
