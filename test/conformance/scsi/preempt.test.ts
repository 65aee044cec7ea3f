import { describe, expect, it } from 'vitest';
import { ReservationType, ReserveAction } from '../../../src/ring/reservations.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const WRITERS = 3;

const cdb10 = (opcode: number, lba: number): Uint8Array => {
  const cdb = Buffer.alloc(10);
  cdb[0] = opcode;
  cdb.writeUInt32BE(lba, 2);
  cdb.writeUInt16BE(1, 7);
  return cdb;
};
const WRITE_10 = 0x2a;
const READ_10 = 0x28;

const key = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(value, 4);
  return bytes;
};

function reserveOut(
  initiator: RawInitiator,
  action: ReserveAction,
  keys: { own: number; service: number },
  type: ReservationType = ReservationType.none,
) {
  const cdb = Buffer.alloc(10);
  cdb[0] = 0x5f;
  cdb[1] = action;
  cdb[2] = type;
  cdb.writeUInt32BE(24, 5);
  return initiator.command(cdb, { write: Buffer.concat([key(keys.own), key(keys.service), Buffer.alloc(8)]) });
}

/** Writes its block over and over, each time with another number, until it is told that it may not. */
async function writeUntilRefused(initiator: RawInitiator, lba: number): Promise<{ written: number; status: number }> {
  for (let written = 0; ; written++) {
    const data = Buffer.alloc(BLOCK);
    data.writeUInt32BE(written + 1);
    const { status, sense } = await initiator.command(cdb10(WRITE_10, lba), { write: data });
    if (status === Status.GOOD) continue;
    if (status === Status.CHECK_CONDITION) {
      expect(sense!.key).toBe(SenseKey.UNIT_ATTENTION);
      expect(sense!.additional).toBe(AdditionalSense.REGISTRATIONS_PREEMPTED);
    }
    return { written, status };
  }
}

describe('PREEMPT AND ABORT (SPC-5)', () => {
  it('lets no write of a preempted initiator start once it was answered, on any of four workers', async () => {
    await using target = await TargetProcess.start({
      tuning: { workers: 4 },
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }] }],
    });
    for (let round = 0; round < 5; round++) {
      using owner = await RawInitiator.logIn(target.port);
      await reserveOut(owner, ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, { own: 0, service: 1 });
      const writers: RawInitiator[] = [];
      for (let index = 0; index < WRITERS; index++) {
        const writer = await RawInitiator.logIn(target.port);
        const registered = await reserveOut(writer, ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, {
          own: 0,
          service: 2,
        });
        expect(registered.status).toBe(Status.GOOD);
        writers.push(writer);
      }
      const type = ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
      expect((await reserveOut(owner, ReserveAction.RESERVE, { own: 1, service: 0 }, type)).status).toBe(Status.GOOD);
      const writing = writers.map((writer, index) => writeUntilRefused(writer, index));
      await owner.ping();
      const preempted = await reserveOut(owner, ReserveAction.PREEMPT_AND_ABORT, { own: 1, service: 2 }, type);
      expect(preempted.status).toBe(Status.GOOD);
      const read = async (): Promise<number[]> => {
        const blocks = [];
        for (let lba = 0; lba < WRITERS; lba++) blocks.push(await owner.command(cdb10(READ_10, lba), { read: BLOCK }));
        return blocks.map(({ data }) => data.readUInt32BE(0));
      };
      const atAnswer = await read();
      for (const [index, ended] of (await Promise.all(writing)).entries()) {
        // A write that was aborted may have reached the medium, and its initiator was not told: one more than it knows of at most.
        expect(atAnswer[index]! - ended.written).toBeGreaterThanOrEqual(0);
        expect(atAnswer[index]! - ended.written).toBeLessThanOrEqual(1);
        const again = await writers[index]!.command(cdb10(WRITE_10, index), { write: Buffer.alloc(BLOCK, 0xff) });
        const conflict =
          ended.status === Status.RESERVATION_CONFLICT ? Status.CHECK_CONDITION : Status.RESERVATION_CONFLICT;
        expect([Status.RESERVATION_CONFLICT, conflict]).toContain(again.status);
      }
      expect(await read()).toEqual(atAnswer);
      await reserveOut(owner, ReserveAction.CLEAR, { own: 1, service: 0 });
      for (const writer of writers) writer[Symbol.dispose]();
    }
  }, 60_000);
});
