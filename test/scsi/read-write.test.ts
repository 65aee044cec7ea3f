// READ and WRITE, and what else moves blocks by a TRANSFER LENGTH or VERIFICATION LENGTH: how many one command may.

import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const BLOCKS = 2 ** 32;
/** MAXIMUM TRANSFER LENGTH of blocks of 512 bytes. */
const MOST = 0x007f_ffff;
const LBA_16 = '0000000000000000';

const count = (blocks: number): string => blocks.toString(16).padStart(8, '0');
const cdb32 = (action: string, blocks: number): string =>
  `7f 00 00000000 00 18 ${action} 00 00 ${LBA_16} 00000000 0000 0000 ${count(blocks)}`;

/** CDBs for so many blocks from the first, and where their length stands. */
const COMMANDS = [
  { name: 'READ(12)', cdb: (blocks: number) => `a8 00 00000000 ${count(blocks)} 00 00`, at: 6 },
  { name: 'READ(16)', cdb: (blocks: number) => `88 00 ${LBA_16} ${count(blocks)} 00 00`, at: 10 },
  { name: 'READ(32)', cdb: (blocks: number) => cdb32('0009', blocks), at: 28 },
  { name: 'WRITE(12)', cdb: (blocks: number) => `aa 00 00000000 ${count(blocks)} 00 00`, at: 6 },
  { name: 'WRITE(16)', cdb: (blocks: number) => `8a 00 ${LBA_16} ${count(blocks)} 00 00`, at: 10 },
  { name: 'WRITE(32)', cdb: (blocks: number) => cdb32('000b', blocks), at: 28 },
  { name: 'ORWRITE(16)', cdb: (blocks: number) => `8b 00 ${LBA_16} ${count(blocks)} 00 00`, at: 10 },
  { name: 'WRITE AND VERIFY(12)', cdb: (blocks: number) => `ae 00 00000000 ${count(blocks)} 00 00`, at: 6 },
  { name: 'WRITE AND VERIFY(16)', cdb: (blocks: number) => `8e 00 ${LBA_16} ${count(blocks)} 00 00`, at: 10 },
  { name: 'VERIFY(16)', cdb: (blocks: number) => `8f 00 ${LBA_16} ${count(blocks)} 00 00`, at: 10 },
  {
    name: 'VERIFY(16) of one block of data',
    cdb: (blocks: number) => `8f 06 ${LBA_16} ${count(blocks)} 00 00`,
    at: 10,
  },
];

describe('MAXIMUM TRANSFER LENGTH of the block limits page (SBC-3)', () => {
  const bench = (): ScsiBench => new ScsiBench({ kind: 'null', blockCount: BLOCKS });
  const FIELD_POINTER_AT = 15;

  it('is what the page says', () => {
    expect(bench().run('12 01 b0 0040 00').data.readUInt32BE(8)).toBe(MOST);
  });

  it.each(COMMANDS)('$name of more blocks is refused, and the field named', ({ cdb, at }) => {
    for (const blocks of [MOST + 1, 0x0100_0001, 0xffff_ffff]) {
      const outcome = bench().run(cdb(blocks), { expected: 0 });
      expect(outcome).toMatchObject({ senseKey: 5, additionalSense: 0x2400, data: Buffer.alloc(0) });
      const sense = Buffer.from(outcome.sense, 'hex');
      expect(sense.readUInt16BE(FIELD_POINTER_AT + 1)).toBe(at);
    }
  });

  it.each(COMMANDS.filter(({ name }) => name !== 'VERIFY(16) of one block of data'))(
    '$name of as many is not',
    ({ cdb }) => {
      expect(bench().run(cdb(MOST), { expected: 0 }).status).toBe(Status.GOOD);
    },
  );

  it('says nothing of blocks that do not exist', () => {
    const small = new ScsiBench({ kind: 'null', blockCount: MOST });
    expect(small.run(`88 00 ${LBA_16} ${count(MOST + 1)} 00 00`, { expected: 0 })).toMatchObject({
      additionalSense: 0x2100,
    });
  });
});
