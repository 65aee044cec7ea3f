// The command window: which CmdSNs are taken, how the window opens, and that no cut of the byte stream changes anything.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serialBefore, serialDistance } from '../../../src/base/serial.ts';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../../../src/pdu/data-in.ts';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { FINAL_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../../src/pdu/scsi-response.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, testUnitReady, write10 } from '../../support/cdbs.ts';
import { decode, encode, type HeaderValues, lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { BLOCK, ENGINES, serve } from './serving.ts';

/** A CDB in the 16 bytes that a command PDU has for it. */
function padCdb(cdb: Uint8Array): Buffer {
  return Buffer.concat([cdb, Buffer.alloc(16 - cdb.length)]);
}

/** The next command's header, as bytes: for tests that care how they are written. */
function nextCommand(initiator: RawInitiator, values: Partial<HeaderValues<typeof ScsiCommand>>): Buffer {
  const { session } = initiator;
  const cmdSN = session.cmdSN;
  session.cmdSN = (cmdSN + 1) >>> 0;
  return encode(ScsiCommand, {
    opcode: Opcode.SCSI_COMMAND,
    flags: FINAL_BIT,
    lun: lunField(0),
    initiatorTaskTag: session.nextTag++,
    cmdSN,
    expStatSN: initiator.expStatSN,
    ...values,
  });
}

/** Commands that may be sent now. */
function openWindow({ session, maxCmdSN }: RawInitiator): number {
  return serialDistance(maxCmdSN, session.cmdSN) + 1;
}

describe.each(ENGINES)('the command window on %s (RFC 7143 §4.2.2.1)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it.each([
    { where: 'below ExpCmdSN', cmdSN: (initiator: RawInitiator) => initiator.expCmdSN - 1 },
    { where: 'far below ExpCmdSN', cmdSN: (initiator: RawInitiator) => (initiator.expCmdSN - 2 ** 20) >>> 0 },
    { where: 'just above MaxCmdSN', cmdSN: (initiator: RawInitiator) => initiator.maxCmdSN + 1 },
    { where: 'far above MaxCmdSN', cmdSN: (initiator: RawInitiator) => initiator.maxCmdSN + 2 ** 20 },
  ])('a command $where gets no reply, and the session goes on', async ({ cmdSN }) => {
    using initiator = await RawInitiator.logIn(target.port);
    await initiator.command(testUnitReady());
    const { expCmdSN } = initiator;
    const values = { lun: lunField(0), cdb: padCdb(testUnitReady()), cmdSN: cmdSN(initiator) };
    initiator.send(ScsiCommand, values);
    await initiator.expectSilence();
    expect(initiator.expCmdSN).toBe(expCmdSN);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it('shuts when it is full, and opens wider once it was', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const first = openWindow(initiator);
    const cdb = padCdb(write10(0, 1));
    const flags = FINAL_BIT | WRITE_BIT;
    const asked: HeaderValues<typeof R2T>[] = [];
    for (let count = 0; count < first; count++) {
      initiator.send(ScsiCommand, { flags, lun: lunField(0), expectedDataTransferLength: BLOCK, cdb });
      asked.push(await initiator.expect(R2T));
    }
    expect(openWindow(initiator)).toBe(0);
    let before = initiator.maxCmdSN;
    for (const { initiatorTaskTag, targetTransferTag, lun } of asked) {
      initiator.send(DataOut, { initiatorTaskTag, targetTransferTag, lun }, { data: Buffer.alloc(BLOCK) });
      expect((await initiator.expect(ScsiResponse)).status).toBe(Status.GOOD);
      expect(serialBefore(before, initiator.maxCmdSN)).toBe(true);
      before = initiator.maxCmdSN;
    }
    expect(openWindow(initiator)).toBeGreaterThan(first);
  });

  it('is not moved by immediate commands', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    await initiator.command(testUnitReady());
    const { expCmdSN, maxCmdSN } = initiator;
    for (let count = 0; count < 40; count++) {
      expect((await initiator.command(testUnitReady(), { immediate: true })).status).toBe(Status.GOOD);
      expect(initiator).toMatchObject({ expCmdSN, maxCmdSN });
    }
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
    expect(initiator.expCmdSN).toBe(expCmdSN + 1);
  });

  it('goes around at 2^32', async () => {
    using initiator = await RawInitiator.connect(target.port);
    initiator.session.cmdSN = 0xffff_fffc;
    expect((await initiator.login()).status).toBe(0);
    for (let count = 0; count < 40; count++) {
      expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
    }
    expect(initiator.expCmdSN).toBe(initiator.session.cmdSN);
  });

  it('takes a thousand commands, each time all that it has room for in one write', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const count = 1000;
    const answered = new Set<number>();
    for (let sent = 0; answered.size < count; ) {
      const batch = Math.min(openWindow(initiator), count - sent);
      const command = () => nextCommand(initiator, { cdb: padCdb(testUnitReady()) });
      if (batch > 0) initiator.wire.write(Buffer.concat(Array.from({ length: batch }, command)));
      sent += batch;
      const before = initiator.maxCmdSN;
      const { initiatorTaskTag, status } = await initiator.expect(ScsiResponse);
      expect(status).toBe(Status.GOOD);
      expect(answered.has(initiatorTaskTag)).toBe(false);
      expect(serialBefore(initiator.maxCmdSN, before)).toBe(false);
      answered.add(initiatorTaskTag);
    }
    await initiator.expectSilence();
  });

  it('takes a command that comes byte by byte, data included', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const data = Buffer.from(Array.from({ length: BLOCK }, (_, index) => (index * 7) & 0xff));
    const header = nextCommand(initiator, {
      flags: FINAL_BIT | WRITE_BIT,
      dataSegmentLength: BLOCK,
      expectedDataTransferLength: BLOCK,
      cdb: padCdb(write10(7, 1)),
    });
    for (const byte of Buffer.concat([header, data])) {
      initiator.wire.write(Buffer.of(byte));
      await nextTurn();
    }
    expect((await initiator.expect(ScsiResponse)).status).toBe(Status.GOOD);
    const read = await initiator.command(read10(7, 1), { read: BLOCK });
    expect(read.data).toEqual(data);
  });

  it('answers a full window of READs, whose data nobody took for a while', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const blocks = 128;
    const expected = new Map<number, number>();
    const count = openWindow(initiator);
    for (let lba = 0; lba < count * blocks; lba += blocks) {
      const write = Buffer.alloc(blocks * BLOCK, lba / blocks + 1);
      expect((await initiator.command(write10(lba, blocks), { write })).status).toBe(Status.GOOD);
    }
    initiator.wire.pause();
    for (let index = 0; index < count; index++) {
      const tag = initiator.send(ScsiCommand, {
        flags: FINAL_BIT | READ_BIT,
        lun: lunField(0),
        expectedDataTransferLength: blocks * BLOCK,
        cdb: padCdb(read10(index * blocks, blocks)),
      });
      expected.set(tag, index + 1);
    }
    initiator.wire.resume();
    while (expected.size > 0) {
      const pdu = await initiator.receive();
      expect(pdu!.opcode).toBe(Opcode.DATA_IN);
      const { initiatorTaskTag, targetTransferTag, flags, status } = decode(DataIn, pdu!.header);
      expect(targetTransferTag).toBe(RESERVED_TAG);
      // toEqual would look at each byte by itself, for seconds.
      expect(pdu!.data.equals(Buffer.alloc(blocks * BLOCK, expected.get(initiatorTaskTag)))).toBe(true);
      expect(flags & STATUS_BIT).toBe(STATUS_BIT);
      expect(status).toBe(Status.GOOD);
      expected.delete(initiatorTaskTag);
    }
    await initiator.expectSilence();
  });
});
