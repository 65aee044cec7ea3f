// libiscsi's conformance suite, one process for each test, with the verdicts that suite.yaml expects: all of it on one setting, the core
// of it on the others. A test that changes from passed to skipped is a failure here, though CUnit counts both alike.

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { MIB } from '../../src/config/limits.ts';
import { type CuVerdict, iscsiTestCu, listCuTests, missingClients } from '../support/clients.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const UNITS = { file: 0, memory: 1, removable: 2, 'read-only': 3, 'blocks-4k': 4, untouched: 5, chap: 0 } as const;
type Unit = keyof typeof UNITS;

/** Names by family by unit. */
type Table = Readonly<Partial<Record<Unit, Readonly<Record<string, readonly string[]>>>>>;

interface Exception {
  readonly unit: Unit;
  readonly reason: string;
  /** Option of the suite that this test is run without. */
  readonly withheld?: string;
}

interface Suite {
  readonly pass: Table;
  readonly skip: Readonly<Record<string, Exception>>;
  readonly fail: Readonly<Record<string, Exception>>;
  readonly also: Table;
  readonly core: Table;
}

const suite = parse(readFileSync(new URL('suite.yaml', import.meta.url), 'utf8')) as Suite;

/** One test on one unit. */
interface Expectation {
  readonly name: string;
  readonly unit: Unit;
  readonly verdict: CuVerdict;
  readonly withheld?: string | undefined;
}

function passing(table: Table): Expectation[] {
  return Object.entries(table).flatMap(([unit, families]) =>
    Object.entries(families).flatMap(([family, names]) =>
      names.map((name) => ({ name: `${family}.${name}`, unit: unit as Unit, verdict: 'passed' as const })),
    ),
  );
}

function exceptions(table: Readonly<Record<string, Exception>>, verdict: CuVerdict): Expectation[] {
  return Object.entries(table).map(([name, { unit, withheld }]) => ({ name, unit, verdict, withheld }));
}

const everything = [...passing(suite.pass), ...exceptions(suite.skip, 'skipped'), ...exceptions(suite.fail, 'failed')];

interface Setting {
  readonly engine: 'uring' | 'posix';
  readonly workers: number;
}
const MAIN: Setting = { engine: 'uring', workers: 1 };
const OTHERS: readonly Setting[] = [
  { engine: 'uring', workers: 2 },
  { engine: 'posix', workers: 1 },
  { engine: 'posix', workers: 2 },
];

/** `LUNARING_SUITE=whole`: every test on every setting, which takes some minutes. */
const WHOLE = process.env['LUNARING_SUITE'] === 'whole';

const CHAP_TARGET = 'iqn.2026-11.io.lunaring:chap';
const USER = 'alice';
const SECRET = 'twelve-chars-or-more';
/** More than one WRITE SAME may fill, so that the suite can ask for too much. */
const FILE_BYTES = 512 * MIB;
const UNIT_BYTES = 64 * MIB;

/** Every kind of unit that a family of tests is about, a target that asks for CHAP, and two portals, which are two ways to each unit. */
function startTarget(tuning: Setting): Promise<TargetProcess> {
  const memory = { backend: 'memory' as const, size: UNIT_BYTES };
  const luns = [
    { lun: UNITS.file, path: 'file.img', size: FILE_BYTES },
    { lun: UNITS.memory, ...memory, atomicWrites: true },
    { lun: UNITS.removable, path: 'removable.img', size: UNIT_BYTES, removable: true },
    { lun: UNITS['read-only'], ...memory, readOnly: true },
    { lun: UNITS['blocks-4k'], path: 'blocks-4k.img', size: UNIT_BYTES, blockSize: 4096 as const },
    { lun: UNITS.untouched, path: 'untouched.img', size: UNIT_BYTES },
  ];
  const auth = { method: 'chap' as const, users: [{ name: USER, secret: SECRET }] };
  return TargetProcess.start({
    portals: [
      { address: '127.0.0.1', port: 0, tag: 1 },
      { address: '127.0.0.1', port: 0, tag: 2 },
    ],
    targets: [
      { name: TARGET_NAME, luns },
      { name: CHAP_TARGET, auth, luns: [{ lun: UNITS.chap, ...memory, removable: true }] },
    ],
    tuning,
  });
}

/** Where the unit is, through the first portal or the second. */
function urlOf(target: TargetProcess, unit: Unit, portal: number): string {
  const address = `127.0.0.1:${target.ready.portals[portal]!.port}`;
  const [user, name] = unit === 'chap' ? [`${USER}%${SECRET}@`, CHAP_TARGET] : ['', TARGET_NAME];
  return `iscsi://${user}${address}/${name}/${UNITS[unit]}`;
}

function runAll(setting: Setting, expectations: readonly Expectation[]): void {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await startTarget(setting);
  });
  afterAll(() => target.stop());

  test.each(expectations)('$unit unit: $name $verdict', async ({ name, unit, verdict, withheld }) => {
    const secondUrl = name.startsWith('MultipathIO.') ? urlOf(target, unit, 1) : undefined;
    const report = await iscsiTestCu(`ALL.${name}`, urlOf(target, unit, 0), { secondUrl, withheld });
    expect(report.verdict, report.detail).toBe(verdict);
  });
}

describe.skipIf(missingClients().length > 0)('iscsi-test-cu', () => {
  test('each of its tests is expected once, and what is no pass has a reason', async () => {
    expect(everything.map(({ name }) => name).sort()).toEqual([...(await listCuTests())].sort());
    expect(Object.keys(suite.fail)).toHaveLength(1);
    for (const { reason } of Object.values({ ...suite.skip, ...suite.fail })) expect(reason).toMatch(/.{20}/);
  });

  describe('all of it, engine uring, 1 worker', () => runAll(MAIN, [...everything, ...passing(suite.also)]));

  const onOthers = WHOLE ? everything : passing(suite.core);
  describe.each(OTHERS)(`${WHOLE ? 'all' : 'the core'} of it, engine $engine, workers: $workers`, (setting) =>
    runAll(setting, onOthers),
  );
});
