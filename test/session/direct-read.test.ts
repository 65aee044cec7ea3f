import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Digest } from '../../src/pdu/parameters.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import { NO_RESERVATIONS } from '../../src/ring/reservations.ts';
import { AccessState, FRESH_STATE, UnitCondition, type UnitState } from '../../src/ring/unit-state.ts';
import { Attribute } from '../../src/scsi/task.ts';
import { read6, read10, read12, read16, testUnitReady, write10 } from '../support/cdbs.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, type SimLogin, SimLun } from '../support/session-bench.ts';
import type { SimCommandOptions, SimInitiator } from '../support/sim-initiator.ts';

const BLOCKS = 64;
const CONTENT = noise(BLOCKS * BLOCK_BYTES, 5);
/** F and R, F and W. */
const READ_FLAGS = 0xc0;
const WRITE_FLAGS = 0xa0;

function logIn(login: SimLogin = {}): { bench: SessionBench; initiator: SimInitiator } {
  const bench = new SessionBench({ blockCount: BLOCKS });
  bench.memory.set(CONTENT);
  bench.file.bytes.set(CONTENT);
  return { bench, initiator: bench.logIn(login) };
}

/** The unit of {@link SimLun.MEMORY}, as main calls it. */
const MEMORY = 100 + SimLun.MEMORY;
const STANDBY = { tag: 1, state: AccessState.standby };

/** Main's word that another initiator has reserved a unit, and that initiators have made something else of it. */
function reserved(unit: number): ToWorker {
  const reservedBy = { initiatorName: 'iqn.2026-11.io.lunaring:another', isid: '80000000000b', portalGroupTag: 1 };
  return { type: 'reservation', request: 1, unit, state: { ...NO_RESERVATIONS, reservedBy }, news: [], abort: [] };
}

function state(unit: number, change: Partial<UnitState>): ToWorker {
  return { type: 'unitState', request: 1, unit, state: { ...FRESH_STATE, ...change }, news: null, by: null };
}

/** How many tasks a command takes. */
function tasksOf(bench: SessionBench, initiator: SimInitiator, cdb: Uint8Array, options: SimCommandOptions): number {
  const take = vi.spyOn(bench.host.tasks, 'take');
  initiator.command(cdb, options);
  bench.settle();
  const { length } = take.mock.calls;
  take.mockRestore();
  return length;
}

/** Everything that a command leaves behind: answers, the worker's counters, its unit's and its session's figures. */
function traces({ bench, initiator }: ReturnType<typeof logIn>, cdb: Uint8Array, options: SimCommandOptions) {
  initiator.command(cdb, options);
  bench.settle();
  const nexus = bench.host.connections[initiator.socket]!.session.nexus;
  const units = [...nexus.units.values()].map(({ figures }) => [...figures]);
  const replies = initiator.replies().map(({ header, data }) => [header.toString('hex'), data.toString('hex')]);
  return { replies, counters: [...bench.host.counters], session: [...nexus.figures], units };
}

