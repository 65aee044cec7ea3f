// What holds for every command, whatever is in its CDB.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OperationCode } from '../../src/scsi/cdb.ts';
import { COMMANDS } from '../../src/scsi/operation-codes.ts';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';

/** Any bytes at all, and bytes that get past the operation code. */
const anyCdb = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.tuple(fc.constantFrom(...COMMANDS), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([{ usage }, random]) => {
    // Bits that mean something are drawn, the others stay zero; small numbers are as likely as large ones.
    const cdb = new Uint8Array(32);
    for (const [offset, mask] of usage.entries())
      cdb[offset] = random[offset]! & mask & (random[31]! % 2 === 0 ? 0xff : 0x0f);
    cdb[0] = usage[0]!;
    if (usage[0] === 0x9e || usage[0] === 0xa3) cdb[1] = usage[1]!;
    return cdb;
  }),
);

function check(outcome: Outcome, cdb: Uint8Array): void {
  const hex = Buffer.from(cdb).toString('hex');
  expect([Status.GOOD, Status.CHECK_CONDITION, Status.CONDITION_MET], hex).toContain(outcome.status);
  if (outcome.status !== Status.CHECK_CONDITION) return;
  expect(outcome.senseKey, hex).not.toBe(0);
  expect(Object.values(AdditionalSense), hex).toContain(outcome.additionalSense);
  expect(outcome.data.length, hex).toBe(0);
}

describe.each([
  { kind: 'file', thin: true },
  { kind: 'memory', thin: true, removable: true },
  { kind: 'memory', readOnly: true },
  { kind: 'null', blockSize: 4096, blockCount: 2 ** 33 },
] as const)('on %o', (options) => {
  it('any CDB ends GOOD or with sense that says why, and frees its memory', () => {
    const bench = new ScsiBench({ blockCount: 64, ...options });
    const data = Buffer.alloc(256 * 1024);
    fc.assert(
      fc.property(anyCdb, fc.integer({ min: 0, max: data.length }), (cdb, length) => {
        const outcome = bench.run(Buffer.from(cdb).toString('hex'), {
          data: data.subarray(0, length),
          expected: length,
        });
        check(outcome, cdb);
        expect(bench.engine.slab.bytesInUse).toBe(0);
        expect(bench.unit.taskCount).toBe(0);
        bench.unit.ready = true;
      }),
      { numRuns: 400, seed: 7143 },
    );
  });

  it('any CDB is answered where there is no unit', () => {
    const bench = new ScsiBench({ blockCount: 64, ...options });
    fc.assert(
      fc.property(anyCdb, (cdb) => {
        check(bench.run(Buffer.from(cdb).toString('hex'), { lun: 5, expected: 4096 }), cdb);
        expect(bench.engine.slab.bytesInUse).toBe(0);
      }),
      { numRuns: 200, seed: 7143 },
    );
  });
});

describe('NACA', () => {
  it('is refused wherever the CDB has its control byte: there is no ACA', () => {
    const bench = new ScsiBench({ thin: true });
    for (const { opcode, usage } of COMMANDS) {
      const cdb = Buffer.from(usage.map((_, offset) => (offset <= 1 ? usage[offset]! : 0)));
      if (bench.run(cdb.toString('hex')).sense.endsWith('c00001')) cdb[1] = 0;
      // CDBs of variable length have it in front.
      const at = opcode === OperationCode.VARIABLE_LENGTH ? 1 : cdb.length - 1;
      cdb[at] = 0x04;
      const pointer = at.toString(16).padStart(4, '0');
      expect(bench.run(cdb.toString('hex')).sense.slice(-6), cdb.toString('hex')).toBe(`c0${pointer}`);
    }
  });
});

describe('the ACA attribute (SAM-5)', () => {
  it.each([4, 5, 6, 7])('and what is reserved behind it, %i, are refused for every command', (attribute) => {
    const bench = new ScsiBench({ thin: true });
    for (const { usage } of COMMANDS) {
      const cdb = Buffer.from(usage).toString('hex');
      expect(bench.run(cdb, { attribute, expected: 0 }), cdb).toMatchObject({ senseKey: 5, additionalSense: 0x4900 });
    }
  });
});

describe('unknown operation codes', () => {
  it('are refused, with a pointer at them', () => {
    expect(new ScsiBench().run('05 00000000 00').sense.slice(24)).toBe('2000' + '00' + 'c00000');
  });
});

describe('replies', () => {
  it('are never longer than the allocation length', () => {
    const bench = new ScsiBench({ thin: true });
    const commands: readonly [string, string, number][] = [
      ['03 00 0000', '00', 1],
      ['12 00 00', '00', 2],
      ['1a 00 3f 00', '00', 1],
      ['5a 00 3f 00 000000', '00', 2],
      ['9e 10 0000000000000000', '0000', 4],
      ['a3 0c 00 00 0000', '0000', 4],
      ['a3 0a 00 000000', '0000', 4],
    ];
    fc.assert(
      fc.property(fc.constantFrom(...commands), fc.nat({ max: 400 }), ([before, after, width], drawn) => {
        const allocation = Math.min(drawn, 2 ** (8 * width) - 1);
        const length = allocation.toString(16).padStart(2 * width, '0');
        const { status, dataLength } = bench.run(`${before} ${length} ${after}`);
        expect(status).toBe(Status.GOOD);
        expect(dataLength).toBeLessThanOrEqual(allocation);
      }),
    );
  });
});
