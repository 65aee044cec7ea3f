import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataIn } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { TaskFunction } from '../../src/pdu/task-management.ts';
import { Status } from '../../src/scsi/task.ts';
import { read16, testUnitReady } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const BYTES = 4 * 1024 * 1024;
const STORED = noise(BYTES, 1);

function begin(): { bench: SessionBench; one: SimInitiator; tag: number } {
  const bench = new SessionBench();
  bench.file.bytes.set(STORED);
  const one = bench.logIn({ session: { errorRecoveryLevel: 1 }, connection: { maxXmitDataSegmentLength: 65536 } });
  const tag = one.command(read16(0, BYTES / BLOCK_BYTES), { read: BYTES });
  bench.settle();
  expect(one.replies()).toHaveLength(BYTES / 65536);
  return { bench, one, tag };
}

const snack = (one: SimInitiator, tag: number, expStatSN = 0) =>
  one.send(SnackRequest, { flags: FINAL_BIT | SnackType.DATA_OR_R2T, initiatorTaskTag: tag, expStatSN });

it('sends more again than there is memory for at a time, in order, and leaves none taken', () => {
  const { bench, one, tag } = begin();
  const before = bench.engine.slab.bytesInUse;
  snack(one, tag);
  bench.settle();
  const pdus = one.replies();
  expect(pdus.map(({ header }) => decode(DataIn, header).dataSN)).toEqual([...pdus.keys()]);
  expect(Buffer.concat(pdus.map(({ data }) => data)).equals(STORED)).toBe(true);
  expect(bench.engine.slab.bytesInUse).toBe(before);
});

it('while the initiator takes nothing waits, and leaves memory to others', () => {
  const { bench, one, tag } = begin();
  bench.engine.setDeaf(one.socket, true);
  for (let round = 0; round < 100; round++) snack(one, tag);
  bench.settle();
  expect(bench.engine.slab.bytesInUse).toBeLessThan(bench.engine.slab.slotBytes / 4);
  const other = bench.logIn();
  other.command(read16(0, BYTES / BLOCK_BYTES), { read: BYTES });
  bench.settle();
  expect(Buffer.concat(other.replies().map(({ data }) => data)).equals(STORED)).toBe(true);
  bench.engine.setDeaf(one.socket, false);
  bench.settle();
  // What was in the queue already is not queued twice.
  const pdus = one.replies().length;
  expect(pdus).toBeGreaterThanOrEqual(BYTES / 65536);
  expect(pdus).toBeLessThan((100 * BYTES) / 65536);
});

it('leaves out what is acknowledged before its turn', () => {
  const { bench, one, tag } = begin();
  bench.engine.setDeaf(one.socket, true);
  snack(one, tag);
  bench.settle();
  one.command(testUnitReady(), { values: { expStatSN: 2 } });
  bench.settle();
  bench.engine.setDeaf(one.socket, false);
  bench.settle();
  const pdus = one.replies();
  expect(pdus.at(-1)!.opcode).toBe(Opcode.SCSI_RESPONSE);
  expect(pdus.length).toBeLessThan(BYTES / 65536);
  one.send(SnackRequest, { flags: FINAL_BIT | SnackType.DATA_ACK, initiatorTaskTag: RESERVED_TAG, expStatSN: 3 });
  bench.settle();
  expect(one.replies().map(({ opcode }) => opcode)).toEqual([Opcode.REJECT]);
});

it('leaves out what is longer than the initiator takes by the time of its turn', () => {
  const { bench, one, tag } = begin();
  bench.engine.setDeaf(one.socket, true);
  snack(one, tag);
  one.declareSegmentLength(8192);
  bench.settle();
  bench.engine.setDeaf(one.socket, false);
  bench.settle();
  const pdus = one.replies();
  const answer = pdus.findIndex(({ opcode }) => opcode === Opcode.TEXT_RESPONSE);
  expect(answer).toBeGreaterThan(0);
  expect(pdus.slice(answer + 1)).toEqual([]);
  one.send(SnackRequest, { flags: FINAL_BIT | SnackType.R_DATA, initiatorTaskTag: tag, targetTransferTag: 1 });
  bench.settle();
  const data = one.replies().filter(({ opcode }) => opcode === Opcode.DATA_IN);
  expect(Math.max(...data.map((pdu) => pdu.data.length))).toBe(8192);
  expect(Buffer.concat(data.map((pdu) => pdu.data)).equals(STORED)).toBe(true);
});

