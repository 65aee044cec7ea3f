// Mistakes that other targets are known for, so that ours never makes them.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { LoginResponse } from '../../../src/pdu/login-response.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { Opcode } from '../../../src/pdu/opcode.ts';
import { Digest } from '../../../src/pdu/parameters.ts';
import { ScsiCommand } from '../../../src/pdu/scsi-command.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import {
  admitted,
  knock,
  loginStatus,
  namesAnd,
  statusOf,
  stepsStatus,
  takeSteps,
} from '../../support/login-attempt.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, serve, targetOf } from './serve.ts';

const PROTECTED = `${TARGET_NAME}-protected`;
const SMALL = `${TARGET_NAME}-small`;
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      targets: [targetOf(), targetOf({ name: PROTECTED, auth: CHAP }), targetOf({ name: SMALL, connectionLimit: 1 })],
    },
  );
});
afterAll(() => target.stop());

test('CSG=1 does not get around CHAP, not even with keys that are all right', async () => {
  const keys = { TargetName: PROTECTED, MaxBurstLength: '65536', HeaderDigest: 'None' };
  const straight = { stage: 1, next: 3, pairs: namesAnd(keys) };
  expect(await stepsStatus(target.port, [straight])).toBe('0201');
  expect(await stepsStatus(target.port, [{ ...straight, stage: 0, pairs: namesAnd({ TargetName: PROTECTED }) }])).toBe(
    '0201',
  );
  expect(await loginStatus(target.port, { target: PROTECTED, chap: ALICE })).toBe('0000');
});

test('an unknown name is 0203, never 0301: initiators would retry for ever', async () => {
  for (const name of [`${TARGET_NAME}x`, 'iqn.2001-04.com.example:storage', 'eui.0123456789abcdef']) {
    expect(await loginStatus(target.port, { target: name })).toBe('0203');
  }
});

test('SessionType is not demanded', async () => {
  const straight = { stage: 1, next: 3, pairs: namesAnd({ SessionType: undefined }) };
  expect(await stepsStatus(target.port, [straight])).toBe('0000');
});

test('an unknown TSIH is 020A, not 0208', async () => {
  expect(await loginStatus(target.port, { tsih: 0x7777 })).toBe('020A');
});

test('0206 is a limit of one target, not of the process', async () => {
  const small = await admitted(target.port, { target: SMALL });
  expect(await loginStatus(target.port, { target: SMALL })).toBe('0206');
  const others = [];
  for (let count = 0; count < 5; count++) others.push(await admitted(target.port));
  for (const initiator of [small, ...others]) await initiator.logOut();
});

test('digests that were agreed on are computed and checked', async () => {
  const keys = { HeaderDigest: 'CRC32C,None', DataDigest: 'CRC32C,None' };
  const initiator = await admitted(target.port, { keys });
  expect(initiator.parameters).toMatchObject({ headerDigest: Digest.crc32c, dataDigest: Digest.crc32c });
  const data = noise(4096, 3);
  // Our end checks every digest that comes; a target that sends none is not understood.
  expect(await initiator.command(write16(0, 8), { write: data })).toMatchObject({ status: 0 });
  expect((await initiator.command(read16(0, 8), { read: 4096 })).data.equals(data)).toBe(true);
  initiator.send(NopOut, {}, { immediate: true, wrongHeaderDigest: true });
  await initiator.expectClose();
});

test('the way to 020B crashes nothing, and leaves nothing behind', async () => {
  for (let round = 0; round < 50; round++) {
    using initiator = await knock(target.port);
    expect(await takeSteps(initiator, [{ stage: 0, next: 1, pairs: namesAnd() }])).toBe('0000');
    initiator.send(ScsiCommand);
    expect(statusOf(await initiator.expect(LoginResponse))).toBe('020B');
    await initiator.expectClose();
  }
  expect(await loginStatus(target.port)).toBe('0000');
});

test('a method that is refused is not answered with status 0 and a close', async () => {
  const offer = (TargetName: string, AuthMethod: string) =>
    stepsStatus(target.port, [{ stage: 0, next: 1, pairs: namesAnd({ TargetName, AuthMethod }) }]);
  expect(await offer(PROTECTED, 'KRB5')).toBe('0201');
  expect(await offer(TARGET_NAME, 'KRB5')).toBe('0201');
});

test('a first PDU that is no login is not answered', async () => {
  const browser = Buffer.from('GET / HTTP/1.1\r\nHost: storage.example.com\r\nAccept: */*\r\n\r\n');
  const garbage = noise(512, 9);
  garbage[0] = Opcode.SNACK_REQUEST;
  for (const bytes of [browser, garbage]) {
    using initiator = await knock(target.port);
    initiator.wire.write(bytes);
    await initiator.expectClose();
  }
});
