// Reloads that can’t be carried out, of the real books: found out beforehand where that can be, and taken back with all that was in it where not.

import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigurationError } from '../../src/config/finding.ts';
import { loadSettings } from '../../src/config/load.ts';
import { LoginSettings } from '../../src/control/login-settings.ts';
import { Reload } from '../../src/control/reload.ts';
import { StorageError } from '../../src/control/storage.ts';
import { type NexusName, ReservationType, ReserveAction, type ReserveOrder } from '../../src/ring/reservations.ts';
import { Scratch } from '../support/scratch.ts';
import { FakePortals } from './fake-administration.ts';
import { OperatedTarget } from './operated-target.ts';

const A = 'iqn.2026-11.com.example:a';
const HOST = 'iqn.1993-08.org.debian:01:host';
const MIB = 2 ** 20;
const KEY = '00000000000000ab';
const NEXUS: NexusName = { initiatorName: HOST, isid: '00023d000001', portalGroupTag: 1 };
const STRANGER: NexusName = { ...NEXUS, initiatorName: `${HOST}-gone` };

const memory = { lun: 0, backend: 'memory', size: '1MiB' };
const file = { lun: 1, path: 'a.img', size: '1MiB' };
const luns = (...units: object[]) => [{ name: A, luns: units }];

let target: OperatedTarget;
beforeEach(() => {
  target = new OperatedTarget(luns(memory, file));
});
afterEach(() => {
  vi.restoreAllMocks();
  target[Symbol.dispose]();
});

function load(targets: readonly object[]) {
  const text = JSON.stringify({ targets });
  return loadSettings({ file: 'new.yaml', text, environment: {}, workingDirectory: target.scratch.path });
}

function reloadOf(targets: readonly object[]): Reload {
  const { administration, settings } = target;
  const listeners = new FakePortals(settings.portals).asPortals();
  const running = () => ({ administration, listeners, loginSettings: new LoginSettings(settings) });
  return new Reload({
    load: () => load(targets),
    settings,
    running,
    log: pino({ level: 'info' }, { write: () => {} }),
  });
}

/** Reloads, and answers what is wrong: path, and what is to be done. */
async function findings(targets: readonly object[]): Promise<string[][]> {
  const told = target.heard.length;
  const planned = () => reloadOf(targets).plan();
  expect(planned).toThrow(ConfigurationError);
  const error = await reloadOf(targets)
    .apply()
    .catch((failure: unknown) => failure);
  expect(error).toBeInstanceOf(ConfigurationError);
  // Nobody has heard of anything.
  expect(target.heard.slice(told)).toEqual([]);
  return (error as ConfigurationError).findings.map(({ path, remedy }) => [path, remedy]);
}

const unitAt = (lun: number) => target.catalog.unitAt(target.catalog.find(A)!, lun)!;
/** The bytes of the memory unit. */
function bytesOf(lun: number): Uint8Array {
  const { id } = unitAt(lun);
  return new Uint8Array(target.catalog.store.memories.get(id)!);
}

const ORDER: Omit<ReserveOrder, 'unit' | 'action'> = {
  nexus: NEXUS,
  key: KEY,
  serviceActionKey: KEY,
  type: ReservationType.EXCLUSIVE_ACCESS,
  others: [],
  allTargetPorts: false,
  aptpl: false,
  moveTo: null,
  unregister: false,
};

/** Has a command of an initiator carried out. */
async function order(lun: number, action: ReserveAction, more: Partial<ReserveOrder> = {}): Promise<void> {
  const answered = () => target.heard.filter(({ type }) => type === 'reserved').length;
  const before = answered();
  const known = reservationsOf(lun);
  const generation = known?.type === 'reservation' ? known.state.generation : 0;
  void target.reservations.order(0, 1, { ...ORDER, unit: unitAt(lun).id, action, ...more }, generation);
  await vi.waitFor(() => expect(answered()).toBe(before + 1));
  expect(target.heard.at(-1)).toMatchObject({ result: 'good' });
}

