// libiscsi's conformance suite, one process for each test, with the verdict that iscsi-test-cu.txt expects of each.
// A test that changes from passed to skipped is a failure here, though CUnit counts both alike.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CuVerdict, iscsiTestCu, missingClients } from '../support/clients.ts';
import type { TargetProcess } from '../support/target-process.ts';
import { Lun, MAIN_SETTING, startTarget } from './configurations.ts';

/** The units that the sections of the list are about. */
const UNITS: Readonly<Record<string, number>> = {
  file: Lun.FILE,
  memory: Lun.MEMORY,
  removable: Lun.REMOVABLE,
  'read-only': Lun.READ_ONLY,
  '4k': Lun.BLOCKS_4K,
};

interface Expectation {
  readonly name: string;
  readonly unit: string;
  readonly verdict: CuVerdict;
}

/** Lines of `[unit]`, or of `verdict name`; `#` begins a comment. */
function readList(): Expectation[] {
  const expectations: Expectation[] = [];
  let unit = '';
  for (const line of readFileSync(new URL('iscsi-test-cu.txt', import.meta.url), 'utf8').split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    const section = /^\[(.+)\]$/.exec(words[0]!);
    if (section !== null) unit = section[1]!;
    else if (words.length === 2) expectations.push({ unit, verdict: words[0] as CuVerdict, name: words[1]! });
  }
  return expectations;
}

describe.skipIf(missingClients().length > 0)('iscsi-test-cu', () => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await startTarget(MAIN_SETTING);
  });
  afterAll(() => target.stop());

  test.each(readList())(
    '$unit unit: $name $verdict',
    async ({ name, unit, verdict }) => {
      const url = target.url(UNITS[unit]!);
      // The second way to the same unit, for the tests that take two.
      const report = await iscsiTestCu(name, url, name.includes('MultipathIO') ? url : undefined);
      expect(report.verdict, report.detail).toBe(verdict);
    },
    60_000,
  );
});
