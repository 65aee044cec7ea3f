// REPORT and SET TIMESTAMP: what the clock shows, and who hears that it was set.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const REPORT = 'a3 0f 00000000 000000ff 00 00';
const SET = 'a4 0f 00000000 0000000c 00 00';

function list(milliseconds: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUIntBE(milliseconds, 4, 6);
  return bytes;
}

describe('the timestamp', () => {
  it('counts milliseconds from the start', () => {
    const bench = new ScsiBench();
    bench.engine.clock = 2 ** 33 + 0x1234;
    expect(bench.run(REPORT).data.toString('hex')).toBe('000a0000' + '000200001234' + '0000');
  });

  it('counts on from what was set, and says that it was', () => {
    const bench = new ScsiBench();
    bench.engine.clock = 5000;
    expect(bench.run(SET, { data: list(0x1234_0000_0000) }).status).toBe(Status.GOOD);
    bench.engine.clock = 5000 + 0x77;
    expect(bench.run(REPORT).data.toString('hex')).toBe('000a0200' + '123400000077' + '0000');
  });

  it('is news to the others', () => {
    const bench = new ScsiBench();
    const other = bench.addNexus(2);
    bench.run(SET, { data: list(1) });
    expect(bench.run('00 00000000 00', { nexus: other })).toMatchObject({ senseKey: 6, additionalSense: 0x2a10 });
    expect(bench.run('00 00000000 00').status).toBe(Status.GOOD);
  });

  it('is not set by a list that is too short, nor by none', () => {
    const bench = new ScsiBench();
    const short = 'a4 0f 00000000 0000000b 00 00';
    expect(bench.run(short, { data: Buffer.alloc(11) })).toMatchObject({ senseKey: 5, additionalSense: 0x1a00 });
    expect(bench.run('a4 0f 00000000 00000000 00 00').status).toBe(Status.GOOD);
    expect(bench.run(REPORT).data[2]).toBe(0);
  });
});
