import { describe, expect, it } from 'vitest';
import { DataOut } from '../../src/pdu/data-out.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { Digest } from '../../src/pdu/parameters.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskFunction, TaskFunctionResponse, TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { Counter } from '../../src/ring/counters.ts';
import { Attribute } from '../../src/scsi/task.ts';
import { read16, testUnitReady, write16 } from '../support/cdbs.ts';
import { lunField } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const BLOCK = noise(BLOCK_BYTES, 3);

/** A session of two connections on a worker. */
function open(): { bench: SessionBench; one: SimInitiator; two: SimInitiator; unused: number } {
  const bench = new SessionBench();
  const unused = bench.engine.slab.bytesInUse;
  const one = bench.logIn({ session: { maxConnections: 2 } });
  return { bench, one, two: bench.logIn({ joins: one }), unused };
}

describe('Session of two connections (RFC 7143 §4.2.2.1)', () => {
  it('runs requests in the order of CmdSN, whichever connection they come over', () => {
    const { bench, one, two } = open();
    const cmdSN = one.numbers.cmdSN;
    const late = one.encodeCommand(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    // ORDERED: the disk does it after the first.
    const values = { flags: FINAL_BIT | WRITE_BIT | Attribute.ORDERED };
    two.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK.map((byte) => ~byte), values });
    two.send(NopOut, {}, { data: BLOCK });
    bench.settle();
    expect(two.replies()).toEqual([]);
    one.sendBytes(late);
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.SCSI_RESPONSE]);
    expect(
      two
        .replies()
        .map(({ opcode }) => opcode)
        .sort(),
    ).toEqual([Opcode.NOP_IN, Opcode.SCSI_RESPONSE]);
    expect(two.expCmdSN).toBe(cmdSN + 3);
    expect(bench.file.bytes[0]).toBe(~BLOCK[0]! & 0xff);
  });

  it('gives the memory of what it holds back when it ends', () => {
    const { bench, one, two, unused } = open();
    two.send(NopOut, { cmdSN: one.numbers.cmdSN + 1 }, { data: noise(5000) });
    two.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK, values: { cmdSN: one.numbers.cmdSN + 2 } });
    bench.settle();
    bench.engine.hangUp(one.socket);
    bench.engine.hangUp(two.socket);
    bench.settle();
    expect(bench.engine.slab.bytesInUse).toBe(unused);
  });

  it('gives the memory of pings back that waited for their turn, or came twice', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const used = bench.engine.slab.bytesInUse;
    const data = Buffer.alloc(600, 'ping');
    for (let round = 0; round < 10; round++) {
      const first = one.encodeCommand(testUnitReady());
      const ping = two.encode(NopOut, {}, { data });
      two.sendBytes(ping);
      bench.settle();
      expect(two.replies()).toEqual([]);
      one.sendBytes(first);
      bench.settle();
      two.sendBytes(ping);
      bench.settle();
      expect([one.replies().length, two.replies().length]).toEqual([1, 1]);
      expect(bench.engine.slab.bytesInUse).toBe(used);
    }
  });

  it('gives back the places of what it holds of a connection that has gone', () => {
    const { bench, one, two: first } = open();
    const window = (): number => one.maxCmdSN - one.expCmdSN;
    const before = window();
    for (let [two, round] = [first, 0]; round < 4; two = bench.logIn({ joins: one }), round++) {
      const late = one.encode(NopOut);
      for (let count = 0; count < 4; count++) two.send(NopOut);
      bench.settle();
      bench.engine.hangUp(two.socket);
      bench.settle();
      one.sendBytes(late);
      bench.settle();
      expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.NOP_IN]);
      expect(window()).toBe(before);
    }
  });

  it.each(['before', 'after', 'while the disk has a command of the one'])(
    'resets a unit over one connection though a command was lost with the other, which closes %s',
    (when) => {
      const { bench, one, two } = open();
      bench.file.stuck = when.startsWith('while');
      if (bench.file.stuck) two.command(read16(0, 8), { read: 8 * BLOCK_BYTES });
      bench.settle();
      two.encodeCommand(read16(0, 8), { read: 8 * BLOCK_BYTES });
      const hangUp = (): void => {
        bench.engine.hangUp(two.socket);
        bench.settle();
      };
      if (when !== 'after') hangUp();
      one.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
      bench.settle();
      if (when === 'after') {
        expect(one.replies()).toEqual([]);
        hangUp();
      }
      bench.file.stuck = false;
      bench.settle();
      const [answer, ...others] = one.replies();
      expect([answer?.opcode, answer?.header[2], others]).toEqual([
        Opcode.TASK_MANAGEMENT_RESPONSE,
        TaskFunctionResponse.FUNCTION_COMPLETE,
        [],
      ]);
    },
  );

  it('can be told to abort a command by a request that came before it', () => {
    const { bench, one, two } = open();
    const late = one.encodeCommand(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    const flags = FINAL_BIT | TaskFunction.ABORT_TASK;
    // Not immediate: it is held until the command has come, and runs before that has run.
    const referencedTaskTag = late.readUInt32BE(16);
    two.send(TaskManagementRequest, { flags, lun: lunField(0), referencedTaskTag, refCmdSN: late.readUInt32BE(24) });
    bench.settle();
    one.sendBytes(late);
    bench.settle();
    expect(one.replies()).toEqual([]);
    const [answer, ...others] = two.replies();
    expect([answer!.opcode, answer!.header[2], others]).toEqual([
      Opcode.TASK_MANAGEMENT_RESPONSE,
      TaskFunctionResponse.FUNCTION_COMPLETE,
      [],
    ]);
    expect(bench.file.bytes[0]).toBe(0);
    one.send(NopOut);
    bench.settle();
    expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.NOP_IN]);
  });
});

describe('What is counted of a worker', () => {
  it('are task management functions by number, and Rejects', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    one.taskManagement(TaskFunction.ABORT_TASK_SET);
    one.taskManagement(TaskFunction.ABORT_TASK_SET);
    one.taskManagement(99);
    one.send(DataOut, { opcode: 0x1c });
    bench.settle();
    const { counters } = bench.host;
    expect(counters[Counter.taskManagement + TaskFunction.ABORT_TASK_SET]).toBe(2);
    expect(counters[Counter.taskManagement]).toBe(1);
    expect(counters[Counter.rejects]).toBe(1);
  });

  it('are header digests that were wrong', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ connection: { headerDigest: Digest.crc32c } });
    const bytes = one.encodeCommand(read16(0, 1), { read: BLOCK_BYTES });
    bytes[47]! ^= 1;
    one.sendBytes(bytes);
    bench.settle();
    expect(one.open).toBe(false);
    expect(bench.warnings).toEqual(['connection closed: header digest error']);
    expect(bench.host.counters[Counter.headerDigestErrors]).toBe(1);
    expect(bench.host.counters[Counter.digestErrors]).toBe(0);
  });

  it('is its memory', () => {
    const { host, engine } = new SessionBench();
    const { slab } = engine;
    host.tick();
    expect(host.counters[Counter.slabBytes]).toBeGreaterThan(slab.slotBytes);
    expect(host.counters[Counter.slabBytes]).toBeLessThanOrEqual(slab.size);
    expect(host.counters[Counter.slabBytesInUse]).toBe(slab.bytesInUse);
  });
});