describe('a READ whose bytes are lent', () => {
  it.each([
    ['READ(10)', SimLun.MEMORY, read10(3, 8)],
    ['READ(16)', SimLun.MEMORY, read16(3, 8)],
    ['READ(10) with FUA and DPO', SimLun.MEMORY, read10(3, 8, 0x18)],
    ['READ(10) of zeroes', SimLun.NULL, read10(3, 8)],
    ['READ(16) of the last block', SimLun.MEMORY, read16(BLOCKS - 1, 1)],
  ])('is answered without a task: %s', (_, lun, cdb) => {
    const { bench, initiator } = logIn();
    const read = cdb.readUInt8(cdb.length === 16 ? 13 : 8) * BLOCK_BYTES;
    expect(tasksOf(bench, initiator, cdb, { lun, read })).toBe(0);
    const [answer, ...others] = initiator.replies();
    const lba = cdb.readUInt8(cdb.length === 16 ? 9 : 5);
    const bytes =
      lun === SimLun.NULL ? Buffer.alloc(read) : CONTENT.subarray(lba * BLOCK_BYTES, lba * BLOCK_BYTES + read);
    expect(answer?.data).toEqual(Buffer.from(bytes));
    expect(others).toEqual([]);
  });

  it.each<[string, SimLogin, number, Buffer, Partial<SimCommandOptions>]>([
    ['of a file', {}, SimLun.FILE, read10(3, 8), {}],
    ['READ(6)', {}, SimLun.MEMORY, read6(3, 8), {}],
    ['READ(12)', {}, SimLun.MEMORY, read12(3, 8), {}],
    [
      'with the ORDERED attribute',
      {},
      SimLun.MEMORY,
      read10(3, 8),
      { values: { flags: READ_FLAGS | Attribute.ORDERED } },
    ],
    ['immediate', {}, SimLun.MEMORY, read10(3, 8), { immediate: true }],
    ['with protection information', {}, SimLun.MEMORY, read10(3, 8, 0x20), {}],
    ['beyond the end', {}, SimLun.MEMORY, read10(BLOCKS - 4, 8), {}],
    ['one block beyond the end', {}, SimLun.MEMORY, read10(BLOCKS - 7, 8), {}],
    ['of no blocks', {}, SimLun.MEMORY, read10(3, 0), {}],
    ['with a residual', {}, SimLun.MEMORY, read10(3, 7), {}],
    ['in more than one PDU', { connection: { maxXmitDataSegmentLength: 2048 } }, SimLun.MEMORY, read10(3, 8), {}],
    ['in more than one burst', { session: { maxBurstLength: 2048 } }, SimLun.MEMORY, read10(3, 8), {}],
    ['with a data digest', { connection: { dataDigest: Digest.crc32c } }, SimLun.MEMORY, read10(3, 8), {}],
    ['that may have to be sent again', { session: { errorRecoveryLevel: 1 } }, SimLun.MEMORY, read10(3, 8), {}],
    ['of a unit that there is not', {}, 9, read10(3, 8), {}],
    ['before its turn', {}, SimLun.MEMORY, read10(3, 8), { values: { cmdSN: 2 } }],
  ])('is a task %s', (_, login, lun, cdb, options) => {
    const { bench, initiator } = logIn(login);
    expect(tasksOf(bench, initiator, cdb, { lun, read: 8 * BLOCK_BYTES, ...options })).toBe(1);
  });

  it.each<[string, (bench: SessionBench) => void]>([
    ['is limited', (bench) => bench.changeUnit(SimLun.MEMORY, { meter: 0 })],
    ['has something to report', (bench) => bench.changeUnit(SimLun.MEMORY, { blockCount: BLOCKS - 1 })],
    ['is reserved', (bench) => bench.tell(reserved(MEMORY))],
    ['has no medium', (bench) => bench.tell(state(MEMORY, { loaded: false }))],
    ['is being erased', (bench) => bench.tell(state(MEMORY, { condition: UnitCondition.sanitizing }))],
    ['has a port in standby', (bench) => bench.tell(state(MEMORY, { portGroups: [STANDBY] }))],
    ['is free, but its initiator limited', (bench) => bench.tell({ type: 'sessionMeter', tsih: 1, meter: 0 })],
  ])('is a task where the unit %s', (_, change) => {
    const { bench, initiator } = logIn();
    change(bench);
    expect(tasksOf(bench, initiator, read10(3, 8), { lun: SimLun.MEMORY, read: 8 * BLOCK_BYTES })).toBe(1);
  });

  it('is none where the unit has something to report to another initiator, which asks nothing', () => {
    const { bench, initiator } = logIn();
    const silent = bench.logIn();
    bench.changeUnit(SimLun.MEMORY, { blockCount: BLOCKS - 1 });
    const options = { lun: SimLun.MEMORY, read: 8 * BLOCK_BYTES };
    expect(tasksOf(bench, initiator, read10(3, 8), options)).toBe(1);
    expect(tasksOf(bench, initiator, read10(3, 8), options)).toBe(0);
    expect(tasksOf(bench, silent, read10(3, 8), options)).toBe(1);
  });

  it('asks for no time', () => {
    const { bench, initiator } = logIn();
    const now = vi.spyOn(bench.engine, 'now');
    for (let count = 0; count < 4; count++) initiator.command(read16(count, 8), { lun: SimLun.MEMORY, read: 4096 });
    bench.settle();
    expect(initiator.replies()).toHaveLength(4);
    expect(now).not.toHaveBeenCalled();
  });

  it('is a task behind a command that has not come yet, and behind one that is ORDERED', () => {
    const { bench, initiator } = logIn();
    const read = { lun: SimLun.MEMORY, read: 8 * BLOCK_BYTES };
    const first = initiator.encodeCommand(testUnitReady(), { lun: SimLun.MEMORY });
    expect(tasksOf(bench, initiator, read10(3, 8), read)).toBe(1);
    expect(initiator.replies()).toEqual([]);
    initiator.sendBytes(first);
    bench.settle();
    expect(initiator.replies()).toHaveLength(2);
    // A WRITE that lacks its data, and is asked for them.
    const values = { flags: WRITE_FLAGS | Attribute.ORDERED };
    const tag = initiator.command(write10(0, 8), { lun: SimLun.MEMORY, write: 8 * BLOCK_BYTES, values });
    bench.settle();
    expect(tasksOf(bench, initiator, read10(3, 8), read)).toBe(1);
    expect(initiator.replies().map(({ header }) => header.readUInt32BE(16))).toEqual([tag]);
  });

  it('lets what came before its turn run, as one that is a task does', () => {
    const bench = new SessionBench({ blockCount: BLOCKS });
    const one = bench.logIn({ session: { maxConnections: 2 } });
    const two = bench.logIn({ joins: one });
    const first = one.encodeCommand(read10(3, 8), { lun: SimLun.MEMORY, read: 8 * BLOCK_BYTES });
    two.command(testUnitReady(), { lun: SimLun.MEMORY });
    bench.settle();
    expect(two.replies()).toEqual([]);
    one.sendBytes(first);
    bench.settle();
    expect([one.replies().length, two.replies().length]).toEqual([1, 1]);
  });

  it('leaves the same behind as one that is a task, whatever it says', () => {
    const byte = fc.nat({ max: 255 });
    const given = fc.record({
      lun: fc.constantFrom(SimLun.MEMORY, SimLun.NULL, SimLun.FILE, 5),
      headerDigest: fc.constantFrom(Digest.none, Digest.crc32c),
      long: fc.boolean(),
      lba: fc.oneof(fc.nat({ max: BLOCKS }), fc.nat({ max: 0xffffffff })),
      blocks: fc.oneof(fc.nat({ max: BLOCKS }), fc.nat({ max: 0xffff })),
      expected: fc.oneof(fc.constant(-1), fc.nat({ max: BLOCKS * BLOCK_BYTES })),
      flags: fc.oneof(fc.constantFrom(0, 0x08, 0x10), byte),
      control: fc.oneof(fc.constant(0), byte),
      attribute: fc.constantFrom(Attribute.UNTAGGED, Attribute.SIMPLE),
      tag: fc.nat({ max: 0xfffffffe }),
    });
    fc.assert(
      fc.property(given, ({ lun, headerDigest, long, lba, blocks, expected, flags, control, attribute, tag }) => {
        const cdb = long ? read16(lba, blocks, flags) : read10(lba, blocks, flags);
        cdb[cdb.length - 1] = control;
        const read = expected < 0 ? blocks * BLOCK_BYTES : expected;
        const [direct, asTask] = [attribute, Attribute.HEAD_OF_QUEUE].map((attr) => {
          const values = { flags: (read > 0 ? READ_FLAGS : 0x80) | attr, initiatorTaskTag: tag };
          return traces(logIn({ connection: { headerDigest } }), cdb, { lun, read, values });
        });
        expect(direct).toEqual(asTask);
        expect(direct!.replies).not.toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
