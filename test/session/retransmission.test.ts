import { expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataIn } from '../../src/pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { read16, testUnitReady } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench } from '../support/session-bench.ts';
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
