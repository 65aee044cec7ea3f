// The ids of units: everything that workers share about a unit is found by one, and there are only so many.

import { describe, expect, it } from 'vitest';
import type { LunSettings, TargetSettings } from '../../src/config/settings.ts';
import { UnitStore } from '../../src/control/unit-store.ts';
import { LostWrites } from '../../src/ring/lost-writes.ts';
import { UNITS_MAX } from '../../src/ring/turns.ts';

const EIO = 5;
const TARGET = { name: 'iqn.2026-11.io.lunaring:t', portalGroups: [1] } as unknown as TargetSettings;
const NOTHING = {
  lun: 0,
  backend: 'null',
  size: 512,
  blockSize: 512,
  readOnly: false,
  removable: false,
} as LunSettings;
const MISSING = { ...NOTHING, backend: 'file', path: '/nowhere/disk', direct: false } as LunSettings;

let made = 0;

/** Like no other in its names. */
function another(): LunSettings {
  made += 1;
  return { ...NOTHING, serial: `s${made}`, naa: `3${String(made).padStart(15, '0')}` };
}

function store(options: { lostWrites?: LostWrites } = {}): UnitStore {
  return new UnitStore({ machineId: 'test', ...options });
}

describe('the id of a unit', () => {
  it('is not used up by a unit that can not be opened', () => {
    const units = store();
    for (let count = 1; count < UNITS_MAX; count++) units.open(TARGET, another());
    for (let attempt = 0; attempt < 3; attempt++) expect(() => units.open(TARGET, MISSING)).toThrow('ENOENT');
    expect(units.open(TARGET, another()).id).toBeLessThan(UNITS_MAX);
  });

  it('is had again by another, late, once nobody knows the first any more', () => {
    const units = store();
    const first = units.open(TARGET, another());
    const ids = new Set([first.id]);
    for (let turn = 1; turn < UNITS_MAX; turn++) {
      const unit = units.open(TARGET, another());
      ids.add(unit.id);
      units.forget(unit);
      units.closeStorage(unit);
    }
    expect(ids.size).toBe(UNITS_MAX);
    // The first has its id still, though nobody finds it any more: workers may.
    units.forget(first);
    const second = units.open(TARGET, another());
    expect(second.id).not.toBe(first.id);
    expect(second.id).toBeLessThan(UNITS_MAX);
  });

  it('is refused in words when all are taken, and had when one is given back', () => {
    const units = store();
    const all = Array.from({ length: UNITS_MAX }, () => units.open(TARGET, another()));
    expect(() => units.open(TARGET, another())).toThrow(
      '0, with 65536 units open; fewer units at a time; remove units that nobody needs, or serve this one from another process',
    );
    units.forget(all[7]!);
    units.closeStorage(all[7]!);
    expect(units.open(TARGET, another()).id).toBe(all[7]!.id);
  });

  it('does not bring the lost writes of who had it before', () => {
    const lostWrites = LostWrites.create();
    const units = store({ lostWrites });
    lostWrites.note(0, EIO);
    const unit = units.open(TARGET, another());
    expect({ id: unit.id, loss: units.lossOf(unit) }).toEqual({ id: 0, loss: 0 });
  });
});
