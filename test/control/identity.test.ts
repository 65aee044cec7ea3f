import { describe, expect, test } from 'vitest';
import { makeIdentity, Names, unitsOfCommonName } from '../../src/control/identity.ts';

const source = { machineId: 'abc', targetName: 'iqn.2026-11.com.example:a', lun: 0, path: '/srv/a.img' };

describe('a unit’s names', () => {
  test('are the same on every start', () => {
    // Written down, so that a new version can't rename disks by accident: initiators know them by these names.
    expect(makeIdentity(source)).toEqual({ serial: 'LRadf21bc911374f62', naa: '31313026af3c8108' });
  });

  test('have the form that VPD pages ask for', () => {
    const { serial, naa } = makeIdentity(source);
    expect(serial).toMatch(/^[\x21-\x7e]{1,32}$/);
    expect(naa).toMatch(/^3[0-9a-f]{15}$/);
  });

  test('differ with machine, target, LUN and path', () => {
    const others = [
      { machineId: 'abd' },
      { targetName: 'iqn.2026-11.com.example:b' },
      { lun: 1 },
      { path: '/srv/b.img' },
    ];
    const names = [source, ...others.map((change) => ({ ...source, ...change }))].map(makeIdentity);
    expect(new Set(names.map(({ serial }) => serial)).size).toBe(5);
    expect(new Set(names.map(({ naa }) => naa)).size).toBe(5);
  });
});

describe('the units that another machine’s may be taken for', () => {
  const lun = { lun: 0, backend: 'null', size: 2 ** 20, blockSize: 512, readOnly: false, removable: false } as const;
  const targets = [
    {
      name: 'iqn.2026-11.com.example:a',
      luns: [
        lun,
        { ...lun, lun: 1, serial: 'S1' },
        { ...lun, lun: 2, naa: '31' },
        { ...lun, lun: 3, serial: 'S3', naa: '33' },
      ],
    },
  ];
  const unnamed = [0, 1, 2].map((number) => `iqn.2026-11.com.example:a LUN ${number}`);

  test.each([
    ['a machine with an id', '0123456789abcdef0123456789abcdef', []],
    ['a container without one', '', unnamed],
    ['an image that has yet to boot', 'uninitialized', unnamed],
  ])('%s', (_, machineId, units) => {
    expect(unitsOfCommonName(targets, machineId)).toEqual(units);
  });
});

test('a name is taken for as long as the unit is there that has it', () => {
  const names = new Names();
  const one = { serial: 'one', naa: '3000000000000001' };
  names.add(one, 'a LUN 0');
  expect(names.taken({ ...one, serial: 'two' })).toEqual(['naa', 'a LUN 0']);
  expect(names.taken({ ...one, naa: '3000000000000002' })).toEqual(['serial', 'a LUN 0']);
  // What is a serial number may be a world-wide name elsewhere.
  expect(names.taken({ serial: one.naa, naa: one.serial })).toBeNull();
  names.remove(one);
  expect(names.taken(one)).toBeNull();
});
