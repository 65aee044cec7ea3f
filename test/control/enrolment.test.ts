// What is remembered of units that were taken out and may come back: the kernel tells once that writes were lost, and not who opens the file next.
// And units that can't come.

import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CustomDisk } from '../../src/config/custom-lun.ts';
import { loadSettings } from '../../src/config/load.ts';
import type { LunSettings } from '../../src/config/settings.ts';
import { LoginSettings } from '../../src/control/login-settings.ts';
import { Reload } from '../../src/control/reload.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import { FakePortals } from './fake-administration.ts';
import { OperatedTarget } from './operated-target.ts';

const { EIO, ENOSPC } = constants.errno;
const A = 'iqn.2026-11.com.example:a';
const B = 'iqn.2026-11.com.example:b';
const LUN = { lun: 0, path: 'a.img', size: '1MiB', direct: false };
const OTHER = { ...LUN, lun: 1, path: 'b.img' };

let target: OperatedTarget;
beforeEach(() => {
  target = new OperatedTarget([{ name: A, luns: [LUN, OTHER] }]);
});
afterEach(() => target[Symbol.dispose]());

const unitAt = (lun: number, name = A) => target.catalog.unitAt(target.catalog.find(name)!, lun)!;
const lossAt = (lun: number, name = A): number => target.catalog.store.lossOf(unitAt(lun, name));
const settingsOf = (lun: number): LunSettings => target.settings.targets[0]!.luns.find((each) => each.lun === lun)!;

/** A worker finds out. */
const lose = (lun: number, errno: number) => target.lostWrites.note(unitAt(lun).id, errno);

/** Serves these targets instead. */
function reload(targets: readonly object[]): Promise<unknown> {
  const { administration, settings, scratch } = target;
  const file = scratch.file('lunaring.json');
  writeFileSync(file, JSON.stringify({ targets }));
  const listeners = new FakePortals(settings.portals).asPortals();
  const loginSettings = new LoginSettings(settings);
  return new Reload({
    load: () => loadSettings({ file, environment: {}, workingDirectory: scratch.path }),
    settings,
    running: () => ({ administration, listeners, loginSettings }),
    log: pino({}, { write: () => {} }),
  }).apply();
}

describe('a unit that lost writes', () => {
  test('has lost them still when it is put back; the one beside it has not', async () => {
    lose(0, ENOSPC);
    for (const lun of [0, 1]) await (await target.administration.withdrawUnit(A, lun))!.restore();
    expect([lossAt(0), lossAt(1)]).toEqual([ENOSPC, 0]);
  });

  test('has lost them still when its target is put back', async () => {
    lose(0, ENOSPC);
    const withdrawal = await target.administration.withdrawTarget(A);
    await withdrawal!.restore();
    expect([lossAt(0), lossAt(1)]).toEqual([ENOSPC, 0]);
  });

  test('by the sync at which it was taken out has lost them when it is put back', async () => {
    target.sync = () => Promise.reject(Object.assign(new Error('ENOSPC'), { errno: -ENOSPC }));
    const withdrawal = await target.administration.withdrawUnit(A, 0);
    await withdrawal!.restore();
    expect(lossAt(0)).toBe(ENOSPC);
  });

  test('is well when it was removed and is added', async () => {
    lose(0, EIO);
    await target.administration.removeUnit(A, 0);
    await target.administration.addUnit(A, settingsOf(0));
    expect(lossAt(0)).toBe(0);
  });

  test('is well when it is removed and added after it was put back, or could not be', async () => {
    const { administration } = target;
    lose(0, EIO);
    const first = await administration.withdrawUnit(A, 0);
    await first!.restore();
    const second = await administration.withdrawUnit(A, 0);
    await administration.addUnit(A, settingsOf(0));
    await expect(second!.restore()).rejects.toThrow();
    expect(lossAt(0)).toBe(EIO);
    await administration.removeUnit(A, 0);
    await administration.addUnit(A, settingsOf(0));
    expect(lossAt(0)).toBe(0);
  });
});