/** What workers were last told of who has reserved a unit. */
function reservationsOf(lun: number) {
  const { id } = unitAt(lun);
  return target.heard.findLast((message) => message.type === 'reservation' && message.unit === id);
}

function stateOf(lun: number) {
  const { id } = unitAt(lun);
  return target.heard.findLast((message) => message.type === 'unitState' && message.unit === id);
}

describe('a reload that can’t be carried out touches nothing', () => {
  test('where a unit is added whose file there is not, beside one that is replaced', async () => {
    const targets = luns({ ...memory, removable: true }, file, { lun: 2, path: 'nowhere/typo.img', size: '1MiB' });
    expect(await findings(targets)).toEqual([
      [`targets[${A}].luns[2].path`, `mkdir -p ${target.scratch.file('nowhere')}`],
    ]);
  });

  test('where a unit is to be shorter than it is served', async () => {
    target.administration.growUnit(A, 1, 2 * MIB);
    const targets = [{ name: A, alias: 'the first', luns: [memory, file] }];
    const remedy = `set size: 2MiB, or leave it out, to serve ${target.scratch.file('a.img')} as it is`;
    expect(await findings(targets)).toEqual([[`targets[${A}].luns[1].size`, remedy]]);
    expect(target.administration.target(A)).toMatchObject({ alias: '', units: [{}, { bytes: 2 * MIB }] });
  });

  test.each([
    ['the same', { ...file, removable: true }],
    ['another', { ...file, lun: 2 }],
  ])(
    'where a file was removed while it is served, until it is copied back: as %s unit it would come back empty',
    async (_, unit) => {
      const { backend } = unitAt(1);
      const fd = backend.kind === 'file' ? backend.fd : -1;
      const path = target.scratch.file('a.img');
      writeFileSync(path, 'what initiators wrote', { flag: 'r+' });
      rmSync(path);
      const open = `/proc/${process.pid}/fd/${fd}`;
      expect(await findings(luns(memory, unit))).toEqual([
        [
          `targets[${A}].luns[${unit.lun}].path`,
          `have its initiators stop writing, and copy it back with cp --sparse=always ${open} ${path}; or leave the unit as it is`,
        ],
      ]);
      copyFileSync(open, path);
      await reloadOf(luns(memory, unit)).apply();
      expect(readFileSync(path, 'latin1')).toMatch(/^what initiators wrote\0/);
    },
  );

  test('and says everything that is in its way, of targets too', async () => {
    writeFileSync(target.scratch.file('b.img'), new Uint8Array(MIB));
    writeFileSync(target.scratch.file('b.img.reservations.json'), 'nonsense');
    const more = [
      { lun: 0, path: 'c.img' },
      { lun: 3, path: 'a.img', size: '1MiB' },
    ];
    const targets = [
      { name: A, luns: [{ ...memory, removable: true }, file, { lun: 2, path: 'b.img' }] },
      { name: `${A}-new`, luns: [...more, { ...memory, lun: 4 }] },
    ];
    const fresh = `targets[${A}-new].luns`;
    expect((await findings(targets)).map(([path]) => path)).toEqual([
      `targets[${A}].luns[2].path`,
      `${fresh}[0].path`,
      `${fresh}[1].path`,
    ]);
  });

  test('where what is kept of a unit without a file can’t be read', async () => {
    using state = new Scratch('state');
    target[Symbol.dispose]();
    target = new OperatedTarget(luns(memory, file), { stateDirectory: state.path });
    writeFileSync(`${state.path}/naa.3000000000000007.mode.json`, 'nonsense');
    const added = { lun: 2, backend: 'memory', size: '1MiB', naa: '3000000000000007' };
    const remedy = 'mend the file that is named, or remove it: then nobody has reserved anything';
    expect(await findings(luns(memory, file, added))).toEqual([[`targets[${A}].luns[2].lun`, remedy]]);
  });

  test('where two that are new have one name, or one file', async () => {
    const named = { backend: 'memory', size: '1MiB', naa: '3000000000000001' };
    const numbered = { backend: 'memory', size: '1MiB', serial: 'DISK-7' };
    const twice = { path: 'new.img', size: '1MiB' };
    const units = [
      { lun: 2, ...named },
      { lun: 3, ...named },
      { lun: 4, ...twice },
      { lun: 5, ...twice },
      { lun: 6, ...numbered },
      { lun: 7, ...numbered },
    ];
    const paths = (await findings(luns(memory, file, ...units))).map(([path]) => path);
    expect(paths).toEqual(
      [3, 5, 7].map((lun, index) => `targets[${A}].luns[${lun}].${['naa', 'path', 'serial'][index]}`),
    );
    expect(existsSync(target.scratch.file('new.img'))).toBe(false);
  });
});

