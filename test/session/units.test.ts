import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/pdu/opcode.ts';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { testUnitReady } from '../support/cdbs.ts';
import { SessionBench, SimLun } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

/** Bytes before the ASC in a SCSI Response's data: the sense length, and fixed format sense data up to byte 12. */
const ASC_AT = 2 + 12;

/** What TEST UNIT READY has to say: additional sense, 0 for none. */
function attention(bench: SessionBench, one: SimInitiator, lun: number = SimLun.MEMORY): number {
  one.command(testUnitReady(), { lun });
  bench.settle();
  const [response] = one.replies();
  expect(response!.opcode).toBe(Opcode.SCSI_RESPONSE);
  return response!.data.length === 0 ? 0 : response!.data.readUInt16BE(ASC_AT);
}

describe('a unit of which main tells anew', () => {
  it.each([
    { change: { blockCount: 9000 }, told: AdditionalSense.CAPACITY_DATA_HAS_CHANGED },
    { change: { blockCount: 8192 }, told: 0 },
    { change: { portalGroups: [1, 2] }, told: 0 },
    { change: { readOnly: true }, told: 0 },
  ])('with $change: every nexus hears $told, once', ({ change, told }) => {
    const bench = new SessionBench();
    const initiators = [bench.logIn(), bench.logIn()];
    bench.changeUnit(SimLun.MEMORY, change);
    for (const one of initiators) {
      expect(attention(bench, one, SimLun.NULL)).toBe(0);
      expect(attention(bench, one)).toBe(told);
      expect(attention(bench, one)).toBe(0);
    }
  });
});
