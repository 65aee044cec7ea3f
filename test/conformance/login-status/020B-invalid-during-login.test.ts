// 020B: login has begun, and a PDU other than a Login Request comes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { LoginResponse } from '../../../src/pdu/login-response.ts';
import { LogoutRequest } from '../../../src/pdu/logout.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { ScsiCommand } from '../../../src/pdu/scsi-command.ts';
import { SnackRequest } from '../../../src/pdu/snack.ts';
import { TaskManagementRequest } from '../../../src/pdu/task-management.ts';
import { TextRequest } from '../../../src/pdu/text-pdu.ts';
import type { AnyLayout } from '../../support/header-values.ts';
import { knock, loginStatus, namesAnd, statusOf, takeSteps } from '../../support/login-attempt.ts';
import type { SendOptions } from '../../support/raw-initiator.ts';
import type { TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('020B');
let target: TargetProcess;
beforeAll(async () => {
  target = await serve();
});
afterAll(() => target.stop());

/** One step of login, then this PDU. */
async function interrupt(layout: AnyLayout, options: SendOptions = {}): Promise<void> {
  using initiator = await knock(target.port);
  expect(await takeSteps(initiator, [{ stage: 0, next: 1, pairs: namesAnd() }])).toBe('0000');
  initiator.send(layout, {}, options);
  expect(statusOf(await initiator.expect(LoginResponse))).toBe('020B');
  await initiator.expectClose();
}

prove('a SCSI Command after one step', () => interrupt(ScsiCommand));
prove('a Text Request after one step', () => interrupt(TextRequest, { data: Buffer.from('SendTargets=All\0') }));
prove('a NOP-Out after one step', () => interrupt(NopOut));
prove('a Data-Out after one step', () => interrupt(DataOut, { data: Buffer.alloc(4096) }));
prove('a Logout Request after one step', () => interrupt(LogoutRequest, { immediate: true }));

prove('a NOP-Out as the first PDU gets a bare close', async () => {
  for (const layout of [NopOut, ScsiCommand, TextRequest, LogoutRequest]) {
    using initiator = await knock(target.port);
    initiator.send(layout);
    await initiator.expectClose();
  }
});

describe('beside them', () => {
  test('task management and SNACK', async () => {
    await interrupt(TaskManagementRequest, { immediate: true });
    await interrupt(SnackRequest);
  });

  test('a PDU of which only the header has come, with a data segment of 16 MiB', async () => {
    using initiator = await knock(target.port);
    expect(await takeSteps(initiator, [{ stage: 0, pairs: namesAnd() }])).toBe('0000');
    initiator.send(DataOut, { dataSegmentLength: 0xffffff });
    expect(statusOf(await initiator.expect(LoginResponse))).toBe('020B');
    await initiator.expectClose();
  });

  test('the target is none the worse for it', async () => {
    expect(await loginStatus(target.port)).toBe('0000');
  });
});
