// The Linux kernel's own initiator, in a virtual machine: what it makes of units, how it negotiates, and what it does when they change, fail or move.
// fio in the guest writes and verifies; a checksum that is wrong, or an operation that fails, fails the test.

import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { Cable } from '../support/cable.ts';
import { missingMachines } from '../support/clients.ts';
import { type GuestSession, HOST_ADDRESS, LinuxGuest, type NodeSettings } from '../support/linux-guest.ts';
import { registeringProgram } from '../support/pr-register.ts';
import { freePort, Scratch } from '../support/scratch.ts';
import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const CHAP_TARGET = 'iqn.2026-11.io.lunaring:guarded';
const USER = { name: 'alice', secret: 'correct horse battery' };
const ITSELF = { name: 'disk0', secret: 'another battery, stapled' };
const BYTES = 64 * MIB;
/** Exit status of iscsiadm: `ISCSI_ERR_LOGIN_AUTH_FAILED`. */
const AUTHENTICATION_FAILED = 24;

/** One job of fio that writes, of sizes and at places that differ, and verifies what it wrote. */
function verified(device: string, options: string): string {
  const job = `--name=verified --filename=${device} --rw=randwrite --size=12M --direct=1 --ioengine=libaio --iodepth=16`;
  return `fio ${job} --verify=crc32c --verify_fatal=1 ${options} --output-format=terse > /tmp/fio 2>&1 || { cat /tmp/fio; exit 1; }`;
}

const ENGINES = process.env['LUNARING_SUITE'] === 'whole' ? (['uring', 'posix'] as const) : (['uring'] as const);

