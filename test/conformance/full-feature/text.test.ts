// Text Requests inside a session: SendTargets, the keys that may still be declared, and exchanges in several PDUs.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { encodePairs, parsePairs } from '../../../src/pdu/text.ts';
import { CONTINUE_BIT, TextRequest, TextResponse } from '../../../src/pdu/text-pdu.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, testUnitReady } from '../../support/cdbs.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { BLOCK, ENGINES, serve } from './serving.ts';

describe.each(ENGINES)('Text Requests on %s (RFC 7143 §11.10)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it.each(['', TARGET_NAME])('SendTargets=%s tells of the target of the session and its portals', async (value) => {
    using initiator = await RawInitiator.logIn(target.port);
    const answer = await initiator.text({ SendTargets: value });
    expect([...answer!]).toEqual([
      ['TargetName', TARGET_NAME],
      ['TargetAddress', `${target.portal},1`],
    ]);
  });

  it('SendTargets=All is for discovery sessions only (Appendix C)', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    expect([...(await initiator.text({ SendTargets: 'All' }))!]).toEqual([['SendTargets', 'Reject']]);
  });

  it('SendTargets tells nothing of another target', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    expect([...(await initiator.text({ SendTargets: `${TARGET_NAME}x` }))!]).toEqual([]);
  });

  it('answers NotUnderstood to a key it does not know, Reject to one that login settled', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const answer = await initiator.text({ 'X-io.lunaring.test': '1', MaxBurstLength: '65536' });
    expect([...answer!]).toEqual([
      ['X-io.lunaring.test', 'NotUnderstood'],
      ['MaxBurstLength', 'Reject'],
    ]);
  });

  it('puts text together that comes in parts, cut anywhere', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const whole = encodePairs([['SendTargets', TARGET_NAME]]);
    let targetTransferTag = RESERVED_TAG;
    const tag = initiator.session.nextTag++;
    for (const [from, to] of [
      [0, 5],
      [5, 20],
    ] as const) {
      const values = { flags: CONTINUE_BIT, initiatorTaskTag: tag, targetTransferTag };
      initiator.send(TextRequest, values, { data: whole.subarray(from, to) });
      const reply = await initiator.expect(TextResponse);
      expect(reply).toMatchObject({ flags: 0, initiatorTaskTag: tag, dataSegmentLength: 0 });
      expect(reply.targetTransferTag).not.toBe(RESERVED_TAG);
      targetTransferTag = reply.targetTransferTag;
    }
    initiator.send(TextRequest, { initiatorTaskTag: tag, targetTransferTag }, { data: whole.subarray(20) });
    const last = await initiator.expect(TextResponse);
    expect(last).toMatchObject({ flags: FINAL_BIT, targetTransferTag: RESERVED_TAG });
    expect(parsePairs(last.data)!.get('TargetName')).toBe(TARGET_NAME);
  });

  it('sends Data-In in segments of the MaxRecvDataSegmentLength last declared (§13.12)', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const sizes = async (): Promise<number[]> => {
      const { status, dataIn } = await initiator.command(read10(0, 8), { read: 8 * BLOCK });
      expect(status).toBe(Status.GOOD);
      return dataIn.map(({ dataSegmentLength }) => dataSegmentLength);
    };
    expect(await sizes()).toEqual([4096]);
    expect([...(await initiator.text({ MaxRecvDataSegmentLength: '512' }))!]).toEqual([]);
    expect(await sizes()).toEqual(Array(8).fill(512));
    expect([...(await initiator.text({ MaxRecvDataSegmentLength: '2048' }))!]).toEqual([]);
    expect(await sizes()).toEqual([2048, 2048]);
  });

  it.each(['511', '16777216', 'many'])('refuses MaxRecvDataSegmentLength=%s (§13.12)', async (value) => {
    using initiator = await RawInitiator.logIn(target.port);
    const answer = await initiator.text({ MaxRecvDataSegmentLength: value });
    expect([...answer!]).toEqual([['MaxRecvDataSegmentLength', 'Reject']]);
  });

  it('rejects a Target Transfer Tag that no exchange goes by, and the session goes on', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const data = encodePairs([['SendTargets', '']]);
    const { cmdSN } = initiator.session;
    initiator.send(TextRequest, { targetTransferTag: 0x1234, cmdSN }, { data });
    expect(await initiator.expect(Reject)).toMatchObject({ reason: RejectReason.PROTOCOL_ERROR, expCmdSN: cmdSN });
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });
});
