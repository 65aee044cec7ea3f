import { describe, expect, it } from 'vitest';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse } from '../../../src/pdu/task-management.ts';
import { ReservationType, ReserveAction } from '../../../src/ring/reservations.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, testUnitReady, write10 } from '../../support/cdbs.ts';
import { decode, lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const WRITERS = 3;

const PREVENT = Buffer.from('1e0000000100', 'hex');
/** START STOP UNIT with LOEJ. */
const EJECT = Buffer.from('1b0000000200', 'hex');

const key = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(value, 4);
  return bytes;
};

interface Keys {
  readonly own: number;
  readonly service: number;
}

/** CDB and parameter list of a PERSISTENT RESERVE OUT. */
function reserveOutOf(action: ReserveAction, keys: Keys, type: ReservationType): { cdb: Buffer; list: Buffer } {
  const list = Buffer.concat([key(keys.own), key(keys.service), Buffer.alloc(8)]);
  const cdb = Buffer.alloc(10);
  cdb[0] = 0x5f;
  cdb[1] = action;
  cdb[2] = type;
  cdb.writeUInt32BE(list.length, 5);
  return { cdb, list };
}

function reserveOut(
  initiator: RawInitiator,
  action: ReserveAction,
  keys: Keys,
  type: ReservationType = ReservationType.none,
) {
  const { cdb, list } = reserveOutOf(action, keys, type);
  return initiator.command(cdb, { write: list });
}

/** Sends a PERSISTENT RESERVE OUT, and nothing more. */
function sendReserveOut(initiator: RawInitiator, action: ReserveAction, keys: Keys, type: ReservationType): void {
  const { cdb, list: data } = reserveOutOf(action, keys, type);
  const values = { flags: FINAL_BIT | WRITE_BIT, lun: lunField(0), expectedDataTransferLength: data.length };
  initiator.send(ScsiCommand, { ...values, cdb: Buffer.concat([cdb, Buffer.alloc(6)]) }, { data });
}

/** The keys that are registered. */
async function registeredKeys(initiator: RawInitiator): Promise<number[]> {
  const READ_KEYS = 0;
  const cdb = Buffer.from([0x5e, READ_KEYS, 0, 0, 0, 0, 0, 0, 0xff, 0]);
  const { status, data } = await initiator.command(cdb, { read: 0xff });
  expect(status).toBe(Status.GOOD);
  return Array.from({ length: data.readUInt32BE(4) / 8 }, (_, index) => data.readUInt32BE(8 + 8 * index + 4));
}

