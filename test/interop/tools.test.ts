// libiscsi's command-line tools: they find the target, read what it says of its units, and read from it.
// Data integrity is fio.test.ts's and qemu.test.ts's, SCSI in detail iscsi-test-cu.test.ts's.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { iscsiInq, iscsiLs, iscsiPerf, iscsiReadCapacity16, missingClients } from '../support/clients.ts';
import { TARGET_NAME, type TargetProcess } from '../support/target-process.ts';
import { blockBytes, Lun, MAIN_SETTING, startTarget, UNIT_BYTES } from './configurations.ts';

describe.skipIf(missingClients().length > 0)('libiscsi tools', () => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await startTarget(MAIN_SETTING);
  });
  afterAll(() => target.stop());

  test('iscsi-ls finds the target with its portal and portal group', async () => {
    expect(await iscsiLs(target.portal)).toEqual([{ name: TARGET_NAME, portal: `${target.portal},1`, luns: [] }]);
  });

  test('iscsi-ls --show-luns finds every unit', async () => {
    const [listed] = await iscsiLs(target.portal, true);
    expect(listed?.luns).toEqual(
      Object.values(Lun).map((lun) => expect.stringMatching(`^Lun:${lun} Type:DIRECT_ACCESS`)),
    );
  });

  test('iscsi-inq reads the standard data', async () => {
    const inquiry = await iscsiInq(target.url(Lun.FILE));
    expect(inquiry.get('Peripheral Qualifier')).toBe('CONNECTED');
    expect(inquiry.get('Peripheral Device Type')).toBe('DIRECT_ACCESS');
    expect(inquiry.get('Removable')).toBe('0');
    expect(inquiry.get('CmdQue')).toBe('1');
    expect(inquiry.get('Vendor')).toMatch(/^[!-~]+( [!-~]+)*$/);
  });

  test('iscsi-inq says that the removable unit is', async () => {
    expect((await iscsiInq(target.url(Lun.REMOVABLE))).get('Removable')).toBe('1');
  });

  test.each([
    { page: 0x00, title: 'supported pages', line: ['Page', '0x00 SUPPORTED_VPD_PAGES'] },
    { page: 0x80, title: 'unit serial number', line: ['Unit Serial Number', expect.stringMatching(/\S/)] },
    { page: 0x83, title: 'device identification', line: ['Designator Type', expect.stringMatching(/\S/)] },
    { page: 0xb0, title: 'block limits', line: ['wsnz', expect.stringMatching(/\d/)] },
    { page: 0xb1, title: 'block device characteristics', line: ['Medium Rotation Rate', expect.stringMatching(/\d/)] },
    { page: 0xb2, title: 'logical block provisioning', line: ['Threshold Exponent', expect.stringMatching(/\d/)] },
  ])('iscsi-inq reads the page of $title', async ({ page, line }) => {
    const inquiry = await iscsiInq(target.url(Lun.FILE), page);
    expect([...inquiry]).toContainEqual(line);
  });

  test.each(Object.values(Lun))('iscsi-readcapacity16 reads the size of unit %i', async (lun) => {
    const capacity = await iscsiReadCapacity16(target.url(lun));
    expect(capacity.get('RETURNED LOGICAL BLOCK ADDRESS')).toBe(`${UNIT_BYTES / blockBytes(lun) - 1}`);
    expect(capacity.get('LOGICAL BLOCK LENGTH IN BYTES')).toBe(`${blockBytes(lun)}`);
    expect(capacity.get('Total size')).toBe(`${UNIT_BYTES}`);
  });

  test.each([
    { depth: 1, blocks: 1, seconds: 1 },
    { depth: 32, blocks: 8, seconds: 2, random: true },
    { depth: 16, blocks: 2048, seconds: 2 },
  ])('iscsi-perf reads $blocks blocks at depth $depth', async (options) => {
    expect(await iscsiPerf(target.url(Lun.FILE), options)).toBeGreaterThan(0);
    expect(await iscsiPerf(target.url(Lun.MEMORY), options)).toBeGreaterThan(0);
  });
});
