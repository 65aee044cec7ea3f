// What a program does to its target while initiators use it: units and targets with disks come, grow and go.

import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { LunOptions } from '../../src/library/options.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { read10, readCapacity16, reportLuns, testUnitReady } from '../support/cdbs.ts';
import { copyOfStart, extendedCopy } from '../support/copy-lists.ts';
import { accepts } from '../support/daemon.ts';
import { lunField } from '../support/header-values.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME } from '../support/target-process.ts';
import { BLOCK, BLOCKS, ConfigurationError, createTarget, readableLog, ToldDisk } from './program.ts';

const SIZE = BLOCK * BLOCKS;

type Served = Awaited<ReturnType<typeof start>>;

function start(log = readableLog().log) {
  return createTarget({
    portals: [{ address: '127.0.0.1', port: 0 }],
    tuning: { workers: 2, slabMiB: 16 },
    targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: SIZE }] }],
    log,
  });
}

interface Held {
  readonly disk: ToldDisk;
  letGo(): void;
}

/** A disk whose functions of that name take until they are let go. */
function heldDisk(name: string): Held {
  const disk = new ToldDisk();
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  disk.before = (operation) => (operation === name ? held : undefined);
  return { disk, letGo };
}

/** Disks whose flush takes until they are let go. */
function heldDisks(): [Held, Held, Held] {
  return [heldDisk('flush'), heldDisk('flush'), heldDisk('flush')];
}

type CustomUnit = Extract<LunOptions, { readonly backend: 'custom' }>;

/** The module of a disk that says in files how far it is, and is loaded once it is told so. */
const SLOW_MODULE = `
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
export default async ({ loading, go, closed }) => {
  writeFileSync(loading, '');
  while (!existsSync(go)) await sleep(20);
  return { read() {}, close: () => writeFileSync(closed, '') };
};`;

/** Nothing is left to do but for the disks. */
function stopped(target: Served) {
  const { port } = target.portals[0]!;
  return expect.poll(() => accepts(port), { timeout: 20_000 }).toBe(false);
}