/** Writes its block over and over, each time with another number, until it is told that it may not. */
async function writeUntilRefused(initiator: RawInitiator, lba: number): Promise<{ written: number; status: number }> {
  for (let written = 0; ; written++) {
    const data = Buffer.alloc(BLOCK);
    data.writeUInt32BE(written + 1);
    const { status, sense } = await initiator.command(write10(lba, 1), { write: data });
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
        for (let lba = 0; lba < WRITERS; lba++) blocks.push(await owner.command(read10(lba, 1), { read: BLOCK }));
        return blocks.map(({ data }) => data.readUInt32BE(0));
      };
      const atAnswer = await read();
      for (const [index, ended] of (await Promise.all(writing)).entries()) {
        // A write that was aborted may have reached the medium, and its initiator was not told: one more than it knows of at most.
        expect(atAnswer[index]! - ended.written).toBeGreaterThanOrEqual(0);
        expect(atAnswer[index]! - ended.written).toBeLessThanOrEqual(1);
        const again = await writers[index]!.command(write10(index, 1), { write: Buffer.alloc(BLOCK, 0xff) });
        const conflict =
          ended.status === Status.RESERVATION_CONFLICT ? Status.CHECK_CONDITION : Status.RESERVATION_CONFLICT;
        expect([Status.RESERVATION_CONFLICT, conflict]).toContain(again.status);
      }
      expect(await read()).toEqual(atAnswer);
      await reserveOut(owner, ReserveAction.CLEAR, { own: 1, service: 0 });
      for (const writer of writers) writer[Symbol.dispose]();
    }
  });

  it('lets go of the medium for a host that holds it and hangs (SPC-4, PREVENT ALLOW MEDIUM REMOVAL)', async () => {
    await using target = await TargetProcess.start({
      tuning: { workers: 2 },
      targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB', removable: true }] }],
    });
    using owner = await RawInitiator.logIn(target.port);
    using hanging = await RawInitiator.logIn(target.port);
    for (const [index, initiator] of [owner, hanging].entries()) {
      await reserveOut(initiator, ReserveAction.REGISTER, { own: 0, service: index + 1 });
    }
    expect((await hanging.command(PREVENT)).status).toBe(Status.GOOD);
    expect((await owner.command(EJECT)).sense).toMatchObject({ additional: AdditionalSense.MEDIUM_REMOVAL_PREVENTED });
    const type = ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
    const fence = await reserveOut(owner, ReserveAction.PREEMPT_AND_ABORT, { own: 1, service: 2 }, type);
    expect(fence.status).toBe(Status.GOOD);
    expect((await owner.command(EJECT)).status).toBe(Status.GOOD);
  });

  describe.each([{ workers: 1 }, { workers: 2 }])(
    'by two initiators at once, with $workers workers,',
    ({ workers }) => {
      const type = ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
      const ROUNDS = 10;

      /** The status of the one PERSISTENT RESERVE OUT that an initiator has outstanding; null: it was aborted, without an answer. */
      async function statusOf(initiator: RawInitiator, answer: ReturnType<RawInitiator['receiveAnswer']>) {
        initiator.send(NopOut, {}, { immediate: true });
        const pdu = (await answer)!;
        if (pdu.opcode === Opcode.NOP_IN) return null;
        expect((await initiator.receiveAnswer())!.opcode).toBe(Opcode.NOP_IN);
        return decode(ScsiResponse, pdu.header).status;
      }

      /** Two that have registered 1 and 2, the first with a reservation, and one with 3, which looks on. */
      async function logInThree(port: number): Promise<[RawInitiator, RawInitiator, RawInitiator]> {
        const three: [RawInitiator, RawInitiator, RawInitiator] = [
          await RawInitiator.logIn(port),
          await RawInitiator.logIn(port),
          await RawInitiator.logIn(port),
        ];
        for (const [index, initiator] of three.entries()) {
          const keys = { own: 0, service: index + 1 };
          const { status } = await reserveOut(initiator, ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, keys);
          expect(status).toBe(Status.GOOD);
        }
        expect((await reserveOut(three[0], ReserveAction.RESERVE, { own: 1, service: 0 }, type)).status).toBe(
          Status.GOOD,
        );
        return three;
      }

      const serve = () =>
        TargetProcess.start({
          tuning: { workers },
          targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: '1MiB' }] }],
        });

      it('of each other: one of them wins, and the unit serves everybody else', async () => {
        await using target = await serve();
        for (let round = 0; round < ROUNDS; round++) {
          const [one, other, third] = await logInThree(target.port);
          sendReserveOut(one, ReserveAction.PREEMPT_AND_ABORT, { own: 1, service: 2 }, type);
          sendReserveOut(other, ReserveAction.PREEMPT_AND_ABORT, { own: 2, service: 1 }, type);
          const answers = [one.receiveAnswer(), other.receiveAnswer()] as const;
          const winner = await Promise.any(
            answers.map(async (answer, index) => {
              const pdu = await answer;
              expect(decode(ScsiResponse, pdu!.header).status).toBe(Status.GOOD);
              return index;
            }),
          );
          expect(await statusOf([one, other][1 - winner]!, answers[1 - winner]!)).not.toBe(Status.GOOD);
          expect(await registeredKeys(third)).toEqual([winner + 1, 3]);
          expect((await reserveOut(third, ReserveAction.CLEAR, { own: 3, service: 0 })).status).toBe(Status.GOOD);
          for (const initiator of [one, other, third]) await initiator.logOut();
        }
      });

      it.each([
        { name: 'REGISTER', action: ReserveAction.REGISTER, own: 2 },
        { name: 'REGISTER AND IGNORE EXISTING KEY', action: ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, own: 0 },
        { name: 'RELEASE', action: ReserveAction.RELEASE, own: 2 },
      ])('one of which is the victim’s $name: it comes before, or has no effect', async ({ action, own }) => {
        await using target = await serve();
        for (let round = 0; round < ROUNDS; round++) {
          const [one, other, third] = await logInThree(target.port);
          sendReserveOut(one, ReserveAction.PREEMPT_AND_ABORT, { own: 1, service: 2 }, type);
          sendReserveOut(other, action, { own, service: 5 }, type);
          const [fence, late] = [one.receiveAnswer(), other.receiveAnswer()];
          const reset = third.taskManagement(TaskFunction.LOGICAL_UNIT_RESET);
          expect(await reset).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
          const preempted = await statusOf(one, fence);
          await statusOf(other, late);
          // What the reset has ended may have been done.
          await third.command(testUnitReady());
          const keys = await registeredKeys(third);
          if (preempted === Status.GOOD) expect(keys).toEqual([1, 3]);
          else expect([[1, 3].join(), [1, 5, 3].join(), [1, 2, 3].join()]).toContain(keys.join());
          expect((await reserveOut(third, ReserveAction.CLEAR, { own: 3, service: 0 })).status).toBe(Status.GOOD);
          for (const initiator of [one, other, third]) await initiator.logOut();
        }
      });
    },
  );
});
