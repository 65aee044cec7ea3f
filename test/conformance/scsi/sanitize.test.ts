// SANITIZE with two sessions on two workers: everybody is kept away at once, nothing stops it but the target's own end, and then the
// blocks are what was asked for; or a restart tells that they are not. Its rules one by one are test/scsi/sanitize.test.ts's.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { TaskFunction, TaskFunctionResponse } from '../../../src/pdu/task-management.ts';
import { SanitizeAction } from '../../../src/scsi/cdb.ts';
import { AdditionalSense, SenseKey } from '../../../src/scsi/sense.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, testUnitReady, write10 } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import type { CommandResult } from '../../support/initiator-command.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { Scratch } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const MIB = 1024 * 1024;
const FILE = 'unit.img';
const PATTERN = Uint8Array.of(0xde, 0xad, 0xbe);
/** The most passes that OVERWRITE takes. */
const PASSES = 31;
const IMMED = 0x80;

function serve(engine: 'uring' | 'posix', size: `${number}MiB`, path = FILE): Promise<TargetProcess> {
  return TargetProcess.start({
    tuning: { engine, workers: 2 },
    targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'file', path, size }] }],
  });
}

/** OVERWRITE with all the passes there can be; the status comes before the work. */
function overwrite(initiator: RawInitiator): Promise<CommandResult> {
  const list = Buffer.concat([Buffer.from([PASSES, 0, 0, PATTERN.length]), PATTERN]);
  const cdb = Buffer.from([0x48, IMMED | SanitizeAction.OVERWRITE, 0, 0, 0, 0, 0, 0, list.length, 0]);
  return initiator.command(cdb, { write: list });
}

function senseOf({ status, sense }: CommandResult): { key: number; additional: number } | null {
  if (status === Status.GOOD) return null;
  expect(status).toBe(Status.CHECK_CONDITION);
  return { key: sense!.key, additional: sense!.additional };
}

const IN_PROGRESS = {
  key: SenseKey.NOT_READY,
  additional: AdditionalSense.LOGICAL_UNIT_NOT_READY_SANITIZE_IN_PROGRESS,
};
const RESET = { key: SenseKey.UNIT_ATTENTION, additional: AdditionalSense.BUS_DEVICE_RESET_FUNCTION_OCCURRED };

/** Asks until the unit is ready; meanwhile it says why it is not. */
async function untilReady(initiator: RawInitiator): Promise<void> {
  for (;;) {
    const sense = senseOf(await initiator.command(testUnitReady()));
    if (sense === null) return;
    expect([IN_PROGRESS, RESET]).toContainEqual(sense);
  }
}

describe.each(['uring', 'posix'] as const)('SANITIZE on %s (SBC-4)', (engine) => {
  it('ends the tasks of the other worker, keeps everybody away, and outlives a reset', async () => {
    // Far too much to be done before the last question was asked.
    await using target = await serve(engine, '1024MiB');
    using eraser = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    const cdb = Buffer.concat([write10(0, 1), Buffer.alloc(6)]);
    const flags = FINAL_BIT | WRITE_BIT;
    other.send(ScsiCommand, { flags, lun: lunField(0), expectedDataTransferLength: BLOCK, cdb });
    const { initiatorTaskTag, targetTransferTag } = await other.expect(R2T);

    // A WRITE that still waits for its data keeps nobody waiting, and hears of its end once it has sent them (RFC 7143 §11.4.2).
    expect((await overwrite(eraser)).status).toBe(Status.GOOD);
    other.send(DataOut, { lun: lunField(0), initiatorTaskTag, targetTransferTag }, { data: Buffer.alloc(BLOCK) });
    expect((await other.expect(ScsiResponse)).status).toBe(Status.CHECK_CONDITION);
    expect(senseOf(await other.command(read10(0, 1), { read: BLOCK }))).toEqual(IN_PROGRESS);
    expect(senseOf(await eraser.command(read10(0, 1), { read: BLOCK }))).toEqual(IN_PROGRESS);
    expect(await other.taskManagement(TaskFunction.LOGICAL_UNIT_RESET)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);
    expect(senseOf(await eraser.command(testUnitReady()))).toEqual(RESET);
    expect(senseOf(await eraser.command(read10(0, 1), { read: BLOCK }))).toEqual(IN_PROGRESS);
  });

  it('leaves the pattern everywhere, though the unit was reset', async () => {
    await using target = await serve(engine, '8MiB');
    using eraser = await RawInitiator.logIn(target.port);
    using other = await RawInitiator.logIn(target.port);
    expect((await overwrite(eraser)).status).toBe(Status.GOOD);
    expect(await other.taskManagement(TaskFunction.LOGICAL_UNIT_RESET)).toBe(TaskFunctionResponse.FUNCTION_COMPLETE);

    // Each asks for itself: the workers hear of the end one after the other.
    await untilReady(other);
    await untilReady(eraser);
    const block = Buffer.alloc(BLOCK, PATTERN);
    const last = await eraser.command(read10((8 * MIB) / BLOCK - 1, 1), { read: BLOCK });
    expect(last.status).toBe(Status.GOOD);
    expect(last.data).toEqual(block);
    const everything = Buffer.alloc(8 * MIB, block);
    expect(readFileSync(target.file(FILE)).equals(everything)).toBe(true);
  });

  it('does not keep the target from stopping', async () => {
    await using target = await serve(engine, '1024MiB');
    using eraser = await RawInitiator.logIn(target.port);
    expect((await overwrite(eraser)).status).toBe(Status.GOOD);
    await target.stop();
  });
});

describe('a SANITIZE that the end of the target cuts short (SBC-4)', () => {
  it('has failed when the target is back, and nobody reads what it has left until another succeeds', async () => {
    using scratch = new Scratch('sanitize');
    const path = scratch.file(FILE);
    const failed = { key: SenseKey.MEDIUM_ERROR, additional: AdditionalSense.SANITIZE_COMMAND_FAILED };
    {
      await using target = await serve('uring', '1024MiB', path);
      using eraser = await RawInitiator.logIn(target.port);
      expect((await overwrite(eraser)).status).toBe(Status.GOOD);
      await target.stop();
    }
    {
      await using target = await serve('uring', '1024MiB', path);
      using initiator = await RawInitiator.logIn(target.port);
      expect(senseOf(await initiator.command(testUnitReady()))).toEqual(failed);
      expect(senseOf(await initiator.command(read10(0, 1), { read: BLOCK }))).toEqual(failed);
      const erase = Buffer.from([0x48, SanitizeAction.CRYPTOGRAPHIC_ERASE, 0, 0, 0, 0, 0, 0, 0, 0]);
      expect((await initiator.command(erase)).status).toBe(Status.GOOD);
    }
    await using target = await serve('uring', '1024MiB', path);
    using initiator = await RawInitiator.logIn(target.port);
    const { status, data } = await initiator.command(read10(0, 1), { read: BLOCK });
    expect(status).toBe(Status.GOOD);
    expect(data).toEqual(Buffer.alloc(BLOCK));
  });
});
