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

describe('READ and WRITE of 6, 10, 12 and 16 bytes', () => {
  const LAST = 2047;
  const BLOCK = 512;
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const flag = (fua: boolean): string => (fua ? '08' : '00');
  const SIZES = [
    { name: '6', opcode: ['08', '0a'], rest: (lba: number, blocks: number) => `${hex(lba, 6)} ${hex(blocks, 2)} 00` },
    {
      name: '10',
      opcode: ['28', '2a'],
      rest: (lba: number, blocks: number, fua = false) => `${flag(fua)} ${hex(lba, 8)} 00 ${hex(blocks, 4)} 00`,
    },
    {
      name: '12',
      opcode: ['a8', 'aa'],
      rest: (lba: number, blocks: number, fua = false) => `${flag(fua)} ${hex(lba, 8)} ${hex(blocks, 8)} 00 00`,
    },
    {
      name: '16',
      opcode: ['88', '8a'],
      rest: (lba: number, blocks: number, fua = false) => `${flag(fua)} ${hex(lba, 16)} ${hex(blocks, 8)} 00 00`,
    },
  ];
  const LONG = SIZES.filter(({ name }) => name !== '6');
  const file = (readOnly = false): ScsiBench => new ScsiBench({ kind: 'file', blockCount: LAST + 1, readOnly });
  const OUTSIDE = { senseKey: 5, additionalSense: 0x2100 };

  it.each(SIZES)('($name) write the last block and read it, and touch no other', ({ opcode, rest }) => {
    const bench = file();
    const data = Buffer.alloc(BLOCK, 0x5a);
    expect(bench.run(`${opcode[1]} ${rest(LAST, 1)}`, { data }).status).toBe(Status.GOOD);
    expect(bench.file.bytes.indexOf(0x5a)).toBe(LAST * BLOCK);
    expect(bench.run(`${opcode[0]} ${rest(LAST, 1)}`).data).toEqual(data);
  });

  it.each(SIZES)('($name) beyond the last block are refused, and nothing is written', ({ opcode, rest }) => {
    const bench = file();
    for (const cdb of [rest(LAST, 2), rest(LAST + 1, 1)]) {
      expect(bench.run(`${opcode[0]} ${cdb}`, { expected: 2 * BLOCK })).toMatchObject(OUTSIDE);
      expect(bench.run(`${opcode[1]} ${cdb}`, { data: Buffer.alloc(2 * BLOCK, 1) })).toMatchObject(OUTSIDE);
    }
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
  });

  it.each(LONG)('($name) of no blocks do nothing, where there is a block', ({ opcode, rest }) => {
    for (const each of opcode) {
      const bench = file();
      expect(bench.run(`${each} ${rest(LAST, 0)}`).status).toBe(Status.GOOD);
      expect(bench.run(`${each} ${rest(LAST + 1, 0)}`)).toMatchObject(OUTSIDE);
    }
  });

  it('(16) take LBAs for what they are beyond 32 and 53 bits', () => {
    for (const lba of ['0000000100000000', '0020000000000000', 'ffffffffffffffff']) {
      const bench = file();
      expect(bench.run(`8a 00 ${lba} 00000001 00 00`, { data: Buffer.alloc(BLOCK, 1) })).toMatchObject(OUTSIDE);
      expect(bench.run(`88 00 ${lba} 00000001 00 00`, { expected: BLOCK })).toMatchObject(OUTSIDE);
      expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
    }
  });

  it.each(LONG)('($name) with FUA end when the data are on stable storage, and else before', ({ opcode, rest }) => {
    for (const fua of [false, true]) {
      const bench = file();
      expect(bench.run(`${opcode[1]} ${rest(3, 2, fua)}`, { data: Buffer.alloc(2 * BLOCK, 1) }).status).toBe(
        Status.GOOD,
      );
      expect(bench.file.syncs).toBe(fua ? 1 : 0);
    }
  });

  it.each(SIZES)('($name) leave a unit alone that is read-only, but for READ', ({ opcode, rest }) => {
    const bench = file(true);
    const refused = { senseKey: 7, additionalSense: 0x2700 };
    expect(bench.run(`${opcode[1]} ${rest(3, 1)}`, { data: Buffer.alloc(BLOCK, 1) })).toMatchObject(refused);
    expect(bench.file.bytes.every((byte) => byte === 0)).toBe(true);
    expect(bench.run(`${opcode[0]} ${rest(3, 1)}`).status).toBe(Status.GOOD);
  });
});