describe('a unit that takes the place of one that lost writes', () => {
  test('in the same file has lost them, under whatever number, and in another has not', async () => {
    const { administration } = target;
    lose(0, EIO);
    const withdrawal = await administration.withdrawUnit(A, 0);
    await administration.addUnit(A, { ...settingsOf(0), lun: 7 });
    await administration.addUnit(A, { ...settingsOf(0), path: target.scratch.file('c.img') } as LunSettings);
    withdrawal!.release();
    expect([lossAt(7), lossAt(0)]).toEqual([EIO, 0]);
  });

  test('loses some itself, and makes way for it again: that has lost them then', async () => {
    const { administration } = target;
    const withdrawal = await administration.withdrawUnit(A, 0);
    await administration.addUnit(A, settingsOf(0));
    lose(0, EIO);
    await administration.removeUnit(A, 0);
    await withdrawal!.restore();
    expect(lossAt(0)).toBe(EIO);
  });

  test('by a reload has lost them, until it is removed and added', async () => {
    const { administration } = target;
    for (const [lun, errno] of [EIO, ENOSPC].entries()) lose(lun, errno);
    await reload([
      { name: A, luns: [{ ...LUN, removable: true }] },
      { name: B, luns: [OTHER] },
    ]);
    expect({ removable: unitAt(0).removable, losses: [lossAt(0), lossAt(1, B)] }).toEqual({
      removable: true,
      losses: [EIO, ENOSPC],
    });
    const replaced = { ...settingsOf(0), removable: true };
    await administration.removeUnit(A, 0);
    await administration.addUnit(A, replaced);
    expect(lossAt(0)).toBe(0);
  });
});

describe('a unit that comes back', () => {
  const image = () => target.scratch.file('a.img');
  const numbers = () => target.administration.target(A)?.units.map(({ lun }) => lun);

  test('finds its file removed, as a reload failed half-way: it is not made anew, empty', async () => {
    mkdirSync(target.scratch.file('new'));
    target.sync = async () => {
      for (const path of [image(), target.scratch.file('new')]) rmSync(path, { recursive: true });
    };
    await expect(reload([{ name: A, luns: [{ ...LUN, path: 'new/a.img' }, OTHER] }])).rejects.toThrow('ENOENT');
    expect([existsSync(image()), numbers()]).toEqual([false, [1]]);
  });

  test('with its target, finds another file in the place of its own', async () => {
    const withdrawal = await target.administration.withdrawTarget(A);
    // Beside it, and so another.
    writeFileSync(`${image()}.new`, Buffer.alloc(2 ** 20));
    renameSync(`${image()}.new`, image());
    await expect(withdrawal!.restore()).rejects.toThrow('removed or replaced');
    expect(numbers()).toBeUndefined();
  });
});

describe('a unit on a disk that some worker can not be connected with', () => {
  const disk: CustomDisk = {
    canWrite: true,
    canFlush: true,
    canUnmap: true,
    concurrency: 1,
    timeoutMs: 1000,
    connect: () => {},
    onLost: () => {},
  };
  const custom: LunSettings = {
    lun: 7,
    backend: 'custom',
    size: 65536,
    blockSize: 512,
    readOnly: false,
    removable: false,
    disk,
  };

  test('is not added: workers that know it forget it, and it can be added later', async () => {
    const { administration } = target;
    target.connectDisk = (worker) => {
      if (worker === 1) throw new Error('EMFILE');
    };
    await expect(administration.addUnit(A, custom)).rejects.toThrow('EMFILE');
    expect(administration.target(A)!.units.map(({ lun }) => lun)).toEqual([0, 1]);
    const [told, forgotten] = ['unit', 'unitRemoved'].map((type) => target.heard.filter((each) => each.type === type));
    expect(told).toMatchObject([{ unit: { lun: 7 } }]);
    expect(forgotten).toMatchObject([{ id: (told![0] as Extract<ToWorker, { type: 'unit' }>).unit.id }]);
    target.connectDisk = () => {};
    expect(await administration.addUnit(A, custom)).toBe(true);
  });

  test('is not added with its target', () => {
    const { administration } = target;
    target.connectDisk = () => {
      throw new Error('EMFILE');
    };
    const settings = { ...target.settings.targets[0]!, name: B, luns: [custom] };
    expect(() => administration.addTarget(settings)).toThrow('EMFILE');
    expect(administration.target(B)).toBeUndefined();
  });
});
