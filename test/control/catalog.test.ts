import { existsSync, linkSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unitMemory } from '../../src/backend/memory.ts';
import { ConfigurationError } from '../../src/config/finding.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { Settings } from '../../src/config/settings.ts';
import { Catalog } from '../../src/control/catalog.ts';
import { Scratch } from '../support/scratch.ts';
import { LoopDevice, loopObstacle } from '../support/small-file-system.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('catalog');
});
afterEach(() => scratch[Symbol.dispose]());

function settingsOf(targets: unknown[]): Settings {
  const file = scratch.file('lunaring.json');
  writeFileSync(file, JSON.stringify({ targets }));
  const { settings, findings } = loadSettings({ file, environment: {}, workingDirectory: scratch.path });
  if (settings === null) throw new Error(JSON.stringify(findings));
  return settings;
}

function open(targets: unknown[], machineId = 'test'): Catalog {
  return new Catalog(settingsOf(targets), { machineId });
}

/** What is wrong, each as `path: remedy`. */
function complaints(targets: unknown[]): string[] {
  try {
    open(targets).close();
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.findings.map(({ path, remedy }) => `${path}: ${remedy}`);
    throw error;
  }
}

const target = (name: string, ...luns: unknown[]) => ({ name: `iqn.2026-11.com.example:${name}`, luns });
/** What is wrong with settings, where it is. */
function misplaced(settings: Settings): string[] {
  try {
    new Catalog(settings).close();
    return [];
  } catch (error) {
    return (error as ConfigurationError).findings.map(({ path }) => path);
  }
}

const MEMORY = { backend: 'memory', size: '1MiB' };
const descriptors = () => readdirSync('/proc/self/fd').length;

describe('targets', () => {
  test('are found whatever the case of the name', () => {
    const catalog = open([target('a', { lun: 0, ...MEMORY }), { ...target('b'), state: 'offline' }]);
    expect(catalog.find('IQN.2026-11.com.EXAMPLE:A')?.name).toBe('iqn.2026-11.com.example:a');
    expect(catalog.find('iqn.2026-11.com.example:b')).toMatchObject({ settings: { state: 'offline' }, luns: [] });
    expect(catalog.find('iqn.2026-11.com.example:c')).toBeUndefined();
    expect(catalog.find('nonsense')).toBeUndefined();
    catalog.close();
  });

  test('map LUNs in order to units that are unique in the process', () => {
    const units = [5, 0, 3].map((lun) => ({ lun, ...MEMORY }));
    const catalog = open([target('a', ...units), target('b', { lun: 0, ...MEMORY })]);
    const maps = catalog.targets.map(({ luns }) => luns);
    expect(maps.map((map) => map.map(([lun]) => lun))).toEqual([[0, 3, 5], [0]]);
    expect(new Set(maps.flat().map(([, unit]) => unit)).size).toBe(4);
    for (const [lun, id] of maps[0]!)
      expect(catalog.unit(id)).toMatchObject({ id, lun, targetName: 'iqn.2026-11.com.example:a' });
    catalog.close();
  });
});

describe('units', () => {
  test('of a file have its size, and a descriptor', () => {
    const catalog = open([target('a', { lun: 0, path: 'a.img', size: '8MiB' })]);
    expect(catalog.created).toEqual([scratch.file('a.img')]);
    expect(catalog.units).toMatchObject([
      {
        blockSize: 512,
        blockCount: 16384,
        readOnly: false,
        writeCache: true,
        thin: true,
        backend: { kind: 'file', path: scratch.file('a.img'), direct: true, canPunch: true, fd: expect.any(Number) },
      },
    ]);
    catalog.close();
  });

  test('of a file that is only read have no write cache and can’t be unmapped', () => {
    const path = scratch.file('a.img');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 20);
    const catalog = open([target('a', { lun: 0, path, readOnly: true })]);
    expect(catalog.units).toMatchObject([{ readOnly: true, writeCache: false, thin: false }]);
    catalog.close();
  });

  test('of memory have a buffer, and no cache to flush', () => {
    const catalog = open([target('a', { lun: 0, backend: 'memory', size: '1MiB', blockSize: 4096 })]);
    const unit = catalog.units[0]!;
    const backend = { kind: 'memory' };
    expect(unit).toMatchObject({ blockSize: 4096, blockCount: 256, writeCache: false, thin: true, backend });
    expect(catalog.store.memories.get(unit.id)?.byteLength).toBe(unitMemory(2 ** 20).byteLength);
    catalog.close();
  });

  test('of nothing have a size, and no cache to flush', () => {
    const catalog = open([target('a', { lun: 0, backend: 'null', size: '1TiB' })]);
    expect(catalog.units).toMatchObject([{ blockCount: 2 ** 31, writeCache: false, backend: { kind: 'null' } }]);
    catalog.close();
  });

  test('keep their names over restarts, and take those that are configured', () => {
    const targets = [
      target('a', { lun: 0, ...MEMORY }, { lun: 1, ...MEMORY, serial: 'DISK-7', naa: '5000000000000001' }),
    ];
    const names = () => {
      const catalog = open(targets);
      const found = catalog.units.map(({ serial, naa }) => [serial, naa]);
      catalog.close();
      return found;
    };
    expect(names()).toEqual(names());
    expect(names()[1]).toEqual(['DISK-7', '5000000000000001']);
    expect(names()[0]![0]).toMatch(/^LR[0-9a-f]{16}$/);
  });

  test('of the same path on two machines have different names', () => {
    const naaOn = (machine: string) => {
      const catalog = open([target('a', { lun: 0, ...MEMORY })], machine);
      const { naa } = catalog.units[0]!;
      catalog.close();
      return naa;
    };
    expect(naaOn('one')).not.toBe(naaOn('two'));
  });
});

