// WRITE ATOMIC(16) against readers on other workers: whoever reads what such writes change sees all of one of them, whichever it is.
// Its rules one by one are test/scsi/write-atomic.test.ts's.

import { describe, expect, it } from 'vitest';
import { Status } from '../../../src/scsi/task.ts';
import { read16 } from '../../support/cdbs.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const BLOCKS = 256;
const BYTES = BLOCKS * BLOCK;
const WRITES = 400;

function writeAtomic16(lba: number, blocks: number): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = 0x9c;
  cdb.writeUInt32BE(lba, 6);
  cdb.writeUInt16BE(blocks, 12);
  return cdb;
}

describe.each(['uring', 'posix'] as const)('WRITE ATOMIC(16) on %s (SBC-4)', (engine) => {
  it('two writers and two readers on four workers: no read is a mixture', async () => {
    await using target = await TargetProcess.start({
      tuning: { engine, workers: 4 },
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB', atomicWrites: true }] }],
    });
    const initiators = await Promise.all([0, 1, 2, 3].map(() => RawInitiator.logIn(target.port)));
    const [first, second, ...readers] = initiators as [RawInitiator, RawInitiator, ...RawInitiator[]];
    let writing = true;
    const write = async (initiator: RawInitiator, parity: number) => {
      for (let count = 0; count < WRITES; count++) {
        const data = Buffer.alloc(BYTES, 1 + ((2 * count + parity) % 250));
        expect((await initiator.command(writeAtomic16(0, BLOCKS), { write: data })).status).toBe(Status.GOOD);
      }
    };
    const read = async (initiator: RawInitiator) => {
      const seen = new Set<number>();
      while (writing) {
        const { data } = await initiator.command(read16(0, BLOCKS), { read: BYTES });
        expect(data.equals(Buffer.alloc(BYTES, data[0]))).toBe(true);
        seen.add(data[0]!);
      }
      return seen.size;
    };
    const reading = readers.map(read);
    await Promise.all([write(first, 0), write(second, 1)]);
    writing = false;
    for (const different of await Promise.all(reading)) expect(different).toBeGreaterThan(1);
    for (const initiator of initiators) initiator[Symbol.dispose]();
  }, 120_000);
});
