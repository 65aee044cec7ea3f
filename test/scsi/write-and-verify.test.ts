// WRITE AND VERIFY and PRE-FETCH.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';
import { DISK_FAULT } from '../support/sim-engine.ts';

const BLOCK = 512;
const OUT_OF_RANGE = { senseKey: 5, additionalSense: 0x2100 };

describe.each([
  ['10', '2e FLAGS 00000064 00 05dc 00'],
  ['12', 'ae FLAGS 00000064 000005dc 00 00'],
  ['16', '8e FLAGS 0000000000000064 000005dc 00 00'],
])('WRITE AND VERIFY(%s)', (_, template) => {
  const cdb = (flags: string): string => template.replace('FLAGS', flags);

  it.each(['00', '02', '10'])('with flags %s writes, to stable storage', (flags) => {
    const bench = new ScsiBench({ kind: 'file' });
    const data = Buffer.from(Uint8Array.from({ length: 1500 * BLOCK }, (__, index) => (index * 7 + 1) & 0xff));
    expect(bench.run(cdb(flags), { data }).status).toBe(Status.GOOD);
    expect(Buffer.compare(bench.file.bytes.subarray(100 * BLOCK, 1600 * BLOCK), data)).toBe(0);
    expect(bench.file.syncs).toBeGreaterThan(0);
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });

  it('finds what did not arrive', () => {
    const bench = new ScsiBench({ kind: 'file' });
    const task = bench.begin(cdb('02'), { data: Buffer.alloc(1500 * BLOCK, 0x33) });
    bench.engine.turn();
    bench.file.bytes[100 * BLOCK + 77] = 0;
    bench.engine.settle();
    expect(task).toMatchObject({ status: Status.CHECK_CONDITION, senseKey: 0xe, additionalSense: 0x1d00 });
  });

  it('refuses protection information and comparisons it does not have', () => {
    const bench = new ScsiBench();
    const data = Buffer.alloc(1500 * BLOCK);
    for (const flags of ['20', '04', '06']) expect(bench.run(cdb(flags), { data }).sense.slice(-6)).toBe('c00001');
  });

  it('is a write', () => {
    const data = Buffer.alloc(1500 * BLOCK);
    expect(new ScsiBench({ readOnly: true }).run(cdb('00'), { data }).additionalSense).toBe(0x2700);
    expect(new ScsiBench({ blockCount: 1599 }).run(cdb('00'), { data })).toMatchObject(OUT_OF_RANGE);
    expect(new ScsiBench({ kind: 'null' }).run(cdb('02'), { data }).status).toBe(Status.GOOD);
  });

  it('reports what the disk says', () => {
    const bench = new ScsiBench({ kind: 'file' });
    bench.file.errno = DISK_FAULT;
    const outcome = bench.run(cdb('00'), { data: Buffer.alloc(1500 * BLOCK) });
    expect(outcome).toMatchObject({ senseKey: 3, additionalSense: 0x0c00 });
    expect(bench.engine.slab.bytesInUse).toBe(0);
  });
});

describe('PRE-FETCH', () => {
  it.each(['34 00 00000000 00 0000 00', '34 02 000007ff 03 0001 00', '90 00 0000000000000000 00000800 00 00'])(
    '%s is GOOD',
    (cdb) => {
      expect(new ScsiBench({ blockCount: 2048 }).run(cdb).status).toBe(Status.GOOD);
    },
  );

  it.each(['34 00 00000800 00 0000 00', '90 00 00000000000007ff 00000002 00 00'])('%s is out of range', (cdb) => {
    expect(new ScsiBench({ blockCount: 2048 }).run(cdb)).toMatchObject(OUT_OF_RANGE);
  });
});