describe('what is wrong', () => {
  test('is said of every unit at once, and nothing stays open', () => {
    const before = descriptors();
    const found = complaints([
      target('a', { lun: 0, path: 'good.img', size: '1MiB' }, { lun: 1, path: 'missing.img' }),
      target('b', { lun: 0, path: 'no/such.img', size: '1MiB' }),
    ]);
    expect(found.map((line) => line.split(':')[0])).toEqual(['targets[0].luns[1].path', 'targets[1].luns[0].path']);
    expect(descriptors()).toBe(before);
  });

  test('is said before any file stays that was made: another size may be asked for next', () => {
    const made = (name: string) => ({ path: scratch.file(name), size: '1MiB' });
    expect(complaints([target('a', { lun: 0, ...made('a.img') }, { lun: 1, path: '/nowhere/b.img' })])).toHaveLength(1);
    const catalog = open([target('a', { lun: 0, ...made('kept.img'), serial: 'one' })]);
    const [first] = catalog.targets;
    const twice = target('b', { lun: 0, ...made('b.img') }, { lun: 1, ...MEMORY, serial: 'one' });
    const [other] = settingsOf([twice]).targets;
    expect(() => catalog.add(other!)).toThrow(/a serial of its own/);
    expect(() => catalog.addUnit(first!, { ...other!.luns[0]!, lun: 1, serial: 'one' })).toThrow(/a serial of its own/);
    expect(readdirSync(scratch.path).filter((name) => name.endsWith('.img'))).toEqual(['kept.img']);
    expect(catalog.created).toEqual([scratch.file('kept.img')]);
    catalog.close();
  });

  test('one file as two units', () => {
    const found = complaints([target('a', { lun: 0, path: 'a.img', size: '1MiB' }, { lun: 1, path: './x/../a.img' })]);
    expect(found).toHaveLength(1);
    writeFileSync(scratch.file('a.img'), new Uint8Array(4096));
    linkSync(scratch.file('a.img'), scratch.file('b.img'));
    expect(complaints([target('a', { lun: 0, path: 'a.img' }), target('b', { lun: 0, path: 'b.img' })])).toHaveLength(
      1,
    );
    expect(
      complaints([target('a', { lun: 0, path: 'a.img', readOnly: true }), target('b', { lun: 0, path: 'b.img' })]),
    ).toHaveLength(1);
  });

  test('nothing, when both only read it', () => {
    writeFileSync(scratch.file('a.img'), new Uint8Array(4096));
    const reader = { path: 'a.img', readOnly: true };
    expect(complaints([target('a', { lun: 0, ...reader }), target('b', { lun: 0, ...reader })])).toEqual([]);
  });

  test('nothing, but the second reader of a file has no place to keep reservations in: the first one has it', () => {
    writeFileSync(scratch.file('a.img'), new Uint8Array(4096));
    const reader = { lun: 0, path: 'a.img', readOnly: true };
    const catalog = open([target('a', reader), target('b', reader)]);
    expect(catalog.units).toMatchObject([{ statePath: scratch.file('a.img') }, { statePath: null }]);
    catalog.close();
  });

  test('a writer beside a reader that is left of two', () => {
    writeFileSync(scratch.file('a.img'), new Uint8Array(4096));
    const reader = { lun: 0, path: 'a.img', readOnly: true };
    const writer = settingsOf([target('c', { lun: 0, path: 'a.img' })]).targets[0]!;
    const catalog = open([target('a', reader), target('b', reader)]);
    catalog.remove('iqn.2026-11.com.example:b')?.close();
    expect(() => catalog.add(writer)).toThrow(/also served as iqn\.2026-11\.com\.example:a LUN 0/);
    catalog.remove('iqn.2026-11.com.example:a')?.close();
    catalog.add(writer);
    catalog.close();
  });

  test('one world-wide name for two units', () => {
    const naa = '5000000000000001';
    const found = complaints([target('a', { lun: 0, ...MEMORY, naa }, { lun: 1, ...MEMORY, naa })]);
    expect(found).toHaveLength(1);
  });

  test('one serial number for two units: it is a designator of the unit, as the world-wide name is (SPC-5)', () => {
    const disk = { ...MEMORY, serial: 'disk1' };
    const found = complaints([target('a', { lun: 0, ...disk }), target('b', { lun: 7, ...disk })]);
    expect(found).toEqual(['targets[1].luns[0].serial: leave serial out, or change one of them']);
  });

  test('the serial number that another unit was given when it had none', () => {
    const catalog = open([target('a', { lun: 0, ...MEMORY })]);
    const { serial } = catalog.units[0]!;
    const [b] = settingsOf([target('b', { lun: 0, ...MEMORY, serial })]).targets;
    expect(() => catalog.add(b!)).toThrow(`${serial}, as iqn.2026-11.com.example:a LUN 0`);
    expect(catalog.units).toHaveLength(1);
    catalog.close();
  });
});

