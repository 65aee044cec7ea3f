// The state of units that have no regular file outlasts SIGKILL: reservations with APTPL, and mode pages that were saved.
// That it outlasts a failure of power is control/durable-file.ts's, and that what it says is obeyed, control/'s and the simulator's.

import { chmodSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReserveAction } from '../../src/ring/reservations.ts';
import { Status } from '../../src/scsi/task.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { Scratch } from '../support/scratch.ts';
import { LoopDevice, loopObstacle } from '../support/small-file-system.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const KEY = 0x1234;
const APTPL = 0x01;
const CONTROL_PAGE = 0x0a;
const SWP = 0x08;

/** PERSISTENT RESERVE OUT, REGISTER (SPC-5 6.14.2). */
async function register(initiator: RawInitiator, lun: number): Promise<number> {
  const cdb = Buffer.alloc(10);
  cdb.set([0x5f, ReserveAction.REGISTER]);
  const list = Buffer.alloc(24);
  cdb[8] = list.length;
  list.writeUInt32BE(KEY, 12);
  list[20] = APTPL;
  return (await initiator.command(cdb, { lun, write: list })).status;
}

/** PERSISTENT RESERVE IN; past the unit attentions that a session begins with. */
async function reserveIn(initiator: RawInitiator, lun: number, action: number): Promise<Buffer> {
  const cdb = Buffer.alloc(10);
  cdb.set([0x5e, action]);
  cdb[8] = 64;
  for (;;) {
    const { status, data } = await initiator.command(cdb, { lun, read: 64 });
    if (status === Status.GOOD) return data;
    expect(status).toBe(Status.CHECK_CONDITION);
  }
}

const capabilities = async (initiator: RawInitiator, lun: number) => {
  const data = await reserveIn(initiator, lun, 2);
  return { capable: data[2]! & 1, active: data[3]! & 1 };
};
const keys = async (initiator: RawInitiator, lun: number) => {
  const data = await reserveIn(initiator, lun, 0);
  return data.subarray(8, 8 + data.readUInt32BE(4)).toString('hex');
};

/** MODE SENSE(6) of the saved values of the control mode page. */
async function saved(initiator: RawInitiator, lun: number): Promise<Buffer | null> {
  const cdb = Buffer.from([0x1a, 0x08, 0xc0 | CONTROL_PAGE, 0, 255, 0]);
  const { status, data } = await initiator.command(cdb, { lun, read: 255 });
  return status === Status.GOOD ? data.subarray(4) : null;
}

/** MODE SELECT(6) with SP of these values, and with software write protection. */
async function protect(initiator: RawInitiator, lun: number, page: Buffer): Promise<number> {
  const list = Buffer.concat([Buffer.alloc(4), page]);
  list[4] = CONTROL_PAGE;
  list[4 + 4]! |= SWP;
  const cdb = Buffer.from([0x15, 0x11, 0, 0, list.length, 0]);
  return (await initiator.command(cdb, { lun, write: list })).status;
}

describe.each(['uring', 'posix'] as const)('the state of units without a regular file, engine %s', (engine) => {
  let scratch: Scratch;
  let device: LoopDevice | null;
  beforeEach(() => {
    scratch = new Scratch('state');
    device = loopObstacle() === null ? new LoopDevice(scratch.noise('disk', 2 ** 20)) : null;
    mkdirSync(scratch.file('state'));
  });
  afterEach(() => {
    device?.[Symbol.dispose]();
    scratch[Symbol.dispose]();
  });

  const luns = () => [
    { lun: 0, backend: 'memory' as const, size: '1MiB' },
    ...(device === null ? [] : [{ lun: 1, path: device.path, direct: false }]),
  ];
  const serve = (stateDirectory?: string, obeysModes = false) => {
    const file = { tuning: { engine, workers: 2 }, targets: [{ name: TARGET_NAME, luns: luns() }] };
    return TargetProcess.start(stateDirectory === undefined ? file : { ...file, stateDirectory }, { obeysModes });
  };

  it('outlasts SIGKILL in a state directory', async () => {
    const first = await serve(scratch.file('state'));
    try {
      using initiator = await RawInitiator.logIn(first.port);
      for (const { lun } of luns()) {
        expect(await capabilities(initiator, lun)).toEqual({ capable: 1, active: 0 });
        expect(await register(initiator, lun)).toBe(Status.GOOD);
        expect(await capabilities(initiator, lun)).toEqual({ capable: 1, active: 1 });
        const page = await saved(initiator, lun);
        expect(page![4]! & SWP).toBe(0);
        expect(await protect(initiator, lun, page!)).toBe(Status.GOOD);
      }
    } finally {
      await first.kill();
    }
    await using second = await serve(scratch.file('state'));
    using initiator = await RawInitiator.logIn(second.port);
    for (const { lun } of luns()) {
      expect(await keys(initiator, lun)).toBe(KEY.toString(16).padStart(16, '0'));
      expect(await capabilities(initiator, lun)).toEqual({ capable: 1, active: 1 });
      expect((await saved(initiator, lun))![4]! & SWP).toBe(SWP);
    }
  });

  it('has no place without one, and none is promised', async () => {
    await using target = await serve();
    using initiator = await RawInitiator.logIn(target.port);
    for (const { lun } of luns()) {
      expect(await capabilities(initiator, lun)).toEqual({ capable: 0, active: 0 });
      expect(await register(initiator, lun)).toBe(Status.CHECK_CONDITION);
      expect(await saved(initiator, lun)).toBeNull();
    }
  });

  it('is not begun with where a second target has the directory, or nobody may write', async () => {
    const state = scratch.file('state');
    const first = await serve(state);
    // The device is the first one's as well.
    await expect(serve(state)).rejects.toThrow(new RegExp(`stateDirectory.*\\n.*${state}: locked`));
    await first.stop();
    chmodSync(state, 0o500);
    await expect(serve(state, true)).rejects.toThrow(/stateDirectory.*\n.*EACCES/);
  });
});
