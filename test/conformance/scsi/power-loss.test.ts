// What outlasts a loss of power outlasts a unit's absence as well: it is taken from the target and comes back while others are served.

import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load.ts';
import { reservationPath } from '../../../src/control/reservation-store.ts';
import { ReservationType, ReserveAction } from '../../../src/ring/reservations.ts';
import { Status } from '../../../src/scsi/task.ts';
import { write10 } from '../../support/cdbs.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME } from '../../support/target-process.ts';

const BLOCK = 512;
const KEY = 0x1234;
const APTPL = 0x01;

/** PERSISTENT RESERVE OUT (SPC-5 6.14), so that the reservation outlasts a loss of power. */
function reserveOut(initiator: RawInitiator, action: ReserveAction, own: number, service: number, type: number) {
  const cdb = Buffer.alloc(10);
  cdb[0] = 0x5f;
  cdb[1] = action;
  cdb[2] = type;
  cdb.writeUInt32BE(24, 5);
  const list = Buffer.alloc(24);
  list.writeUInt32BE(own, 4);
  list.writeUInt32BE(service, 12);
  list[20] = action === ReserveAction.REGISTER ? APTPL : 0;
  return initiator.command(cdb, { lun: 1, write: list }).then(({ status }) => status);
}

describe('a unit that is removed and added again', () => {
  let target: TargetInProcess;
  const lun = () => ({ lun: 1, backend: 'file' as const, path: target.file('disk'), size: '1MiB' });

  beforeEach(async () => {
    const luns = [
      { lun: 0, backend: 'null' as const, size: '1MiB' },
      { lun: 1, backend: 'file' as const, path: 'disk', size: '1MiB' },
    ];
    target = await TargetInProcess.start({ tuning: { workers: 2 }, targets: [{ name: TARGET_NAME, luns }] });
  });
  afterEach(() => target[Symbol.asyncDispose]());

  /** The unit's settings as a file would have them. */
  function settled() {
    const file = target.file('again.json');
    writeFileSync(file, JSON.stringify({ targets: [{ name: TARGET_NAME, luns: [lun()] }] }));
    const { settings } = loadSettings({ file, environment: {}, workingDirectory: '/' });
    return settings!.targets[0]!.luns[0]!;
  }

  /** Its status for a WRITE, past the unit attentions. */
  async function write(initiator: RawInitiator): Promise<number> {
    for (;;) {
      const { status } = await initiator.command(write10(0, 1), { lun: 1, write: Buffer.alloc(BLOCK, 7) });
      if (status !== Status.CHECK_CONDITION) return status;
    }
  }

  it('is still reserved by who reserved it with APTPL (SPC-5 5.13.5)', async () => {
    const { administration } = target;
    using owner = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    expect(await write(owner)).toBe(Status.GOOD);
    expect(await reserveOut(owner, ReserveAction.REGISTER, 0, KEY, 0)).toBe(Status.GOOD);
    expect(await reserveOut(owner, ReserveAction.RESERVE, KEY, 0, ReservationType.WRITE_EXCLUSIVE)).toBe(Status.GOOD);
    expect(await write(other)).toBe(Status.RESERVATION_CONFLICT);
    const again = settled();
    expect(await administration.removeUnit(TARGET_NAME, 1)).toBe(true);
    expect(await administration.addUnit(TARGET_NAME, again)).toBe(true);
    expect(await write(other)).toBe(Status.RESERVATION_CONFLICT);
    expect(await write(owner)).toBe(Status.GOOD);
  });

  it('stays away while what was kept of it can’t be read', async () => {
    const { administration } = target;
    const again = settled();
    await administration.removeUnit(TARGET_NAME, 1);
    writeFileSync(reservationPath(target.file('disk')), 'no reservations');
    await expect(administration.addUnit(TARGET_NAME, again)).rejects.toThrow(/disk/);
    expect(administration.target(TARGET_NAME)!.units).toHaveLength(1);
  });
});