test('closing gives every descriptor back', () => {
  const before = descriptors();
  const catalog = open([target('a', { lun: 0, path: 'a.img', size: '1MiB' }, { lun: 1, path: 'b.img', size: '1MiB' })]);
  expect(descriptors()).toBe(before + 2);
  catalog.close();
  expect(descriptors()).toBe(before);
  expect(catalog.targets).toEqual([]);
  expect(existsSync(scratch.file('a.img'))).toBe(true);
});

describe('a state directory', () => {
  const naa = '3000000000000007';
  const settingsWith = (...targets: unknown[]): Settings => ({ ...settingsOf(targets), stateDirectory: scratch.path });

  test('has a place for each unit but those in regular files, which have it beside themselves', () => {
    writeFileSync(scratch.file('a.img'), new Uint8Array(4096));
    const [reader, memory] = [
      { path: 'a.img', readOnly: true },
      { ...MEMORY, naa },
    ];
    const luns = [reader, reader, memory, { backend: 'null', size: '1MiB' }].map((lun, index) => ({
      lun: index,
      ...lun,
    }));
    const catalog = new Catalog(settingsWith(target('a', ...luns)), { machineId: 'test' });
    const [first, second, third, fourth] = catalog.units;
    expect([first, second, third].map((unit) => unit?.statePath)).toEqual([
      scratch.file('a.img'),
      null,
      scratch.file(`naa.${naa}`),
    ]);
    expect(fourth!.statePath).toBe(scratch.file(`naa.${fourth!.naa}`));
    catalog.close();
  });

  test.skipIf(loopObstacle() !== null)('has the same place for a device that goes by another path', () => {
    using device = new LoopDevice(scratch.noise('disk', 4096));
    symlinkSync(device.path, scratch.file('other'));
    const places = [device.path, scratch.file('other')].map((path) => {
      const catalog = new Catalog(settingsWith(target('a', { lun: 0, path, naa, direct: false })));
      const [unit] = catalog.units;
      catalog.close();
      return unit?.statePath;
    });
    expect(places).toEqual([scratch.file(`naa.${naa}`), scratch.file(`naa.${naa}`)]);
  });

  test('that another has is refused beside all else that is wrong, and nothing stays open', () => {
    const missing = settingsWith(target('a', { lun: 0, path: 'missing.img' }));
    const before = descriptors();
    const held = new Catalog(settingsWith(target('a', { lun: 0, ...MEMORY })));
    expect(misplaced(missing)).toEqual(['stateDirectory', 'targets[0].luns[0].path']);
    held.close();
    expect(misplaced(missing)).toEqual(['targets[0].luns[0].path']);
    expect(descriptors()).toBe(before);
  });
});
