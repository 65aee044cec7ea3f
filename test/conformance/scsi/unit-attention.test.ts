// Unit attentions that begin with the nexus or with the target (SAM-5, SPC-5), over real sockets: who hears of the start, how often, and
// which commands come before it. Those of resets, reservations and mode pages are told where these are.

import { describe, expect, it } from 'vitest';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { reportLuns, testUnitReady } from '../../support/cdbs.ts';
import type { CommandResult } from '../../support/initiator-command.ts';
import { InitiatorSession, RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const UNIT = { backend: 'memory' as const, size: '1MiB' };
const KEEP = { keepAttentions: true };

function start(): Promise<TargetProcess> {
  return TargetProcess.start({
    tuning: { workers: 2 },
    targets: [
      {
        name: TARGET_NAME,
        luns: [
          { lun: 0, ...UNIT },
          { lun: 1, ...UNIT },
        ],
      },
    ],
  });
}

function expectPowerOn({ status, sense }: CommandResult): void {
  expect(status).toBe(Status.CHECK_CONDITION);
  expect(sense).toMatchObject({
    key: SenseKey.UNIT_ATTENTION,
    additional: AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET,
  });
}

async function again(port: number, session: InitiatorSession): Promise<RawInitiator> {
  const next = new InitiatorSession();
  Object.assign(next, { initiatorName: session.initiatorName, isid: session.isid });
  const initiator = await RawInitiator.connect(port, next);
  expect((await initiator.login(KEEP)).status).toBe(0);
  return initiator;
}

describe('after the start', () => {
  it('every unit tells each I_T nexus once', async () => {
    await using target = await start();
    for (let nexus = 0; nexus < 2; nexus++) {
      using initiator = await RawInitiator.logIn(target.port, KEEP);
      for (const lun of [0, 1]) {
        expectPowerOn(await initiator.command(testUnitReady(), { lun }));
        expect((await initiator.command(testUnitReady(), { lun })).status).toBe(Status.GOOD);
      }
    }
  });

  it('INQUIRY and REPORT LUNS come before it, REQUEST SENSE tells it', async () => {
    await using target = await start();
    using initiator = await RawInitiator.logIn(target.port, KEEP);
    expect((await initiator.command(Buffer.from('120000002400', 'hex'), { read: 36 })).status).toBe(Status.GOOD);
    expect((await initiator.command(reportLuns(64), { read: 64 })).status).toBe(Status.GOOD);
    const { data } = await initiator.command(Buffer.from('030000001200', 'hex'), { read: 18 });
    expect([data[2], data.readUInt16BE(12)]).toEqual([SenseKey.UNIT_ATTENTION, 0x2900]);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
    expectPowerOn(await initiator.command(testUnitReady(), { lun: 1 }));
  });

  it('a nexus that comes back has heard of it, until the next start', async () => {
    await using target = await start();
    const first = await RawInitiator.logIn(target.port);
    await first.logOut();
    using second = await again(target.port, first.session);
    expect((await second.command(testUnitReady())).status).toBe(Status.GOOD);
    await using restarted = await start();
    using third = await again(restarted.port, first.session);
    expectPowerOn(await third.command(testUnitReady()));
  });
});