describe('a rehearsal holds up nothing that can be done', () => {
  test('units change places and files, also where we have them locked ourselves', async () => {
    const targets = luns({ ...memory, lun: 1 }, { ...file, lun: 0, readOnly: true });
    const { applied } = await reloadOf(targets).apply();
    expect(applied).toBe(true);
    expect(target.administration.target(A)!.units).toMatchObject([{ backend: 'file', readOnly: true }, {}]);
  });

  test('a serial number and a world-wide name go to another unit', async () => {
    const named = { ...memory, serial: 'DISK-7', naa: '3000000000000001' };
    await reloadOf(luns(named, file)).apply();
    await reloadOf(luns({ ...named, lun: 2 }, file)).apply();
    expect(unitAt(2)).toMatchObject({ serial: 'DISK-7', naa: '3000000000000001' });
    await reloadOf(luns({ ...memory, lun: 3, serial: 'DISK-7' }, file)).apply();
    expect(unitAt(3)).toMatchObject({ serial: 'DISK-7' });
  });

  test('a file goes to another unit that has it by another name', async () => {
    symlinkSync('a.img', target.scratch.file('link.img'));
    await reloadOf(luns(memory, { ...file, lun: 2, path: 'link.img' })).apply();
    expect(target.administration.target(A)!.units).toMatchObject([{ lun: 0 }, { lun: 2 }]);
  });

  test('what is served then is told of as the file has it: a save would not change a word', async () => {
    const { size: _, ...unsized } = file;
    const other = { name: `${A}-other`, luns: [] };
    for (const targets of [luns(unsized, memory), [other, ...luns({ ...file, size: '2MiB' }, memory)], luns(file)]) {
      truncateSync(target.scratch.file('a.img'), MIB);
      await reloadOf(targets).apply();
      expect(target.administration.servedTargets()).toEqual(load(targets).settings!.targets);
    }
  });

  test('what is freed by hand is served in its new size, and files grow', async () => {
    truncateSync(target.scratch.file('a.img'), MIB / 2);
    await reloadOf(luns(memory, { ...file, size: MIB / 2 })).apply();
    await reloadOf(luns(memory, { ...file, size: '3MiB' })).apply();
    expect(statSync(target.scratch.file('a.img')).size).toBe(3 * MIB);
  });

  test('a file that is only read grows by hand, and nothing is touched before it has', async () => {
    const read = (size: string) => luns(memory, { ...file, readOnly: true, size });
    await reloadOf(read('1MiB')).apply();
    expect(await findings(read('2MiB'))).toEqual([
      [`targets[${A}].luns[1].size`, 'make the file or device longer first'],
    ]);
    truncateSync(target.scratch.file('a.img'), 2 * MIB);
    await reloadOf(read('2MiB')).apply();
    expect(unitAt(1)).toMatchObject({ blockCount: 4096 });
  });

  test('memory that nobody needs any more is given back', async () => {
    const bytes = bytesOf(0).fill(0x5a);
    await reloadOf(luns({ ...memory, removable: true }, file)).apply();
    expect(bytesOf(0).every((byte) => byte === 0)).toBe(true);
    expect(bytes.subarray(4096, -4096).every((byte) => byte === 0)).toBe(true);
  });
});

