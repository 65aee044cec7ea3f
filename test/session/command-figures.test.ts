import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { Counter } from '../../src/ring/counters.ts';
import { Figure, latencyBucket } from '../../src/ring/figures.ts';
import { ByteCheck, Cdb16, OperationCode } from '../../src/scsi/cdb.ts';
import { SenseKey } from '../../src/scsi/sense.ts';
import { Attribute, Status } from '../../src/scsi/task.ts';
import { read16, synchronizeCache16, write16 } from '../support/cdbs.ts';
import { decode, encode } from '../support/header-values.ts';
import { noise } from '../support/scratch.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const BLOCK = noise(BLOCK_BYTES, 3);
/** Of one block, without data to compare it with. */
const VERIFY_16 = Buffer.from('8f00' + '0000000000000000' + '00000001' + '0000', 'hex');

describe('What is counted of commands', () => {
  /** The figures of a unit and of the one session. */
  function figures(bench: SessionBench, one: SimInitiator, lun: number = SimLun.FILE): Float64Array[] {
    return [bench.host.units.find(100 + lun)!.figures, bench.host.connections[one.socket]!.session.figures];
  }

  it('is the time that the storage took, and that of the whole command', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    one.command(read16(0, 8), { read: 8 * BLOCK_BYTES });
    bench.settle();
    for (const block of figures(bench, one)) expect(block[Figure.inFlight]).toBe(1);
    bench.engine.clock += 5;
    bench.file.stuck = false;
    bench.settle();
    for (const block of figures(bench, one)) {
      expect(block[Figure.reads]).toBe(1);
      expect(block[Figure.bytesRead]).toBe(8 * BLOCK_BYTES);
      expect(block[Figure.inFlight]).toBe(0);
      expect(block[Figure.queueLatency]).toBe(1);
      expect(block[Figure.queueMicros]).toBe(0);
      for (const [sum, first] of [
        [Figure.deviceMicros, Figure.deviceLatency],
        [Figure.readMicros, Figure.readLatency],
      ] as const) {
        expect(block[sum]).toBe(5000);
        expect(block[first + latencyBucket(5000)]).toBe(1);
      }
    }
  });

  it('is the time that a command waited for an ORDERED one before it', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.stuck = true;
    const values = { flags: FINAL_BIT | WRITE_BIT | Attribute.ORDERED };
    one.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK, values });
    one.command(read16(0, 1), { read: BLOCK_BYTES });
    bench.settle();
    bench.engine.clock += 3;
    bench.file.stuck = false;
    bench.settle();
    for (const block of figures(bench, one)) {
      expect(block[Figure.queueLatency]).toBe(1);
      expect(block[Figure.queueLatency + latencyBucket(3000)]).toBe(1);
      expect(block[Figure.queueMicros]).toBe(3000);
    }
  });

  it('is the time that the initiator took for a burst that it was asked for', () => {
    const bench = new SessionBench();
    const one = bench.logIn({ session: { initialR2T: true } });
    const tag = one.command(write16(0, 4), { write: 4 * BLOCK_BYTES });
    bench.settle();
    const r2t = decode(R2T, one.replies()[0]!.header);
    bench.engine.clock += 2;
    one.dataOut(tag, noise(4 * BLOCK_BYTES), { flags: FINAL_BIT, targetTransferTag: r2t.targetTransferTag });
    bench.settle();
    for (const block of figures(bench, one)) {
      expect(block[Figure.readyToTransfers]).toBe(1);
      expect(block[Figure.networkMicros]).toBe(2000);
      expect(block[Figure.networkLatency + latencyBucket(2000)]).toBe(1);
      expect(block[Figure.bytesWritten]).toBe(4 * BLOCK_BYTES);
    }
  });

  it.each([
    ['VERIFY', OperationCode.VERIFY_16, 0],
    ['WRITE AND VERIFY', OperationCode.WRITE_AND_VERIFY_16, 1],
    ['ORWRITE', OperationCode.ORWRITE_16, 1],
  ])('is whether its data were stored: %s', (_, opcode, writes) => {
    const bench = new SessionBench();
    const one = bench.logIn();
    bench.file.bytes.set(BLOCK);
    const flags = opcode === OperationCode.ORWRITE_16 ? 0 : ByteCheck.data << 1;
    const cdb = encode(Cdb16, { opcode, flags, lba: 0, transferLength: 1 });
    one.command(cdb, { write: BLOCK_BYTES, data: BLOCK });
    bench.settle();
    expect(one.replies()[0]!.header[3]).toBe(Status.GOOD);
    for (const block of figures(bench, one)) {
      expect(block[Figure.writes]).toBe(writes);
      expect(block[Figure.bytesWritten]).toBe(writes * BLOCK_BYTES);
      expect(block[Figure.writeLatency]).toBe(writes);
      expect(block[Figure.others]).toBe(1 - writes);
    }
    expect(bench.host.counters[Counter.writes]).toBe(writes);
    expect(bench.host.counters[Counter.bytesWritten]).toBe(writes * BLOCK_BYTES);
  });

  it('is why a command failed', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    one.command(read16(2 ** 30, 1), { read: BLOCK_BYTES });
    bench.settle();
    for (const block of figures(bench, one)) {
      expect(block[Figure.errors]).toBe(1);
      expect(block[Figure.senseKeys + SenseKey.ILLEGAL_REQUEST]).toBe(1);
    }
    expect(bench.host.counters[Counter.errors]).toBe(1);
  });

  it('is what could not be read, and what could not be written', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    const failures = () =>
      figures(bench, one).map((block) => [block[Figure.readFailures], block[Figure.writeFailures]]);
    one.command(read16(2 ** 30, 1), { read: BLOCK_BYTES });
    bench.settle();
    expect(failures()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    bench.file.errno = constants.errno.EIO;
    one.command(read16(0, 1), { read: BLOCK_BYTES });
    one.command(VERIFY_16);
    bench.settle();
    expect(failures()).toEqual([
      [2, 0],
      [2, 0],
    ]);
    one.command(write16(0, 1), { write: BLOCK_BYTES, data: BLOCK });
    one.command(synchronizeCache16());
    bench.settle();
    expect(failures()).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it('is nothing of a unit when it is for none', () => {
    const bench = new SessionBench();
    const one = bench.logIn();
    one.command(read16(0, 1), { lun: 9, read: BLOCK_BYTES });
    bench.settle();
    expect(figures(bench, one).map((block) => block[Figure.errors])).toEqual([0, 1]);
  });
});
