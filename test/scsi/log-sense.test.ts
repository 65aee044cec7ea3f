// The commands that say little: logs, defects, diagnostics, and the echo buffer.

import { describe, expect, it } from 'vitest';
import { Figure } from '../../src/ring/figures.ts';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

describe('LOG SENSE', () => {
  it('00h lists the pages, and with all subpages the pages and their subpages', () => {
    const bench = new ScsiBench();
    expect(bench.run('4d 00 00 00 00 0000 00ff 00').data.toString('hex')).toBe('00000007' + '0002030d11192f');
    expect(bench.run('4d 00 00 ff 00 0000 00ff 00').data.toString('hex')).toBe(
      '40ff0010' + '000000ff' + '020003000d00110019002f00',
    );
  });

  it('2Fh: no exception, temperature unknown', () => {
    const { data } = new ScsiBench().run('4d 00 6f 00 00 0000 00ff 00');
    expect(data.toString('hex')).toBe('2f000008' + '00000304' + '0000ff00');
  });

  it('0Dh, 11h: no sensor, no wear', () => {
    const bench = new ScsiBench();
    expect(bench.run('4d 00 4d 00 00 0000 00ff 00').data.toString('hex')).toBe(
      '0d00000c' + '0000030200ff' + '0001030200ff',
    );
    expect(bench.run('4d 00 51 00 00 0000 00ff 00').data.toString('hex')).toBe('11000008' + '0001030400000000');
  });

  it('a parameter pointer leaves out what stands before it', () => {
    const { data } = new ScsiBench().run('4d 00 4d 00 00 0001 00ff 00');
    expect(data.toString('hex')).toBe('0d000006' + '0001030200ff');
  });

  it('19h tells what all workers have counted', () => {
    const bench = new ScsiBench();
    const figures = bench.unit.totalFigures();
    figures.set([3, 5, 7, 4096, 8192, 2], Figure.reads);
    figures.set([9000, 11_000], Figure.readMicros);
    const { data } = bench.run('4d 00 59 00 00 0000 00ff 00');
    const numbers = Array.from({ length: 8 }, (_, index) => Number(data.readBigUInt64BE(8 + index * 8)));
    expect(numbers).toEqual([3, 5, 16, 8, 9, 11, 8, 20]);
    expect(data.subarray(72).toString('hex')).toBe('00030308' + '00000003' + '00000001');
  });

  it.each([
    ['02h', '42', Figure.writeFailures],
    ['03h', '43', Figure.readFailures],
  ])('%s: errors are those of the medium, not what else commands end with', (_, page, figure) => {
    const bench = new ScsiBench();
    const figures = bench.unit.totalFigures();
    figures[Figure.errors] = 9;
    figures[figure] = 2;
    const { data } = bench.run(`4d 00 ${page} 00 00 0000 00ff 00`);
    expect(data.subarray(4).toString('hex')).toBe('00060008' + '0000000000000002');
  });

  it('is cut to the allocation length', () => {
    expect(new ScsiBench().run('4d 00 6f 00 00 0000 0005 00').data.toString('hex')).toBe('2f00000800');
  });

  it.each([
    ['4d 01 00 00 00 0000 00ff 00', 'saving', 'c00001'],
    ['4d 00 0c 00 00 0000 00ff 00', 'a page that is not there', 'c00002'],
    ['4d 00 2f 01 00 0000 00ff 00', 'a subpage that is not there', 'c00003'],
    ['4d 00 00 01 00 0000 00ff 00', 'another', 'c00003'],
    ['4d 00 2f 00 00 0001 00ff 00', 'a parameter that is not there', 'c00005'],
  ])('%s is refused: %s', (cdb, _, pointer) => {
    expect(new ScsiBench().run(cdb).sense.slice(-6)).toBe(pointer);
  });
});

describe('LOG SELECT', () => {
  it('resets nothing, and sets nothing, and says so', () => {
    const bench = new ScsiBench();
    expect(bench.run('4c 00 00 00 000000 0000 00').status).toBe(Status.GOOD);
    expect(bench.run('4c 02 00 00 000000 0000 00').sense.slice(-6)).toBe('c00001');
    expect(bench.run('4c 01 00 00 000000 0000 00').sense.slice(-6)).toBe('c00001');
    expect(bench.run('4c 00 00 00 000000 0008 00').sense.slice(-6)).toBe('c00007');
  });
});

