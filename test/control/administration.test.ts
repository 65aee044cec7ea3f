import { statSync, symlinkSync, truncateSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { ConfigurationError } from '../../src/config/finding.ts';
import { settleTargetPart, settleUnitPart } from '../../src/config/part.ts';
import { StorageError } from '../../src/control/storage.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import { OperatedTarget } from './operated-target.ts';

const A = 'iqn.2026-11.com.example:a';
const B = 'iqn.2026-11.com.example:b';
const HOST = 'iqn.1993-08.org.debian:01:host';
const MIB = 2 ** 20;
const PORTALS = [{ address: '127.0.0.1', port: 3260, tag: 1, discovery: true }];

let target: OperatedTarget;
beforeEach(() => {
  target = new OperatedTarget([
    {
      name: A,
      luns: [
        { lun: 0, path: 'a.img', size: '1MiB' },
        { lun: 1, backend: 'memory', size: '1MiB' },
      ],
    },
    { name: B, luns: [] },
  ]);
});
afterEach(() => target[Symbol.dispose]());

const unitOf = (document: object) => settleUnitPart(document, PORTALS, target.scratch.path);
const targetOf = (document: object) => settleTargetPart(document, PORTALS, target.scratch.path);
/** The kinds of messages that workers heard. */
const heard = (): ToWorker['type'][] => target.heard.map(({ type }) => type);
const last = (): ToWorker => target.heard.at(-1)!;

describe('targets', () => {
  test('are added whole: workers know the units before anybody can log in', () => {
    const { administration } = target;
    const added = targetOf({ name: `${A}-new`, luns: [{ lun: 2, backend: 'null', size: '1MiB' }] });
    expect(administration.addTarget(added)).toMatchObject({ name: `${A}-new`, units: [{ lun: 2, bytes: MIB }] });
    expect(last()).toMatchObject({ type: 'unit', unit: { targetName: `${A}-new`, lun: 2 } });
    expect(administration.targets().map(({ name }) => name)).toEqual([A, B, `${A}-new`]);
  });

  test('are not added at all when something of them can’t be served', () => {
    const luns = [
      { lun: 0, backend: 'null', size: '1MiB' },
      { lun: 1, path: 'missing.img' },
    ];
    expect(() => target.administration.addTarget(targetOf({ name: `${A}-new`, luns }))).toThrow(ConfigurationError);
    expect(() => target.administration.addTarget(targetOf({ name: A, luns: [] }))).toThrow(/a name that no target has/);
    expect(target.administration.targets()).toHaveLength(2);
    expect(heard()).toEqual([]);
  });

  test('that come back limit initiators as they say, and not as those did that were removed', async () => {
    const { administration, meters, meterBook } = target;
    const limits = (iops: number) => [{ initiators: ['*'], iops, burstMs: 1000 }];
    administration.changeTarget(B, { initiatorLimits: limits(10) });
    target.logIn(HOST, B);
    await administration.removeTarget(B);
    administration.addTarget(targetOf({ name: B, luns: [], initiatorLimits: limits(50) }));
    const identity = { initiatorName: HOST, targetName: B, isid: '00023d000001', portalGroupTag: 1 };
    const meter = meterBook.ofInitiator(identity, limits(50));
    const passed = Array.from({ length: 100 }, () => meters.book(meter, 5000, 0)).filter((at) => at <= 5000);
    expect(passed).toHaveLength(51);
  });

  test('that come back before the sessions of those that go have ended keep the meters of their initiators', async () => {
    const { administration, meters, meterBook } = target;
    const limits = (iops: number) => [{ initiators: ['*'], iops, burstMs: 1000 }];
    administration.changeTarget(B, { initiatorLimits: limits(10) });
    target.logIn(HOST, B);
    const removed = administration.removeTarget(B);
    administration.addTarget(targetOf({ name: B, luns: [], initiatorLimits: limits(50) }));
    const identity = { initiatorName: HOST, targetName: B, isid: '00023d000001', portalGroupTag: 1 };
    const meter = meterBook.ofInitiator(identity, limits(50));
    await removed;
    expect(meters.open({ iops: 1, bandwidth: 0, burstMs: 0 })).not.toBe(meter);
    const passed = Array.from({ length: 100 }, () => meters.book(meter, 5000, 0)).filter((at) => at <= 5000);
    expect(passed).toHaveLength(51);
  });

  test('are found in any case, and changed', () => {
    const { administration, catalog } = target;
    expect(administration.changeTarget(A.toUpperCase(), { alias: 'first', sessionLimit: 2 })).toBe(true);
    expect(administration.setState(A, 'offline')).toBe(true);
    expect(administration.setRedirect(A, { address: '192.0.2.7', permanent: true })).toBe(true);
    expect(catalog.find(A)).toMatchObject({ settings: { state: 'offline', alias: 'first', sessionLimit: 2 } });
    expect(administration.servedTargets()[0]).toMatchObject({
      state: 'offline',
      redirect: { address: '192.0.2.7', permanent: true },
    });
    administration.setRedirect(A, null);
    expect(administration.servedTargets()[0]).not.toHaveProperty('redirect');
  });

  test('that get other portal groups tell of them by their units', () => {
    const { administration, catalog } = target;
    expect(administration.changeTarget(A, { portalGroups: [1, 7] })).toBe(true);
    expect(administration.target(A)).toMatchObject({ portalGroups: [1, 7] });
    expect(target.heard).toEqual(
      catalog.find(A)!.luns.map(([, id]) => ({
        type: 'unit',
        unit: expect.objectContaining({ id, portalGroups: [1, 7] }),
      })),
    );
    expect(target.heard.length).toBeGreaterThan(1);
  });

  test('that are removed end their sessions, and leave a tombstone', async () => {
    const { administration, tombstones, sessions } = target;
    const tsih = target.logIn(HOST, A);
    const other = target.logIn(HOST, B);
    expect(await administration.removeTarget(A)).toBe(true);
    expect(target.heard).toContainEqual(expect.objectContaining({ type: 'endSession', tsih, announced: true }));
    expect(heard().filter((type) => type === 'unitRemoved')).toHaveLength(2);
    expect([...sessions.all()].map((session) => session.tsih)).toEqual([other]);
    expect(tombstones.find(A)).toMatchObject({ portalGroups: [1] });
    // Its file is free.
    administration.addTarget(targetOf({ name: `${A}-again`, luns: [{ lun: 0, path: 'a.img' }] }));
  });

  test('that there are not are not changed', async () => {
    const { administration } = target;
    const unknown = `${A}-unknown`;
    expect(administration.target(unknown)).toBeUndefined();
    expect(administration.changeTarget(unknown, {})).toBe(false);
    expect(administration.setState(unknown, 'offline')).toBe(false);
    expect(administration.setRedirect(unknown, null)).toBe(false);
    expect(await administration.removeTarget(unknown)).toBe(false);
    expect(await administration.addUnit(unknown, unitOf({ lun: 0, backend: 'null', size: '1MiB' }))).toBe(false);
    expect(await administration.removeUnit(A, 7)).toBe(false);
    expect(administration.growUnit(A, 7, MIB)).toBe(false);
    expect(administration.limitUnit(unknown, 0, undefined)).toBe(false);
  });
});

describe('units', () => {
  test('are added and removed: first the unit, then the map; and the other way round', async () => {
    const { administration } = target;
    expect(await administration.addUnit(A, unitOf({ lun: 9, backend: 'null', size: '1MiB' }))).toBe(true);
    expect(heard()).toEqual(['unit', 'lunMap']);
    expect(last()).toMatchObject({
      targetName: A,
      luns: [
        [0, 0],
        [1, 1],
        [9, 2],
      ],
    });
    expect(await administration.removeUnit(A, 9)).toBe(true);
    expect(heard()).toEqual(['unit', 'lunMap', 'unitRemoved', 'lunMap']);
    expect(last()).toMatchObject({
      luns: [
        [0, 0],
        [1, 1],
      ],
    });
  });

  test.each([
    ['ENOTDIR', 'a.img/x'],
    ['ELOOP', 'loop'],
    ['ENAMETOOLONG', 'n'.repeat(256)],
  ])('at a path that can’t be looked at (%s) are refused in words', async (code, name) => {
    symlinkSync('loop', target.scratch.file('loop'));
    const added = target.administration.addUnit(A, unitOf({ lun: 9, path: name }));
    await expect(added).rejects.toThrow(ConfigurationError);
    await expect(added).rejects.toThrow(new RegExp(`received.*: ${code}`));
    const made = target.administration.addUnit(A, unitOf({ lun: 9, path: name, size: '1MiB' }));
    await expect(made).rejects.toThrow(ConfigurationError);
  });

  test('that are removed with their target’s successor in place change nothing of that one’s map', async () => {
    const { administration } = target;
    let synced!: () => void;
    target.sync = () => new Promise((resolve) => (synced = resolve));
    const removal = administration.removeUnit(A, 0);
    await expect.poll(() => synced).toBeDefined();
    await administration.removeTarget(A);
    administration.addTarget(
      settleTargetPart({ name: A, luns: [{ lun: 1, backend: 'null', size: '1MiB' }] }, PORTALS, '/'),
    );
    synced();
    expect(await removal).toBe(true);
    expect(heard()).toEqual(['unitRemoved', 'unitRemoved', 'unit']);
  });

  test('that are replaced keep their place in the map until another has come, or nothing does', async () => {
    const { administration, catalog } = target;
    const luns = () => catalog.find(A)!.luns;
    await administration.removeUnit(A, 0, true);
    expect([heard(), last()]).toMatchObject([['unitRemoved'], { replaced: true }]);
    expect([luns(), catalog.unitsOf(A).map(({ lun }) => lun)]).toEqual([
      [
        [0, NONE],
        [1, 1],
      ],
      [1],
    ]);
    await administration.addUnit(A, unitOf({ lun: 0, path: 'b.img', size: '1MiB' }));
    expect([heard(), luns()]).toEqual([
      ['unitRemoved', 'unit', 'reservation', 'lunMap'],
      [
        [0, 2],
        [1, 1],
      ],
    ]);
    const withdrawal = await administration.withdrawUnit(A, 0, true);
    truncateSync(target.scratch.file('b.img'), 0);
    await expect(withdrawal!.restore()).rejects.toThrow(ConfigurationError);
    expect([luns(), last()]).toMatchObject([[[1, 1]], { type: 'lunMap', luns: [[1, 1]] }]);
  });

  test('grow, with their files and their settings', () => {
    const { administration } = target;
    expect(administration.growUnit(A, 0, 2 * MIB)).toBe(true);
    expect(statSync(target.scratch.file('a.img')).size).toBe(2 * MIB);
    expect(last()).toMatchObject({ type: 'unit', unit: { blockCount: 4096 } });
    expect(administration.servedTargets()[0]!.luns[0]).toMatchObject({ size: 2 * MIB });
    expect(() => administration.growUnit(A, 0, MIB)).toThrow(StorageError);
    expect(() => administration.growUnit(A, 1, 2 * MIB)).toThrow(StorageError);
  });

  test('grow to the whole of their files: the next start would refuse less', () => {
    const { administration } = target;
    const path = target.scratch.file('a.img');
    const refused = (bytes: number | null) => expect(() => administration.growUnit(A, 0, bytes));
    truncateSync(path, 3 * MIB);
    refused(2 * MIB).toThrow(/3MiB; 3MiB and more; ask for what there is/);
    truncateSync(path, 3 * MIB + 1);
    refused(null).toThrow(/multiple of the block size/);
    expect(administration.target(A)!.units[0]).toMatchObject({ bytes: MIB });
    truncateSync(path, 3 * MIB);
    expect(administration.growUnit(A, 0, null)).toBe(true);
    expect(administration.servedTargets()[0]!.luns[0]).toMatchObject({ size: 3 * MIB });
  });

  test('are limited, and not', () => {
    const { administration } = target;
    administration.limitUnit(A, 0, { iops: 100, burstMs: 100 });
    expect(last()).toMatchObject({ unit: { meter: 0 } });
    expect(administration.target(A)!.units[0]).toMatchObject({ limits: { iops: 100 } });
    administration.limitUnit(A, 0, undefined);
    expect(last()).toMatchObject({ unit: { meter: -1 } });
    expect(administration.target(A)!.units[0]).toMatchObject({ limits: null });
  });
});

describe('sessions', () => {
  test('are listed, and ended', async () => {
    const { administration } = target;
    const tsih = target.logIn(HOST, A);
    expect(administration.sessions()).toMatchObject([{ tsih, initiatorName: HOST, targetName: A, worker: 0 }]);
    expect(administration.session(tsih)).toEqual(administration.sessions()[0]);
    expect(administration.sessionsOf(A.toUpperCase())).toEqual([tsih]);
    expect([...administration.sessionsOf(B), ...administration.sessionsOf(`${A}-unknown`)]).toEqual([]);
    expect(administration.target(A)).toMatchObject({ sessions: 1, connections: 1 });
    expect(await administration.endSession(tsih)).toBe(true);
    expect(administration.session(tsih)).toBeUndefined();
    expect(await administration.endSession(tsih)).toBe(false);
  });

  test('are limited where they are, when limits of initiators change', () => {
    const tsih = target.logIn(HOST, A);
    target.logIn(HOST, B);
    target.administration.changeTarget(A, { initiatorLimits: [{ initiators: ['*'], iops: 10, burstMs: 10 }] });
    const limited = target.heard.filter(({ type }) => type === 'sessionMeter');
    expect(limited).toEqual([{ type: 'sessionMeter', tsih, meter: expect.toSatisfy((meter: number) => meter >= 0) }]);
    target.administration.changeTarget(A, { initiatorLimits: [] });
    expect(last()).toEqual({ type: 'sessionMeter', tsih, meter: -1 });
  });
});

test('logins are refused while the target drains', () => {
  const { administration, admittance } = target;
  administration.drain('a new disk');
  expect([administration.draining, admittance.admit()]).toEqual([
    'a new disk',
    { kind: 'unavailable', reason: 'a new disk' },
  ]);
  administration.drain('');
  expect(admittance.admit()).toEqual({ kind: 'open' });
});