describe('a reload that fails all the same', () => {
  const refused = new StorageError('path', 'a.img: EIO', 'a disk', 'see the log');

  test('puts units back, with content, reservations and state', async () => {
    bytesOf(0).fill(0x5a);
    await order(1, ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY);
    await order(1, ReserveAction.RESERVE);
    const control = { kind: 'control', save: false, descriptorSense: true, writeProtected: true } as const;
    await target.unitStates.order(0, 1, { unit: unitAt(0).id, by: NEXUS, change: control });
    vi.spyOn(target.administration, 'addUnit').mockRejectedValueOnce(refused);
    const targets = luns({ ...memory, removable: true }, { ...file, serial: 'NEW1' });
    await expect(reloadOf(targets).apply()).rejects.toThrow(/a\.img: EIO/);
    expect(target.administration.target(A)!.units).toMatchObject([{ removable: false }, { bytes: MIB }]);
    expect(bytesOf(0).every((byte) => byte === 0x5a)).toBe(true);
    expect(reservationsOf(1)).toMatchObject({
      state: {
        registrations: [{ nexus: NEXUS, key: KEY }],
        type: ReservationType.EXCLUSIVE_ACCESS,
        holder: 0,
        aptpl: false,
      },
    });
    expect(stateOf(0)).toMatchObject({ state: { descriptorSense: true, writeProtected: true } });
    // As if nothing had been: the next one is carried out.
    expect(await reloadOf(luns(memory, file)).apply()).toMatchObject({ changes: [] });
  });

  test('keeps what initiators hold that are still there, and frees what others held', async () => {
    target.logIn(HOST, A);
    await order(1, ReserveAction.RESERVE_6);
    for (const by of [NEXUS, STRANGER]) {
      await target.unitStates.order(0, 1, { unit: unitAt(1).id, by, change: { kind: 'prevent' } });
    }
    await order(0, ReserveAction.RESERVE_6, { nexus: STRANGER });
    vi.spyOn(target.administration, 'addUnit').mockRejectedValueOnce(refused);
    const targets = luns({ ...memory, removable: true }, { ...file, serial: 'NEW1' });
    await expect(reloadOf(targets).apply()).rejects.toThrow(ConfigurationError);
    expect(reservationsOf(1)).toMatchObject({ state: { reservedBy: NEXUS } });
    expect(reservationsOf(0)).toMatchObject({ state: { reservedBy: null } });
    const unit = unitAt(1).id;
    await target.unitStates.order(0, 2, { unit, by: STRANGER, change: { kind: 'eject' } });
    await target.unitStates.order(0, 3, { unit, by: NEXUS, change: { kind: 'allow' } });
    await target.unitStates.order(0, 4, { unit, by: STRANGER, change: { kind: 'eject' } });
    const results = target.heard.flatMap((each) => (each.type === 'stateChanged' ? [each.result] : []));
    expect(results.slice(-3)).toEqual(['prevented', 'good', 'good']);
  });

  test('puts a target back that made room', async () => {
    bytesOf(0).fill(0x5a);
    await order(1, ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY);
    target.administration.setState(A, 'offline');
    vi.spyOn(target.administration, 'addTarget').mockImplementationOnce(() => {
      throw refused;
    });
    await expect(reloadOf([{ name: `${A}-new`, luns: [file] }]).apply()).rejects.toThrow(ConfigurationError);
    expect(target.administration.targets()).toMatchObject([{ name: A, state: 'offline' }]);
    expect(bytesOf(0).every((byte) => byte === 0x5a)).toBe(true);
    expect(reservationsOf(1)).toMatchObject({ state: { registrations: [{ key: KEY }] } });
  });
});