describe.skipIf(missingMachines().length > 0).each(ENGINES)('Linux, with %s', (engine) => {
  let guest: LinuxGuest;
  let scratch: Scratch;
  let target: TargetProcess;
  let image: string;
  let state: string;
  let ports: [number, number];
  let sessions: GuestSession[] = [];

  const configuration = (direct = true): ConfigurationFile => ({
    // Behind the address translation of the guest's network.
    portals: ports.map((port, index) => ({ address: '127.0.0.1', port, tag: index + 1, advertise: HOST_ADDRESS })),
    admin: { address: '127.0.0.1', port: 0 },
    targets: [
      {
        name: TARGET_NAME,
        luns: [
          { lun: 0, path: image, direct },
          { lun: 1, backend: 'memory', size: BYTES },
        ],
      },
      {
        name: CHAP_TARGET,
        luns: [{ lun: 0, backend: 'null', size: BYTES }],
        auth: { method: 'chap', users: [USER], mutual: ITSELF },
      },
    ],
    tuning: { engine, workers: 2 },
    stateDirectory: state,
  });
  const serve = () => TargetProcess.start(configuration());

  beforeAll(async () => {
    scratch = new Scratch('linux');
    guest = await LinuxGuest.boot();
  });
  afterAll(async () => {
    await guest[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });
  beforeEach(async () => {
    image = scratch.noise('disk.img', BYTES);
    state = mkdtempSync(scratch.file('state-'));
    ports = [await freePort(), await freePort()];
    target = await serve();
  });
  afterEach(async () => {
    for (const session of sessions) await guest.logOut(session);
    sessions = [];
    await target.stop();
  });

  async function logIn(port = ports[0], settings: NodeSettings = {}): Promise<GuestSession> {
    const session = await guest.logIn(TARGET_NAME, port, settings);
    sessions.push(session);
    return session;
  }

  async function ask(method: string, path: string, body?: unknown): Promise<void> {
    const { status, value } = await callAdmin(target.ready.admin!, method, path, body);
    expect({ status, value }).toMatchObject({ status: expect.toSatisfy((code: number) => code < 300) });
  }

  /** A word of the kernel's about a disk. */
  const word = (device: string, name: string) => guest.run(`cat /sys/block/${device.slice(5)}/${name}`);

  test('registers by its own ioctl, which sets APTPL, with a unit in memory, and is registered still after SIGKILL', async () => {
    const session = await logIn();
    const disk = await guest.disk(session, 1);
    await guest.run(`echo ${registeringProgram(0xabcd)} | base64 -d > /tmp/register && chmod +x /tmp/register`);
    await guest.run(`/tmp/register ${disk}`);
    await target.kill();
    target = await serve();
    expect(await guest.run(`sg_persist -k ${disk}`)).toMatch(/1 registered reservation key follows:\s+0xabcd$/);
  });

  test('finds the targets, and sees of each unit what it is and can', async () => {
    const portals = ports.map((port, index) => `${HOST_ADDRESS}:${port},${index + 1}`);
    const both = [TARGET_NAME, CHAP_TARGET].flatMap((name) => portals.map((portal) => `${portal} ${name}`));
    expect((await guest.discover(ports[0])).sort()).toEqual(both.sort());
    const session = await logIn();
    const [file, memory] = [await guest.disk(session, 0), await guest.disk(session, 1)];
    for (const disk of [file, memory]) {
      expect(await word(disk, 'size'), disk).toBe(String(BYTES / 512));
      expect(await word(disk, 'queue/physical_block_size'), disk).toBe('4096');
      expect(await word(disk, 'queue/rotational'), disk).toBe('0');
      expect(await word(disk, 'device/access_state'), disk).toBe('active/optimized');
      for (const limit of ['discard_max_bytes', 'write_zeroes_max_bytes']) {
        expect(Number(await word(disk, `queue/${limit}`)), `${disk} ${limit}`).toBeGreaterThanOrEqual(BYTES);
      }
    }
    expect(await word(file, 'queue/write_cache')).toBe('write back');
    expect(await word(file, 'queue/fua')).toBe('1');
    expect(await word(memory, 'queue/write_cache')).toBe('write through');
    expect(await word(file, 'device/wwid')).not.toBe(await word(memory, 'device/wwid'));
  });

  test('reaches the end of a large unit with long blocks, and LUNs from 256 on', async () => {
    for (const [lun, path] of [
      [8, 'large.img'],
      [300, 'far.img'],
    ] as const) {
      await ask('POST', `targets/${TARGET_NAME}/luns`, {
        lun,
        path: scratch.file(path),
        size: 15 * 2 ** 40,
        blockSize: 4096,
      });
    }
    const session = await logIn();
    // Linux counts the addressing method in (SAM-5: flat space).
    for (const lun of [8, 0x4000 + 300]) {
      const disk = await guest.disk(session, lun);
      expect(await word(disk, 'queue/logical_block_size')).toBe('4096');
      await guest.run(verified(disk, `--offset=${15 * 2 ** 40 - 12 * MIB} --bs=64k`));
    }
  });

  test.each<[string, NodeSettings]>([
    ['as it likes best', {}],
    ['digests of headers and data', { 'conn[0].iscsi.HeaderDigest': 'CRC32C', 'conn[0].iscsi.DataDigest': 'CRC32C' }],
    ['no data but what is asked for', { 'session.iscsi.InitialR2T': 'Yes', 'session.iscsi.ImmediateData': 'No' }],
    [
      'short segments and bursts',
      {
        'conn[0].iscsi.MaxRecvDataSegmentLength': '4096',
        'conn[0].iscsi.MaxXmitDataSegmentLength': '4096',
        'session.iscsi.FirstBurstLength': '8192',
        'session.iscsi.MaxBurstLength': '16384',
      },
    ],
  ])('writes and reads with %s', async (_how, settings) => {
    const session = await logIn(ports[0], settings);
    for (const lun of [0, 1]) await guest.run(verified(await guest.disk(session, lun), '--bsrange=512-1M'));
  });

  test('a file system gives back what it frees, and grows while it is mounted', async () => {
    const session = await logIn();
    const disk = await guest.disk(session, 0);
    const fill = 'dd if=/dev/urandom of=/mnt/noise bs=1M count=24 2>/dev/null && md5sum /mnt/noise';
    await guest.run(`mkfs.ext4 -q ${disk} && mount ${disk} /mnt`);
    const sum = await guest.run(fill);
    expect(await guest.run(`umount /mnt && mount ${disk} /mnt && md5sum /mnt/noise`)).toBe(sum);
    const filled = statSync(image).blocks;
    await guest.run('rm /mnt/noise && sync && fstrim /mnt');
    expect(filled - statSync(image).blocks).toBeGreaterThan((20 * MIB) / 512);

    await ask('PATCH', `targets/${TARGET_NAME}/luns/0`, { size: 2 * BYTES });
    await guest.run(`echo 1 > /sys/block/${disk.slice(5)}/device/rescan && resize2fs ${disk} 2>/dev/null`);
    expect(await word(disk, 'size')).toBe(String((2 * BYTES) / 512));
    expect(Number(await guest.run("df -m /mnt | tail -1 | awk '{ print $2 }'"))).toBeGreaterThan(100);
    await guest.run(`umount /mnt && e2fsck -fn ${disk}`);
  });

  test('proves who it is, asks the target the same, and takes a refusal for one', async () => {
    const as = (secret: string, itsSecret: string) => ({
      'session.auth.authmethod': 'CHAP',
      'session.auth.username': USER.name,
      'session.auth.password': secret,
      'session.auth.username_in': ITSELF.name,
      'session.auth.password_in': itsSecret,
    });
    sessions.push(await guest.logIn(CHAP_TARGET, ports[0], as(USER.secret, ITSELF.secret)));
    expect(await guest.tryLogIn(CHAP_TARGET, ports[1], as('not what it should be', ITSELF.secret))).toBe(
      AUTHENTICATION_FAILED,
    );
    expect(await guest.tryLogIn(CHAP_TARGET, ports[1], as(USER.secret, 'not the secret it has'))).not.toBe(0);
    expect(await guest.tryLogIn(CHAP_TARGET, ports[1], { 'session.auth.authmethod': 'None' })).toBe(
      AUTHENTICATION_FAILED,
    );
  });

  test('follows a target that has moved', async () => {
    await using there = await TargetProcess.start({
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: 8 * MIB }] }],
    });
    await ask('PUT', `targets/${TARGET_NAME}/redirect`, { address: `${HOST_ADDRESS}:${there.port}` });
    const disk = await guest.disk(await logIn(), 0);
    expect(await word(disk, 'size')).toBe(String((8 * MIB) / 512));
    await guest.logOut(sessions.pop()!);
  });

  test('is told of units that come and go', async () => {
    const session = await logIn();
    const disk = await guest.disk(session, 0);
    const read = `dd if=${disk} of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null`;
    await guest.run(read);
    await ask('POST', `targets/${TARGET_NAME}/luns`, { lun: 7, backend: 'memory', size: 8 * MIB });
    await guest.run(`dmesg -c > /dev/null; ${read}`);
    expect(await guest.run('dmesg')).toContain('LUN assignments on this target have changed');
    await guest.run('iscsiadm -m session --rescan');
    const added = await guest.disk(session, 7);
    await guest.run(verified(added, '--size=8M --bs=4k'));
    await ask('DELETE', `targets/${TARGET_NAME}/luns/7`);
    expect((await guest.try(`dd if=${added} of=/dev/null bs=4k count=1 iflag=direct`)).output).toContain('error');
    await guest.run(`echo 1 > /sys/block/${added.slice(5)}/device/delete`);
    await guest.run(read);
  });

  test('goes on while reloads put another unit in the place of its own, again and again', async () => {
    const session = await logIn();
    const disk = await guest.disk(session, 0);
    let over = false;
    const load = guest.run(verified(disk, '--size=2M --bs=4k --loops=2')).finally(() => {
      over = true;
    });
    const commands = async (): Promise<number> => {
      const { value } = await callAdmin(target.ready.admin!, 'GET', `sessions?target=${TARGET_NAME}`);
      return value[0].figures.reads + value[0].figures.writes;
    };
    for (let direct = false; !over; direct = !direct) {
      writeFileSync(target.file('lunaring.yaml'), JSON.stringify(configuration(direct)));
      await ask('POST', 'reload');
      // A command that is caught five times is not tried again.
      const before = await commands();
      await expect.poll(async () => over || (await commands()) > before + 64, { timeout: 60_000 }).toBe(true);
    }
    await load;
  });

  test('goes on after resets of unit and target', async () => {
    const session = await logIn();
    const disk = await guest.disk(session, 0);
    const resets = `for how in -d -t -d; do sleep 1; sg_reset $how ${disk} || touch /tmp/failed; done`;
    await guest.run(
      `rm -f /tmp/failed; (${resets}) & ${verified(disk, '--bs=4k --time_based --runtime=5')}; wait; [ ! -e /tmp/failed ]`,
    );
  });

  test('goes on with a target that was started anew', async () => {
    const session = await logIn(ports[0], { 'session.timeo.replacement_timeout': '60' });
    const disk = await guest.disk(session, 0);
    const load = guest.run(verified(disk, '--bs=16k --io_size=12M'));
    await target.stop();
    target = await serve();
    await load;
  });

  test('goes on with a target that hung', async () => {
    const session = await logIn(ports[0], {
      'conn[0].timeo.noop_out_interval': '0',
      'session.err_timeo.abort_timeout': '2',
    });
    const disk = await guest.disk(session, 0);
    await guest.run(`echo 1 > /sys/block/${disk.slice(5)}/device/timeout`);
    const load = guest.run(verified(disk, '--bs=4k --time_based --runtime=6'));
    await setTimeout(2000);
    process.kill(target.pid, 'SIGSTOP');
    // Commands are given up after a second, their abortion two seconds later, and the connection with it.
    const said = guest.console.length;
    while (!guest.console.slice(said).includes('detected conn error')) await setTimeout(100);
    process.kill(target.pid, 'SIGCONT');
    await load;
  });

  test('reservations: what one path has reserved, the other may not write', async () => {
    const [one, other] = [await logIn(ports[0]), await logIn(ports[1])];
    const [mine, theirs] = [await guest.disk(one, 0), await guest.disk(other, 0)];
    expect(await word(mine, 'device/wwid')).toBe(await word(theirs, 'device/wwid'));
    const write = (disk: string) => `dd if=/dev/zero of=${disk} bs=4k count=1 oflag=direct 2>&1`;
    await guest.run(`sg_persist -o -G -S 0x1 ${mine} && sg_persist -o -R -K 0x1 -T 5 ${mine}`);
    await guest.run(write(mine));
    expect((await guest.try(write(theirs))).code).not.toBe(0);
    await guest.run(`sg_persist -o -G -S 0x2 ${theirs} && sg_persist -o -A -K 0x2 -S 0x1 -T 5 ${theirs}`);
    await guest.run(write(theirs));
    expect((await guest.try(write(mine))).code).not.toBe(0);
    await guest.run(`sg_persist -o -C -K 0x2 ${theirs}`);
    await guest.run(write(mine));
  });

  /** Two paths to unit 0 as one device, the first of them in use. */
  async function bothPaths(first: GuestSession, second: GuestSession): Promise<void> {
    const numbers: string[] = [];
    for (const session of [first, second]) numbers.push(await word(await guest.disk(session, 0), 'dev'));
    const paths = numbers.map((number) => `service-time 0 1 1 ${number} 1`).join(' ');
    await guest.run(`dmsetup create both --noudevsync --table '0 ${BYTES / 512} multipath 0 1 alua 2 1 ${paths}'`);
  }

  /** Whether dm-multipath thinks that it can use each of the paths. */
  const usable = async () =>
    [...(await guest.run('dmsetup status both')).matchAll(/\d+:\d+ ([AF])/g)].map((path) => path[1] === 'A');

  test('multipath: goes on by the other path when a cable is pulled', async () => {
    await using cable = await Cable.to(ports[0]);
    const soon = {
      'session.timeo.replacement_timeout': '2',
      'conn[0].timeo.noop_out_interval': '1',
      'conn[0].timeo.noop_out_timeout': '1',
    };
    const lost = await guest.logIn(TARGET_NAME, cable.port, soon);
    await bothPaths(lost, await logIn(ports[1]));
    expect(await usable()).toEqual([true, true]);
    const load = guest.run(verified('/dev/dm-0', '--bs=16k --time_based --runtime=4'));
    cable.pull();
    await load;
    expect(await usable()).toEqual([false, true]);
    await guest.run('dmsetup remove both');
    await guest.logOut(lost);
  });

  test('multipath: goes on by the other path when its port group is unavailable', async () => {
    const [one, other] = [await logIn(ports[0]), await logIn(ports[1])];
    const theirs = await guest.disk(other, 0);
    await bothPaths(one, other);
    const change = (state: string) => `sg_stpg --tp=1 --state=${state} ${theirs}`;
    await guest.run(`(sleep 1; ${change('un')}) & ${verified('/dev/dm-0', '--bs=16k --time_based --runtime=4')}`);
    expect(await usable()).toEqual([false, true]);
    await guest.run(`dmsetup remove both && ${change('ao')}`);
  });
});
