// NOP-Out and NOP-In: the initiator's pings, and the target's own to an initiator that has fallen silent.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { NopIn } from '../../../src/pdu/nop-in.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { Status } from '../../../src/scsi/task.ts';
import { testUnitReady } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { ENGINES, serve } from './serving.ts';

describe.each(ENGINES)('NOP-Out on %s (RFC 7143 §11.18)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it.each([0, 1, 3, 512, 8192])('comes back with its tag, its LUN and its %i bytes', async (length) => {
    using initiator = await RawInitiator.logIn(target.port);
    const data = Buffer.from(Array.from({ length }, (_, index) => index & 0xff));
    const lun = lunField(5);
    const tag = initiator.send(NopOut, { lun }, { immediate: true, data });
    const reply = await initiator.expect(NopIn);
    expect(reply).toMatchObject({ flags: FINAL_BIT, initiatorTaskTag: tag, targetTransferTag: RESERVED_TAG });
    expect(Buffer.from(reply.lun)).toEqual(lun);
    expect(reply.data).toEqual(data);
  });

  it('takes a CmdSN when it is not immediate, and none when it is', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const before = initiator.expCmdSN;
    await initiator.ping();
    expect(initiator.expCmdSN).toBe(before);
    initiator.send(NopOut);
    expect((await initiator.expect(NopIn)).expCmdSN).toBe(before + 1);
  });

  it('is rejected when it has no tag and is not immediate', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const { cmdSN } = initiator.session;
    initiator.send(NopOut, { initiatorTaskTag: RESERVED_TAG, cmdSN });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.PROTOCOL_ERROR);
    await initiator.expectSilence();
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it('gets no answer when it has no tag and is immediate', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    initiator.send(NopOut, { initiatorTaskTag: RESERVED_TAG }, { immediate: true });
    await initiator.expectSilence();
  });
});

/** Longer than this initiator, which means to answer, is ever kept from it. */
const NOP_INTERVAL_MS = 2000;

describe.each(ENGINES)('NOP-In of the target on %s (RFC 7143 §11.19)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine, { nopIntervalMs: NOP_INTERVAL_MS });
  });
  afterAll(() => target.stop());

  it('asks a silent initiator, and drops one that does not answer', async () => {
    using initiator = await RawInitiator.logIn(target.port, { keepAttentions: true });
    const ping = await initiator.expect(NopIn);
    expect(ping.initiatorTaskTag).toBe(RESERVED_TAG);
    expect(ping.targetTransferTag).not.toBe(RESERVED_TAG);
    expect(ping.data).toHaveLength(0);
    await initiator.expectClose();
  });

  it('keeps an initiator that answers, and uses up no StatSN', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const { expStatSN } = initiator;
    for (let round = 0; round < 2; round++) {
      const { statSN, targetTransferTag, lun } = await initiator.expect(NopIn);
      expect(statSN).toBe(expStatSN);
      initiator.send(NopOut, { initiatorTaskTag: RESERVED_TAG, targetTransferTag, lun }, { immediate: true });
    }
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });
});