describe('a target that is served', () => {
  test('gets units, which initiators find, and loses them', async () => {
    await using target = await start();
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    const disk = new ToldDisk();
    disk.bytes.fill(0x77);
    const unit = { lun: 5, backend: 'custom', size: SIZE, disk } as const;
    expect(await target.addUnit(TARGET_NAME.toUpperCase(), unit)).toBe(true);
    expect(target.target(TARGET_NAME)!.units.map(({ lun, backend }) => [lun, backend])).toEqual([
      [0, 'memory'],
      [5, 'custom'],
    ]);
    const changed = await initiator.command(testUnitReady());
    expect(changed.sense).toMatchObject({ key: 0x6, additional: 0x3f0e });
    expect((await initiator.command(reportLuns(64), { read: 64 })).data.readUInt32BE(0)).toBe(16);
    await initiator.command(testUnitReady(), { lun: 5 });
    const { data } = await initiator.command(read10(0, 1), { lun: 5, read: BLOCK });
    expect(data.equals(Buffer.alloc(BLOCK, 0x77))).toBe(true);
    expect(await target.removeUnit(TARGET_NAME, 5)).toBe(true);
    expect(disk.calls).toEqual(['read 0+1', 'flush', 'close']);
    expect(await target.removeUnit(TARGET_NAME, 5)).toBe(false);
  });

  test('refuses a unit whose number is taken, and closes its disk', async () => {
    await using target = await start();
    const disk = new ToldDisk();
    const unit = { lun: 0, backend: 'custom', size: SIZE, disk } as const;
    await expect(target.addUnit(TARGET_NAME, unit)).rejects.toThrow(/a number that no unit of the target has/);
    expect(disk.calls).toEqual(['flush', 'close']);
    expect(await target.addUnit('iqn.2026-11.io.lunaring:nobody', unit)).toBe(false);
    await expect(target.addUnit(TARGET_NAME, { ...unit, lun: -1 })).rejects.toThrow(/ConfigurationError|lun/);
    const wrong = target.addUnit(TARGET_NAME, { ...unit, lun: 5, disk: {} as never });
    await expect(wrong).rejects.toMatchObject({ findings: [{ path: 'luns[0].disk' }] });
  });

  test('gets targets, and loses them with their sessions', async () => {
    await using target = await start();
    const disk = new ToldDisk();
    const name = 'iqn.2026-11.io.lunaring:later';
    const luns = [{ lun: 0, backend: 'custom', size: SIZE, disk }] as const;
    expect((await target.addTarget({ name, luns })).name).toBe(name);
    await expect(target.addTarget({ name, luns })).rejects.toThrow(/a name that no target has/);
    expect(disk.calls.splice(0)).toEqual(['flush', 'close']);
    using initiator = await RawInitiator.logIn(target.portals[0]!.port, { target: name });
    expect(target.sessions()).toHaveLength(1);
    expect(await target.removeTarget(name)).toBe(true);
    expect(disk.calls).toEqual(['flush', 'close']);
    expect(target.sessions()).toEqual([]);
    expect(await target.removeTarget(name)).toBe(false);
    const late = await (await RawInitiator.connect(target.portals[0]!.port)).login({ target: name });
    expect(late.status).toBe(0x0204);
    expect(initiator.session.tsih).not.toBe(0);
  });

  test('leaves the disk open that comes in the place of one that is still closing', async () => {
    await using target = await start();
    const name = 'iqn.2026-11.io.lunaring:later';
    const [unit, first, second, third] = [{ lun: 0, backend: 'custom', size: SIZE } as const, ...heldDisks()];
    await target.addTarget({ name, luns: [{ ...unit, disk: first.disk }] });
    // Its settings are others than those that it came with.
    target.limitUnit(name, 0, { iops: 1000, burstMs: 100 });
    const removal = target.removeUnit(name, 0);
    await target.addUnit(name, { ...unit, disk: second.disk });
    first.letGo();
    expect(await removal).toBe(true);
    expect([first.disk.calls, second.disk.calls]).toEqual([['flush', 'close'], []]);
    const targetRemoval = target.removeTarget(name);
    await target.addTarget({ name, luns: [{ ...unit, disk: third.disk }] });
    second.letGo();
    expect(await targetRemoval).toBe(true);
    expect([second.disk.calls, third.disk.calls]).toEqual([['flush', 'close'], []]);
    using initiator = await RawInitiator.logIn(target.portals[0]!.port, { target: name });
    expect((await initiator.command(read10(0, 1), { read: BLOCK })).status).toBe(0);
    third.letGo();
  });

  test('says what is wrong with what is added as if it had been there from the start', async () => {
    await using target = await start();
    const name = 'iqn.2026-11.io.lunaring:later';
    const wrong: [path: string, added: Promise<unknown>][] = [
      ['options', target.addTarget(undefined as never)],
      ['name', target.addTarget({ name: TARGET_NAME, luns: [] })],
      ['luns[0].size', target.addTarget({ name, luns: [{ lun: 0, backend: 'memory', size: 1 }] })],
      ['options', target.addUnit(TARGET_NAME, null as never)],
      ['lun', target.addUnit(TARGET_NAME, { lun: 0, backend: 'memory', size: SIZE })],
      ['path', target.addUnit(TARGET_NAME, { lun: 1, path: '/nowhere/disk.img' })],
      ['name', target.addUnit(undefined as never, { lun: 1, backend: 'memory', size: SIZE })],
      ['name', target.removeTarget(undefined as never)],
      ['name', target.removeUnit(undefined as never, 0)],
    ];
    for (const [path, added] of wrong) {
      await expect(added).rejects.toThrow(ConfigurationError);
      await expect(added).rejects.toMatchObject({ findings: [{ path, origin: 'the program' }] });
    }
  });

  test('grows a unit', async () => {
    await using target = await start();
    const disk = new ToldDisk();
    await target.addUnit(TARGET_NAME, { lun: 1, backend: 'custom', size: SIZE, disk });
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    await initiator.command(testUnitReady(), { lun: 1 });
    expect(target.growUnit(TARGET_NAME, 1, 2 * SIZE)).toBe(true);
    // The worker hears of it by itself, and has the initiator hear of the change once instead of the capacity.
    const lastBlock = async (): Promise<bigint | null> => {
      const { data } = await initiator.command(readCapacity16(), { lun: 1, read: 32 });
      return data.length === 0 ? null : data.readBigUInt64BE(0);
    };
    await expect.poll(lastBlock, { timeout: 20_000 }).toBe(BigInt(2 * BLOCKS - 1));
    expect(() => target.growUnit(TARGET_NAME, 1, SIZE)).toThrow(/at least/);
  });

  test('limits a unit, with the burst of the configuration where none is given', async () => {
    await using target = await start();
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    expect(target.limitUnit(TARGET_NAME, 0, { iops: 1000 })).toBe(true);
    for (let round = 0; round < 150; round++) {
      expect((await initiator.command(read10(0, 1), { read: BLOCK })).status).toBe(0);
    }
    expect(target.limitUnit(TARGET_NAME, 0, { bandwidth: '64MiB' })).toBe(true);
    expect(target.limitUnit(TARGET_NAME, 0, undefined)).toBe(true);
    expect((await initiator.command(read10(0, 1), { read: BLOCK })).status).toBe(0);
  });

  test.each<[string, (target: Served) => unknown, RegExp]>([
    ['limits of no I/Os', (target) => target.limitUnit(TARGET_NAME, 0, { iops: 0 }), /limits\.iops.*\n.*0\n.*from 10/],
    ['limits below the least', (target) => target.limitUnit(TARGET_NAME, 0, { iops: 9 }), /limits\.iops/],
    ['limits as text', (target) => target.limitUnit(TARGET_NAME, 0, { iops: '100' as never }), /limits\.iops/],
    ['limits that are none', (target) => target.limitUnit(TARGET_NAME, 0, null as never), /limits/],
    [
      'a limit of another name',
      (target) => target.limitUnit(TARGET_NAME, 0, { iop: 100 } as never),
      /did you mean iops/,
    ],
    ['a size that is none', (target) => target.growUnit(TARGET_NAME, 0, Number.NaN), /bytes/],
    ['a size beyond the largest', (target) => target.growUnit(TARGET_NAME, 0, 2 ** 53), /bytes.*\n.*\n.*4096TiB/],
    ['no name', (target) => target.setState(undefined as never, 'offline'), /name.*\n.*nothing\n.*name of a target/],
    ['a name of another type', (target) => target.target(3 as never), /name.*\n.*received {2}3\n/],
    ['a size left out', (target) => target.growUnit(TARGET_NAME, 0, undefined as never), /bytes/],
    ['a state of another name', (target) => target.setState(TARGET_NAME, 'of line' as never), /did you mean offline/],
    ['a redirect to nowhere', (target) => target.setRedirect(TARGET_NAME, { address: '' }), /redirect\.address/],
    ['a reason of two lines', (target) => target.drain('a\nb'), /reason.*\n.*\n.*255 bytes of text/],
    ['a reason left out', (target) => target.drain(undefined as never), /reason.*\n.*nothing\n.*255 bytes of text/],
    ['a size of another type', (target) => target.growUnit(TARGET_NAME, 0, 1n as never), /bytes.*\n.*received {2}1\n/],
    ['a smaller size', (target) => target.growUnit(TARGET_NAME, 0, SIZE / 2), /bytes.*\n.*received.*\n.*at least/],
  ])('refuses %s, and changes nothing', async (_, change, message) => {
    await using target = await start();
    const before = target.target(TARGET_NAME);
    expect(() => change(target)).toThrow(ConfigurationError);
    expect(() => change(target)).toThrow(message);
    expect(target.target(TARGET_NAME)).toEqual(before);
  });

  test('tells of sessions and of refused logins, to a listener that throws as well', async () => {
    const { log, lines } = readableLog();
    const target = await start(log);
    const { events } = target;
    const told: string[] = [];
    events.on('sessionBegin', ({ tsih, initiatorName, connections }) => {
      told.push(`begin ${tsih} ${initiatorName} ${connections[0]?.peerAddress}`);
      throw new Error('a mistake');
    });
    events.on('sessionEnd', ({ tsih, figures }, reason) => told.push(`end ${tsih} ${figures.reads} ${reason}`));
    events.on('refusal', ({ status, targetName, received }) => told.push(`${status} ${targetName} ${received}`));
    const { port } = target.portals[0]!;
    const first = await RawInitiator.logIn(port);
    await first.command(read10(0, 1), { read: BLOCK });
    await first.logOut();
    await expect.poll(() => target.sessions()).toEqual([]);
    const nobody = 'iqn.2026-11.io.lunaring:nobody';
    using second = await RawInitiator.connect(port);
    await second.login({ target: nobody });
    using third = await RawInitiator.logIn(port);
    using fourth = await RawInitiator.logIn(port);
    await target.endSession(third.session.tsih);
    await target.close();
    const began = ({ session }: RawInitiator) => `begin ${session.tsih} ${session.initiatorName} 127.0.0.1`;
    expect(told).toEqual([
      began(first),
      `end ${first.session.tsih} 1 logout of the session`,
      `0203 ${nobody} ${nobody} at portal group 1`,
      began(third),
      began(fourth),
      `end ${third.session.tsih} 0 ended by an operator`,
      `end ${fourth.session.tsih} 0 the target is stopping`,
    ]);
    expect(lines.filter((line) => line.includes('a listener of the program threw'))).toHaveLength(3);
  });

  test('tells of a unit that fails', async () => {
    await using target = await start();
    const disk = new ToldDisk();
    disk.before = (operation) => {
      if (operation === 'read') throw new Error('a mistake');
    };
    await target.addUnit(TARGET_NAME, { lun: 3, backend: 'custom', size: SIZE, disk });
    const failed = once(target.events, 'unitFailure');
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    expect((await initiator.command(read10(5, 1), { lun: 3, read: BLOCK })).status).toBe(Status.CHECK_CONDITION);
    const unit = { targetName: TARGET_NAME, lun: 3, path: '' };
    const [failure] = await failed;
    expect(failure).toMatchObject({ ...unit, errno: 'EIO', operation: 'read', lba: 5, failures: 1 });
    expect(failure.message).toMatch(/^a disk operation failed: EIO, read at LBA 5; a function of the program's disk/);
  });

  test('refuses logins while it is told to', async () => {
    await using target = await start();
    const statusOf = async (): Promise<number> => {
      using initiator = await RawInitiator.connect(target.portals[0]!.port);
      return (await initiator.login()).status;
    };
    target.drain('maintenance');
    expect(await statusOf()).toBe(0x0301);
    target.drain('');
    expect(target.setState(TARGET_NAME, 'offline')).toBe(true);
    expect(await statusOf()).toBe(0x0301);
    target.setState(TARGET_NAME, 'online');
    target.setRedirect(TARGET_NAME, { address: '192.0.2.7:3260,1', permanent: false });
    expect(await statusOf()).toBe(0x0101);
    target.setRedirect(TARGET_NAME, null);
    expect(target.limitUnit(TARGET_NAME, 0, { iops: 1000, burstMs: 100 })).toBe(true);
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    expect(await target.endSession(initiator.session.tsih)).toBe(true);
    expect(target.sessions()).toEqual([]);
    expect(target.targets()).toHaveLength(1);
  });

  test.each<[what: string, add: (target: Served, unit: CustomUnit) => Promise<unknown>]>([
    ['target', (target, unit) => target.addTarget({ name: 'iqn.2026-11.io.lunaring:late', luns: [unit] })],
    ['unit', (target, unit) => target.addUnit(TARGET_NAME, unit)],
  ])('does not get a %s any more once it is closed, and closes the disk that it was opening', async (_, add) => {
    using scratch = new Scratch('closing');
    const [loading, go, closed] = [scratch.file('loading'), scratch.file('go'), scratch.file('closed')];
    writeFileSync(scratch.file('disk.mjs'), SLOW_MODULE);
    const target = await start();
    const module = pathToFileURL(scratch.file('disk.mjs'));
    const added = add(target, { lun: 3, backend: 'custom', size: SIZE, module, data: { loading, go, closed } });
    const refused = expect(added).rejects.toMatchObject({ code: 'LUNARING_CLOSED' });
    await expect.poll(() => existsSync(loading), { timeout: 20_000 }).toBe(true);
    const end = target.close();
    await stopped(target);
    writeFileSync(go, '');
    await end;
    expect(existsSync(closed)).toBe(true);
    await refused;
    const disk = new ToldDisk();
    const late = add(target, { lun: 3, backend: 'custom', size: SIZE, disk });
    await expect(late).rejects.toMatchObject({ code: 'LUNARING_CLOSED' });
    expect(disk.calls).toEqual([]);
  });

  test('is not closed before the disk of a unit that is just being removed', async () => {
    const target = await start();
    const [{ disk, letGo }] = heldDisks();
    await target.addUnit(TARGET_NAME, { lun: 3, backend: 'custom', size: SIZE, disk });
    const removed = target.removeUnit(TARGET_NAME, 3);
    await expect.poll(() => disk.calls).toEqual(['flush']);
    let over = false;
    const end = target.close().then(() => {
      over = true;
    });
    await stopped(target);
    expect(over).toBe(false);
    letGo();
    await end;
    expect(disk.calls).toEqual(['flush', 'close']);
    expect(await removed).toBe(true);
  });

  test('ends a removal that its workers were busy with', async () => {
    const target = await start();
    const disk = new ToldDisk();
    disk.before = (operation) => (operation === 'read' ? new Promise(() => {}) : undefined);
    await target.addUnit(TARGET_NAME, { lun: 3, backend: 'custom', size: SIZE, disk, timeoutMs: 8000 });
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    initiator.command(read10(0, 1), { lun: 3, read: BLOCK }).catch(() => {});
    await expect.poll(() => disk.calls).toEqual(['read 0+1']);
    const removed = target.removeUnit(TARGET_NAME, 3);
    await target.close();
    expect(await removed).toBe(true);
  });

  test('ends a copy to a unit that is removed when its disk has answered', async () => {
    await using target = await start();
    const [source, destination] = ['3000000000000001', '3000000000000002'];
    const [disk, { disk: other, letGo }] = [new ToldDisk(), heldDisk('write')];
    await target.addUnit(TARGET_NAME, { lun: 1, backend: 'custom', size: SIZE, disk, naa: source });
    await target.addUnit(TARGET_NAME, { lun: 2, backend: 'custom', size: SIZE, disk: other, naa: destination });
    using initiator = await RawInitiator.logIn(target.portals[0]!.port);
    const data = copyOfStart(source, destination, BLOCKS);
    const flags = FINAL_BIT | WRITE_BIT;
    const cdb = extendedCopy(data.length);
    initiator.send(ScsiCommand, { flags, lun: lunField(1), expectedDataTransferLength: data.length, cdb }, { data });
    await expect.poll(() => other.calls).toHaveLength(1);
    const removed = target.removeUnit(TARGET_NAME, 2);
    const sense = async () => (await initiator.command(testUnitReady(), { lun: 2 })).sense?.additional;
    await expect.poll(sense).toBe(AdditionalSense.LOGICAL_UNIT_NOT_SUPPORTED);
    letGo();
    expect(await removed).toBe(true);
    expect(await initiator.expect(ScsiResponse)).toMatchObject({ status: Status.CHECK_CONDITION });
    expect(other.calls.filter((call) => call.startsWith('write'))).toHaveLength(1);
  });
});
