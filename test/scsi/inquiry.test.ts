// INQUIRY and its vital product data pages, byte by byte against SPC-5 and SBC-4.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const INVALID_FIELD_IN_CDB = 0x2400;

describe('standard INQUIRY data', () => {
  it('describes a disk of 96 bytes', () => {
    const { status, data } = new ScsiBench().run('12 00 00 0100 00');
    expect(status).toBe(Status.GOOD);
    expect(data.subarray(0, 8).toString('hex')).toBe('0000061' + '2' + '5b' + '38' + '00' + '02');
    expect(data.subarray(8, 36).toString('latin1')).toBe('LUNARINGDISK            0.1 ');
    // SAM-5, iSCSI, SPC-5, SPC-4, SBC-4, SBC-3.
    expect(data.subarray(58, 74).toString('hex')).toBe(
      '00a0' + '0960' + '05c0' + '0460' + '0600' + '04c0' + '00000000',
    );
    expect(data.length).toBe(96);
  });

  it('sets RMB for a removable medium', () => {
    expect(new ScsiBench({ removable: true }).run('12 00 00 0060 00').data[1]).toBe(0x80);
  });

  it('sets MULTIP where more than one target port leads to the unit', () => {
    expect(new ScsiBench({ portalGroups: [1, 2] }).run('12 00 00 0060 00').data[6]).toBe(0x10);
    expect(new ScsiBench({ portalGroups: [7] }).run('12 00 00 0060 00').data[6]).toBe(0);
    expect(new ScsiBench({ portalGroups: [1, 2] }).run('12 00 00 0060 00', { lun: 9 }).data[6]).toBe(0);
  });

  it('is cut to the allocation length, and its length fields are not', () => {
    const bench = new ScsiBench();
    const whole = bench.run('12 00 00 ffff 00').data;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), (allocation) => {
        const { status, data } = bench.run(`12 00 00 ${allocation.toString(16).padStart(4, '0')} 00`);
        expect(status).toBe(Status.GOOD);
        expect(data.equals(whole.subarray(0, allocation))).toBe(true);
      }),
    );
  });

  it('answers for a LUN that names no unit: qualifier 011b, device type 1Fh', () => {
    const { status, data } = new ScsiBench().run('12 00 00 0060 00', { lun: 9 });
    expect(status).toBe(Status.GOOD);
    expect(data[0]).toBe(0x7f);
  });

  it('refuses a page code without EVPD, and points at it', () => {
    const outcome = new ScsiBench().run('12 00 83 0060 00');
    expect(outcome.additionalSense).toBe(INVALID_FIELD_IN_CDB);
    expect(outcome.sense.slice(-6)).toBe('c00002');
  });

  it('refuses CMDDT', () => {
    expect(new ScsiBench().run('12 02 00 0060 00').sense.slice(-6)).toBe('c00001');
  });
});

