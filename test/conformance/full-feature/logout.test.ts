// Logout in its three reasons and one that there is not; and a target that is told to stop, which asks for it.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AsyncEvent, AsyncMessage } from '../../../src/pdu/async-message.ts';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { LogoutReason, LogoutRequest, LogoutResponse, LogoutResult } from '../../../src/pdu/logout.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { Status } from '../../../src/scsi/task.ts';
import { testUnitReady } from '../../support/cdbs.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { ENGINES, serve } from './serving.ts';

const UNKNOWN_REASON = 5;

describe.each(ENGINES)('Logout on %s (RFC 7143 §11.14)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it.each([
    { what: 'session', reason: LogoutReason.CLOSE_SESSION },
    { what: 'connection', reason: LogoutReason.CLOSE_CONNECTION },
  ])('closes the $what and then the TCP connection', async ({ reason }) => {
    using initiator = await RawInitiator.logIn(target.port);
    expect(await initiator.logOut(reason)).toBe(LogoutResult.SUCCESS);
  });

  it('answers after the commands before it, and keeps nothing to be taken up again', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
    const tag = initiator.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION, cid: 1 });
    const { response, initiatorTaskTag, time2Retain } = await initiator.expect(LogoutResponse);
    expect({ response, initiatorTaskTag, time2Retain }).toEqual({
      response: LogoutResult.SUCCESS,
      initiatorTaskTag: tag,
      time2Retain: 0,
    });
    await initiator.expectClose();
  });

  it.each([
    {
      what: 'a connection that there is not',
      reason: LogoutReason.CLOSE_CONNECTION,
      cid: 77,
      result: LogoutResult.CID_NOT_FOUND,
    },
    {
      what: 'recovery, at ErrorRecoveryLevel 0',
      reason: LogoutReason.REMOVE_FOR_RECOVERY,
      cid: 1,
      result: LogoutResult.RECOVERY_NOT_SUPPORTED,
    },
  ])('refuses $what, and the session goes on', async ({ reason, cid, result }) => {
    using initiator = await RawInitiator.logIn(target.port);
    initiator.send(LogoutRequest, { flags: FINAL_BIT | reason, cid }, { immediate: true });
    expect((await initiator.expect(LogoutResponse)).response).toBe(result);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it('rejects a reason that there is not, and the session goes on', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    initiator.send(LogoutRequest, { flags: FINAL_BIT | UNKNOWN_REASON, cid: 1 }, { immediate: true });
    expect((await initiator.expect(Reject)).reason).toBe(RejectReason.INVALID_PDU_FIELD);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });
});

describe.each(ENGINES)('a target that is told to stop, on %s', (engine) => {
  it('asks for a logout (RFC 7143 §11.9.1), serves until it comes, and exits with 0', async () => {
    await using target = await serve(engine);
    using initiator = await RawInitiator.logIn(target.port);
    target.drain();
    const message = await initiator.expect(AsyncMessage);
    expect(message).toMatchObject({ asyncEvent: AsyncEvent.LOGOUT_REQUEST, initiatorTaskTag: RESERVED_TAG });
    expect(message.parameter3).toBeGreaterThan(0);
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
    expect(await initiator.logOut()).toBe(LogoutResult.SUCCESS);
    await vi.waitFor(() => expect(target.running).toBe(false), { timeout: 20_000 });
  });
});
