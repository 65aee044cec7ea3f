// The core of what real initiators do, against every combination of engine, digest and number of workers.
// The rest of it runs against one of them, in the files beside this one.

import { describe, expect, test } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { iscsiLs, iscsiTestCu, missingClients, qemuImg } from '../support/clients.ts';
import { fio } from '../support/fio.ts';
import { Scratch, sha256 } from '../support/scratch.ts';
import { TARGET_NAME } from '../support/target-process.ts';
import { describeSetting, Lun, OTHER_SETTINGS, startTarget, UNIT_BYTES } from './configurations.ts';

const CU_TESTS = [
  'SCSI.Read10.Simple',
  'SCSI.Read16.BeyondEol',
  'SCSI.Write16.Simple',
  'SCSI.WriteSame16.Simple',
  'SCSI.Unmap.Simple',
  'SCSI.CompareAndWrite.Simple',
  'iSCSI.iSCSIcmdsn.iSCSICmdSnTooLow',
  'iSCSI.iSCSIdatasn.iSCSIDataSnInvalid',
  'iSCSI.iSCSIResiduals.Read16Residuals',
  'iSCSI.iSCSIResiduals.Write16Residuals',
  'iSCSI.iSCSITMF.AbortTaskSimpleAsync',
];

const VERIFY = { size: 8 * MIB, verify: 'crc32c', do_verify: 1, verify_fatal: 1 };

describe
  .skipIf(missingClients().length > 0)
  .each(OTHER_SETTINGS.map((setting) => ({ setting, name: describeSetting(setting) })))('$name', ({ setting }) => {
  test('discovery, SCSI, data in and out, and a clean end', async () => {
    using scratch = new Scratch('matrix');
    await using target = await startTarget(setting);
    expect((await iscsiLs(target.portal)).map(({ name }) => name)).toEqual([TARGET_NAME]);
    for (const name of CU_TESTS) {
      const report = await iscsiTestCu(name, target.url(Lun.FILE));
      expect(report, `${name}: ${report.detail}`).toMatchObject({ verdict: 'passed' });
    }
    for (const lun of [Lun.FILE, Lun.MEMORY]) {
      for (const blockSize of [4 * KIB, MIB]) {
        const job = { url: target.url(lun), rw: 'randwrite', blockSize, depth: 8, options: VERIFY } as const;
        expect((await fio(job)).errors).toBe(0);
      }
    }
    const source = scratch.noise('in.img', UNIT_BYTES);
    const result = scratch.file('out.img');
    await qemuImg('convert', '-n', '-f', 'raw', '-O', 'raw', source, target.url(Lun.FILE));
    await qemuImg('convert', '-f', 'raw', '-O', 'raw', target.url(Lun.FILE), result);
    expect(await sha256(result)).toBe(await sha256(source));
  }, 300_000);
});
