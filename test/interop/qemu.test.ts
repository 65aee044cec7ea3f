// qemu-img copies images in and out: what comes out is what went in, whatever the image's format.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { missingClients, qemuImg } from '../support/clients.ts';
import { Scratch, sha256 } from '../support/scratch.ts';
import { TARGET_NAME, type TargetProcess } from '../support/target-process.ts';
import { Lun, MAIN_SETTING, startTarget, UNIT_BYTES } from './configurations.ts';

describe.skipIf(missingClients().length > 0)('qemu-img', () => {
  let target: TargetProcess;
  let scratch: Scratch;

  beforeAll(async () => {
    scratch = new Scratch('qemu');
    target = await startTarget(MAIN_SETTING);
  });
  afterAll(async () => {
    scratch[Symbol.dispose]();
    await target.stop();
  });

  test('info knows the size of the unit', async () => {
    const info = JSON.parse(await qemuImg('info', '--output=json', target.url(Lun.FILE)));
    expect(info).toMatchObject({ format: 'raw', 'virtual-size': UNIT_BYTES });
  });

  test('info knows it also under the name of a virtual machine, which may be no iSCSI name', async () => {
    const where = `driver=iscsi,transport=tcp,portal=${target.portal},target=${TARGET_NAME},lun=${Lun.FILE}`;
    const who = 'initiator-name=iqn.2008-11.org.linux-kvm:my vm_1';
    const info = JSON.parse(await qemuImg('info', '--output=json', '--image-opts', `${where},${who}`));
    expect(info).toMatchObject({ 'virtual-size': UNIT_BYTES });
  });

  test.each([
    { unit: 'file', lun: Lun.FILE },
    { unit: 'memory', lun: Lun.MEMORY },
  ])('convert: an image written to the $unit unit comes back unchanged', async ({ lun }) => {
    const url = target.url(lun);
    const source = scratch.noise(`in-${lun}.img`, UNIT_BYTES, lun + 7);
    const result = scratch.file(`out-${lun}.img`);
    await qemuImg('convert', '-n', '-f', 'raw', '-O', 'raw', source, url);
    await qemuImg('convert', '-f', 'raw', '-O', 'raw', url, result);
    expect(await sha256(result)).toBe(await sha256(source));
    expect(await qemuImg('compare', '-f', 'raw', '-F', 'raw', source, url)).toContain('Images are identical');
  });

  test('convert: zeroes and holes arrive as zeroes', async () => {
    const url = target.url(Lun.FILE);
    const source = scratch.file('sparse.qcow2');
    const whole = scratch.file('whole.img');
    const result = scratch.file('result.img');
    // Noise at the start, nothing behind it: qemu asks the target to write zeroes or to unmap.
    await qemuImg('create', '-q', '-f', 'qcow2', source, String(UNIT_BYTES));
    const some = scratch.noise('some.img', 8 * MIB, 11);
    await qemuImg('dd', '-f', 'raw', '-O', 'qcow2', 'bs=1M', `if=${some}`, `of=${source}`);
    await qemuImg('resize', '-q', '-f', 'qcow2', source, String(UNIT_BYTES));
    await qemuImg('convert', '-f', 'qcow2', '-O', 'raw', source, whole);
    await qemuImg('convert', '-n', '-f', 'qcow2', '-O', 'raw', source, url);
    await qemuImg('convert', '-f', 'raw', '-O', 'raw', url, result);
    expect(await sha256(result)).toBe(await sha256(whole));
  });

  test('a qcow2 image lives on a unit', async () => {
    const url = target.url(Lun.MEMORY);
    await qemuImg('create', '-q', '-f', 'qcow2', url, '32M');
    expect(await qemuImg('check', '-f', 'qcow2', url)).toContain('No errors were found');
    await qemuImg('bench', '-f', 'qcow2', '-w', '-c', '500', '-d', '16', '-s', '64k', url);
    expect(await qemuImg('check', '-f', 'qcow2', url)).toContain('No errors were found');
  });
});