describe('a READ that runs, and whose data are sent again', () => {
  const SEGMENT = 65536;
  /** More than the connection may have in memory at a time. */
  const SENT = 24;

  interface Half {
    readonly bench: SessionBench;
    readonly one: SimInitiator;
    readonly tag: number;
  }

  /** The disk has stopped in the middle of it. */
  function beginHalf(): Half {
    const bench = new SessionBench();
    bench.file.bytes.set(STORED);
    const session = { errorRecoveryLevel: 2, defaultTime2Wait: 2, defaultTime2Retain: 20, maxConnections: 2 };
    const one = bench.logIn({ session, connection: { maxXmitDataSegmentLength: SEGMENT } });
    const tag = one.command(read16(0, BYTES / BLOCK_BYTES), { read: BYTES });
    while (one.heard <= SENT) {
      bench.engine.turn();
      one.replies();
    }
    bench.file.stuck = true;
    bench.settle();
    one.replies();
    return { bench, one, tag };
  }

  /** Another connection takes the task of a broken one up. */
  function takeUp({ bench, one, tag }: Half, deaf = false): SimInitiator {
    bench.engine.hangUp(one.socket);
    bench.settle();
    const two = bench.logIn({ joins: one, connection: { maxXmitDataSegmentLength: SEGMENT } });
    bench.engine.setDeaf(two.socket, deaf);
    two.taskManagement(TaskFunction.TASK_REASSIGN, { referencedTaskTag: tag });
    bench.settle();
    return two;
  }

  function cutAnew({ bench, one, tag }: Half, deaf = false): SimInitiator {
    bench.engine.setDeaf(one.socket, deaf);
    one.send(SnackRequest, { flags: FINAL_BIT | SnackType.R_DATA, initiatorTaskTag: tag, targetTransferTag: 1 });
    bench.settle();
    return one;
  }

  const ways = [
    { way: 'for a connection that takes the task up', again: takeUp },
    { way: 'cut anew', again: cutAnew },
  ];

  const isDataIn = ({ opcode }: { opcode: number }) => opcode === Opcode.DATA_IN;

  it.each(ways)('sends what is new behind them: $way (§13.18, §13.19)', ({ again }) => {
    const half = beginHalf();
    const { bench } = half;
    const initiator = again(half);
    // Though all that it may have is with the disk.
    const first = initiator.replies().filter(isDataIn);
    expect(first.length).toBeGreaterThanOrEqual(SENT);
    bench.file.stuck = false;
    bench.settle();
    const pdus = [...first, ...initiator.replies()].filter(isDataIn);
    expect(pdus.map(({ header }) => decode(DataIn, header).dataSN)).toEqual([...pdus.keys()]);
    expect(Buffer.concat(pdus.map(({ data }) => data)).equals(STORED)).toBe(true);
  });

  it.each(ways)('sends its status behind them: $way', ({ again }) => {
    const half = beginHalf();
    const { bench } = half;
    const initiator = again(half, true);
    bench.file.errno = DISK_FAULT;
    bench.file.stuck = false;
    bench.settle();
    bench.engine.setDeaf(initiator.socket, false);
    bench.settle();
    const pdus = initiator.replies();
    const dataSNs = pdus.filter(isDataIn).map(({ header }) => decode(DataIn, header).dataSN);
    expect(dataSNs.length).toBeGreaterThanOrEqual(SENT);
    expect(dataSNs).toEqual([...dataSNs.keys()]);
    const status = { opcode: Opcode.SCSI_RESPONSE, status: Status.CHECK_CONDITION, expDataSN: dataSNs.length };
    expect(decode(ScsiResponse, pdus.at(-1)!.header)).toMatchObject(status);
  });

  it.each(ways)('leaves others the memory meanwhile, and can be aborted: $way', ({ again }) => {
    const half = beginHalf();
    const { bench, tag } = half;
    const initiator = again(half, true);
    const other = bench.logIn();
    bench.file.stuck = false;
    other.command(read16(0, BYTES / BLOCK_BYTES), { read: BYTES });
    bench.settle();
    expect(Buffer.concat(other.replies().map(({ data }) => data)).equals(STORED)).toBe(true);
    initiator.taskManagement(TaskFunction.ABORT_TASK, { referencedTaskTag: tag });
    bench.engine.setDeaf(initiator.socket, false);
    bench.settle();
    const pdus = initiator.replies();
    expect(pdus.at(-1)!.opcode).toBe(Opcode.TASK_MANAGEMENT_RESPONSE);
    expect(pdus.filter(isDataIn).length).toBeLessThan(SENT);
    for (const each of [initiator, other]) bench.engine.hangUp(each.socket);
    bench.pass(60_000);
    expect([...bench.host.sessions]).toEqual([]);
  });

  it('goes on over a third connection when the second has broken as well', () => {
    const half = beginHalf();
    const two = takeUp(half, true);
    half.bench.file.stuck = false;
    half.bench.settle();
    const three = takeUp({ ...half, one: two });
    const pdus = three.replies().filter(isDataIn);
    expect(pdus.map(({ header }) => decode(DataIn, header).dataSN)).toEqual([...pdus.keys()]);
    expect(Buffer.concat(pdus.map(({ data }) => data)).equals(STORED)).toBe(true);
  });
});
