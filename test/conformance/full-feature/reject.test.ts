// Requests that full feature phase has no place for: each is sent back with the reason, and nothing else happens.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../../src/pdu/bhs.ts';
import { LoginRequest } from '../../../src/pdu/login-request.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT, IMMEDIATE_BIT, Opcode } from '../../../src/pdu/opcode.ts';
import { Reject, RejectReason } from '../../../src/pdu/reject.ts';
import { SnackRequest } from '../../../src/pdu/snack.ts';
import { Status } from '../../../src/scsi/task.ts';
import { testUnitReady } from '../../support/cdbs.ts';
import { encode } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { ENGINES, serve } from './serving.ts';

const UNASSIGNED_OPCODE = 0x0a;

const snack = encode(SnackRequest, {
  opcode: Opcode.SNACK_REQUEST | IMMEDIATE_BIT,
  flags: FINAL_BIT,
  initiatorTaskTag: RESERVED_TAG,
  targetTransferTag: RESERVED_TAG,
});
const unknown = encode(NopOut, {
  opcode: UNASSIGNED_OPCODE | IMMEDIATE_BIT,
  flags: FINAL_BIT,
  initiatorTaskTag: 0x1234_5678,
  targetTransferTag: RESERVED_TAG,
});
const login = encode(LoginRequest, {
  opcode: Opcode.LOGIN_REQUEST | IMMEDIATE_BIT,
  initiatorTaskTag: 0x8765_4321,
  cid: 1,
});

const CASES = [
  { what: 'a SNACK at ErrorRecoveryLevel 0', header: snack, reason: RejectReason.SNACK_REJECT },
  { what: 'an opcode that no request has', header: unknown, reason: RejectReason.COMMAND_NOT_SUPPORTED },
  { what: 'a Login Request', header: login, reason: RejectReason.PROTOCOL_ERROR },
];

describe.each(ENGINES)('Reject on %s (RFC 7143 §11.17)', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await serve(engine);
  });
  afterAll(() => target.stop());

  it.each(CASES)('sends back $what, all 48 bytes, and the session goes on', async ({ header, reason }) => {
    using initiator = await RawInitiator.logIn(target.port);
    const { expCmdSN, expStatSN } = initiator;
    initiator.wire.write(header);
    const reject = await initiator.expect(Reject);
    expect(reject).toMatchObject({ reason, flags: FINAL_BIT, initiatorTaskTag: RESERVED_TAG, expCmdSN });
    expect(reject.statSN).toBe(expStatSN);
    expect(reject.data).toEqual(header);
    await initiator.expectSilence();
    expect((await initiator.command(testUnitReady())).status).toBe(Status.GOOD);
  });

  it('answers every one of many faults in a row', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    const rounds = 50;
    initiator.wire.write(Buffer.concat(Array.from({ length: rounds }, () => CASES.map(({ header }) => header)).flat()));
    for (let round = 0; round < rounds; round++) {
      for (const { header, reason } of CASES) {
        const reject = await initiator.expect(Reject);
        expect(reject.reason).toBe(reason);
        expect(reject.data).toEqual(header);
      }
    }
    await initiator.expectSilence();
  });
});