describe('READ DEFECT DATA', () => {
  it('has empty lists, of the kind and in the format that were asked for', () => {
    const bench = new ScsiBench();
    expect(bench.run('37 00 00 00000000 0020 00').data.toString('hex')).toBe('00000000');
    expect(bench.run('37 00 1d 00000000 0020 00').data.toString('hex')).toBe('001d0000');
    expect(bench.run('b7 1d 00000000 00000020 00 00').data.toString('hex')).toBe('001d000000000000');
    expect(bench.run('b7 1d 00000000 00000003 00 00').data.toString('hex')).toBe('001d00');
  });
});

describe('diagnostics', () => {
  it('the default self-test finds out whether the unit is ready', () => {
    const bench = new ScsiBench({ removable: true });
    expect(bench.run('1d 04 00 0000 00').status).toBe(Status.GOOD);
    bench.unit.ready = false;
    expect(bench.run('1d 04 00 0000 00').additionalSense).toBe(0x3a00);
  });

  it('refuses other self-tests, and lists that are no page', () => {
    const bench = new ScsiBench();
    expect(bench.run('1d 20 00 0000 00').sense.slice(-6)).toBe('c00001');
    const data = Buffer.alloc(4);
    expect(bench.run('1d 00 00 0004 00', { data }).sense.slice(-6)).toBe('c00003');
    expect(bench.run('1d 14 00 0004 00', { data }).sense.slice(-6)).toBe('c00003');
  });

  it('takes the page that asks for the list of pages, as sg_senddiag --list sends it, and no other', () => {
    const bench = new ScsiBench();
    const send = (page: string, length = '0004') =>
      bench.run(`1d 10 00 ${length} 00`, { data: Buffer.from(page, 'hex') });
    expect(send('00000000').status).toBe(Status.GOOD);
    expect(bench.run('1c 00 00 00ff 00').data.toString('hex')).toBe('0000000100');
    expect(send('40000000')).toMatchObject({ senseKey: 5, additionalSense: 0x2600 });
    expect(send('40000000').sense.slice(-6)).toBe('800000');
    expect(send('00000001').sense.slice(-6)).toBe('800002');
    expect(send('').additionalSense).toBe(0x1a00);
    expect(send('000000').additionalSense).toBe(0x1a00);
    expect(send('0000000000', '0005').additionalSense).toBe(0x1a00);
  });

  it('lists the list of pages', () => {
    const bench = new ScsiBench();
    expect(bench.run('1c 01 00 00ff 00').data.toString('hex')).toBe('0000000100');
    expect(bench.run('1c 00 00 0004 00').data.toString('hex')).toBe('00000001');
    expect(bench.run('1c 01 40 00ff 00').sense.slice(-6)).toBe('c00002');
  });
});

describe('the echo buffer', () => {
  it('gives back what was written, and only to who wrote it', () => {
    const bench = new ScsiBench();
    const other = bench.addNexus(2);
    const data = Buffer.from('what goes out comes back');
    expect(bench.run('3c 0a 00 000000 0000ff 00').additionalSense).toBe(0x2c00);
    expect(bench.run('3b 0a 00 000000 000018 00', { data }).status).toBe(Status.GOOD);
    expect(bench.run('3c 0a 00 000000 0000ff 00').data.equals(data)).toBe(true);
    expect(bench.run('3c 0a 00 000000 000004 00').data.toString()).toBe('what');
    expect(bench.run('3c 0a 00 000000 0000ff 00', { nexus: other }).additionalSense).toBe(0x2c00);
  });

  it('tells how much it holds, and refuses more', () => {
    const bench = new ScsiBench();
    expect(bench.run('3c 0b 00 000000 0000ff 00').data.toString('hex')).toBe('00001000');
    expect(bench.run('3b 0a 00 000000 001000 00', { data: Buffer.alloc(4096) }).status).toBe(Status.GOOD);
    expect(bench.run('3b 0a 00 000000 001001 00', { data: Buffer.alloc(4097) }).sense.slice(-6)).toBe('c00006');
  });

  it('is the only buffer there is', () => {
    const bench = new ScsiBench();
    expect(bench.run('3c 03 00 000000 0000ff 00').data.toString('hex')).toBe('00000000');
    expect(bench.run('3c 02 00 000000 0000ff 00').sense.slice(-6)).toBe('c00001');
    expect(bench.run('3b 05 00 000000 000000 00').sense.slice(-6)).toBe('c00001');
  });
});