describe('vital product data', () => {
  it('00h lists the pages, and every page it lists can be read', () => {
    const bench = new ScsiBench({ thin: true });
    const { data } = bench.run('12 01 00 00ff 00');
    expect(data.toString('hex')).toBe('0000000a' + '0080838687888fb0b1b2');
    for (const page of data.subarray(4)) {
      const { status, data: body } = bench.run(`12 01 ${page.toString(16).padStart(2, '0')} 00ff 00`);
      expect(status).toBe(Status.GOOD);
      expect(body[1]).toBe(page);
      expect(body.readUInt16BE(2)).toBe(body.length - 4);
    }
  });

  it('86h tells the task attributes, the volatile cache, and how long sense data can be', () => {
    const page = (writeCache: boolean) => new ScsiBench({ writeCache }).run('12 01 86 00ff 00', { expected: 255 }).data;
    expect(page(true).length).toBe(64);
    expect(page(true).subarray(0, 14).toString('hex')).toBe('0086003c' + '00' + '07' + '01' + '000000000000' + '28');
    expect(page(false)[6]).toBe(0);
  });

  it('87h: all mode pages are the same for everybody', () => {
    const { data } = new ScsiBench().run('12 01 87 00ff 00', { expected: 255 });
    expect(data.toString('hex')).toBe('00870004' + '3fff0000');
  });

  it('88h has the ports of all portal groups, each with its name', () => {
    const bench = new ScsiBench({ portalGroups: [1, 0] });
    const { data } = bench.run('12 01 88 00ff 00', { expected: 255 });
    const name = (tag: string) => `${bench.nexus.targetName},t,0x${tag}`;
    expect(data.readUInt16BE(2)).toBe(data.length - 4);
    const length = data.readUInt16BE(14);
    expect(data.subarray(4, 20).toString('hex')).toBe(
      `0000000100000000${'0000'}${length.toString(16).padStart(4, '0')}5398${'00'}${(length - 4).toString(16)}`,
    );
    expect(
      data
        .subarray(20, 20 + length - 4)
        .toString()
        .replaceAll('\0', ''),
    ).toBe(name('0001'));
    const second = data.subarray(16 + length);
    expect(second.readUInt16BE(2)).toBe(0xffff);
    expect(second.subarray(16).toString().replaceAll('\0', '')).toBe(name('0000'));
  });

  it('80h is the serial number', () => {
    const { data } = new ScsiBench().run('12 01 80 00ff 00');
    expect(data.toString('latin1')).toBe('\x00\x80\x00\x100123456789ABCDEF');
  });

  it('83h identifies the unit, the target port and the target', () => {
    const bench = new ScsiBench();
    const { data } = bench.run('12 01 83 01ff 00', { nexus: bench.addNexus(2, 0x1f) });
    const port = 'iqn.2026-11.io.lunaring:test,t,0x001f\0\0\0';
    const target = 'iqn.2026-11.io.lunaring:test\0\0\0\0';
    const expected = Buffer.concat([
      Buffer.from('02010018', 'hex'),
      Buffer.from('LUNARING0123456789ABCDEF'),
      Buffer.from('01030008' + '3000000000000001', 'hex'),
      Buffer.from('51940004' + '0000001f', 'hex'),
      Buffer.from('51950004' + '0000001f', 'hex'),
      Buffer.from([0x53, 0x98, 0, port.length]),
      Buffer.from(port),
      Buffer.from([0x53, 0xa8, 0, target.length]),
      Buffer.from(target),
    ]);
    expect(data.subarray(4).toString('hex')).toBe(expected.toString('hex'));
    expect(port.length % 4).toBe(0);
    expect(target.length % 4).toBe(0);
  });

  it('83h has no relative target port 0, which is reserved', () => {
    const bench = new ScsiBench();
    const { data } = bench.run('12 01 83 01ff 00', { nexus: bench.addNexus(2, 0) });
    expect(data.includes(Buffer.from('51940004' + '0000ffff', 'hex'))).toBe(true);
  });

  it('B0h tells the limits of a thin unit with blocks of 512 bytes', () => {
    const { data } = new ScsiBench({ kind: 'file', thin: true }).run('12 01 b0 0040 00');
    expect(data.toString('hex')).toBe(
      '00b0003c' +
        '00' + // WSNZ 0
        'ff' + // MAXIMUM COMPARE AND WRITE LENGTH
        '0008' + // OPTIMAL TRANSFER LENGTH GRANULARITY: 4 KiB
        '007fffff' + // MAXIMUM TRANSFER LENGTH: what 32 bits of bytes can say
        '00000200' + // OPTIMAL TRANSFER LENGTH: 256 KiB
        '00000000' +
        '00100000' + // MAXIMUM UNMAP LBA COUNT
        '00000fff' + // MAXIMUM UNMAP BLOCK DESCRIPTOR COUNT
        '00000008' + // OPTIMAL UNMAP GRANULARITY
        '80000000' + // UGAVALID, aligned at 0
        '0000000000080000' + // MAXIMUM WRITE SAME LENGTH: 256 MiB
        '00'.repeat(20),
    );
  });

  it('B0h of a memory unit with blocks of 4096 bytes promises what can be done without keeping others waiting', () => {
    const { data } = new ScsiBench({ blockSize: 4096, thin: true }).run('12 01 b0 0040 00');
    expect(data[5]).toBe(32);
    expect(data.readUInt32BE(20)).toBe(16384);
    expect(data.readUInt32BE(40)).toBe(16384);
  });

  it('B0h of a unit that is not thin has no UNMAP', () => {
    const { data } = new ScsiBench().run('12 01 b0 0040 00');
    expect(data.subarray(20, 36).every((byte) => byte === 0)).toBe(true);
  });

  it('8Fh tells what EXTENDED COPY is good for', () => {
    const { data } = new ScsiBench({ blockSize: 4096 }).run('12 01 8f 0100 00');
    expect(data.toString('hex')).toBe(
      '008f0064' +
        // Supported commands.
        '0001000c' +
        '0a' +
        '83020001' +
        '840400030405' +
        '00' +
        // Parameter data: units, segments, bytes of descriptors.
        '0004001c' +
        `00000000${'0008'}${'0040'}${'00000800'}${'00'.repeat(16)}` +
        // Supported descriptors; CSCD IDs.
        '00080004' +
        '0202e400' +
        '000c0004' +
        '0002ffff' +
        // General copy operations: copies at a time, bytes of a segment, granularity.
        '80010020' +
        `000000ff${'000000ff'}${'0ffff000'}${'0c00'}${'00'.repeat(18)}`,
    );
  });

  it.each([
    { thin: true, erased: '50' },
    // Without BLOCK ERASE there is nothing to say of it.
    { thin: false, erased: '10' },
  ])('B1h: nothing rotates, and what was erased can be read, thin: $thin', ({ thin, erased }) => {
    const { data } = new ScsiBench({ thin }).run('12 01 b1 0040 00');
    expect(data.toString('hex')).toBe(`00b1003c000100${erased}${'00'.repeat(56)}`);
  });

  it('B2h: a thin unit unmaps by UNMAP and both WRITE SAMEs, and reads zeroes afterwards', () => {
    expect(new ScsiBench({ thin: true }).run('12 01 b2 00ff 00').data.toString('hex')).toBe('00b20004' + '00c40200');
    expect(new ScsiBench({ thin: false }).run('12 01 b2 00ff 00').data.toString('hex')).toBe('00b20004' + '00000000');
  });

  it('a page that is not there is refused, with a pointer at its code', () => {
    const outcome = new ScsiBench().run('12 01 b7 00ff 00');
    expect(outcome.additionalSense).toBe(INVALID_FIELD_IN_CDB);
    expect(outcome.sense.slice(-6)).toBe('c00002');
  });

  it('a LUN without a unit has page 00h and nothing else', () => {
    const bench = new ScsiBench();
    expect(bench.run('12 01 00 00ff 00', { lun: 3 }).data.toString('hex')).toBe('7f00000100');
    expect(bench.run('12 01 80 00ff 00', { lun: 3 }).additionalSense).toBe(INVALID_FIELD_IN_CDB);
  });
});
