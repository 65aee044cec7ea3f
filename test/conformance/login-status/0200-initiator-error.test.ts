// 0200: the request breaks a rule of the protocol for which there is no code of its own. One crafted request, or two, for each rule.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CSG_SHIFT, Stage, TRANSIT_BIT } from '../../../src/pdu/login-request.ts';
import type { LoginStep } from '../../support/initiator-login.ts';
import { knock, namesAnd, stepsStatus, straight, takeSteps } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { casesOf } from './cases.ts';
import { serve } from './serve.ts';

const prove = casesOf('0200');
let target: TargetProcess;
beforeAll(async () => {
  target = await serve();
});
afterAll(() => target.stop());

const { SECURITY, OPERATIONAL, FULL_FEATURE } = Stage;
/** A step that stays where it is. */
const FIRST: LoginStep = { stage: SECURITY, pairs: namesAnd() };
/** All of a login in one request, as bytes. */
const bytes = (text: string): LoginStep => ({
  ...straight(),
  text: Buffer.from(`${namesAnd().map((pair) => pair.join('='))}\0`.replaceAll(',', '\0') + text),
});
const flags = (value: number): LoginStep => ({ ...FIRST, values: { flags: value } });

const status = (...steps: LoginStep[]): Promise<string> => stepsStatus(target.port, steps);
/** Every one of these logins, for itself. */
async function refused(...logins: LoginStep[]): Promise<void> {
  for (const step of logins) expect(await status(step)).toBe('0200');
}

prove('T together with C', () => refused({ ...straight(), more: true }));

prove('a reserved CSG', () => refused(flags(2 << CSG_SHIFT), flags(3 << CSG_SHIFT)));

prove('a reserved NSG', () => refused(flags(TRANSIT_BIT | 2), flags(TRANSIT_BIT | (1 << CSG_SHIFT) | 2)));

prove('an NSG that does not lead onward', async () => {
  await refused(flags(TRANSIT_BIT), { ...straight(), next: SECURITY }, { ...straight(), next: OPERATIONAL });
});

prove('CSG changed without a transit', async () => {
  expect(await status(FIRST, { stage: OPERATIONAL })).toBe('0200');
  const secured: LoginStep = { ...FIRST, next: OPERATIONAL };
  expect(await status(secured, { stage: SECURITY })).toBe('0200');
  expect(await status(secured, { stage: OPERATIONAL, next: FULL_FEATURE })).toBe('0000');
});

const change = async (values: LoginStep['values']) =>
  expect(await status(FIRST, { stage: SECURITY, next: OPERATIONAL, values })).toBe('0200');
prove('Version-max changed inside a login', () => change({ versionMax: 1 }));
prove('Version-min changed inside a login', () => change({ versionMin: 1 }));
prove('ISID changed inside a login', () => change({ isid: Buffer.from('80ffffffffff', 'hex') }));
prove('TSIH changed inside a login', () => change({ tsih: 1 }));
prove('CID changed inside a login', () => change({ cid: 77 }));
prove('Initiator Task Tag changed inside a login', () => change({ initiatorTaskTag: 77 }));
prove('CmdSN changed inside a login', () => change({ cmdSN: 77 }));

prove('a key given twice in one request', () => refused(bytes('ImmediateData=Yes\0ImmediateData=Yes\0')));

prove('a key given twice in two requests', async () => {
  const once: LoginStep = { stage: OPERATIONAL, pairs: namesAnd({ ImmediateData: 'Yes' }) };
  const again: LoginStep = { stage: OPERATIONAL, next: FULL_FEATURE, pairs: [['ImmediateData', 'Yes']] };
  expect(await status(once, again)).toBe('0200');
});

prove('an illegal value', async () => {
  await refused(
    straight({ MaxRecvDataSegmentLength: '511' }),
    straight({ MaxBurstLength: '16777216' }),
    straight({ MaxConnections: '0' }),
    straight({ ErrorRecoveryLevel: '3' }),
    straight({ DefaultTime2Wait: '3601' }),
    straight({ MaxBurstLength: '0512' }),
    straight({ ImmediateData: 'yes' }),
    straight({ HeaderDigest: 'CRC32' }),
  );
});

prove('FirstBurstLength above MaxBurstLength', async () => {
  await refused(straight({ FirstBurstLength: '8192', MaxBurstLength: '4096' }));
  expect(await status(straight({ FirstBurstLength: '4096', MaxBurstLength: '4096' }))).toBe('0000');
});

prove('a pair without =', () => refused(bytes('ImmediateData\0')));

prove('a text without its last NUL', async () => {
  await refused(bytes('ImmediateData=Yes'));
  expect(await status(bytes('ImmediateData=Yes\0'))).toBe('0000');
});

prove('a key of 64 bytes', async () => {
  await refused(straight({ [`X-${'k'.repeat(62)}`]: '1' }));
  expect(await status(straight({ [`X-${'k'.repeat(61)}`]: '1' }))).toBe('0000');
});

prove('a value of 256 bytes', async () => {
  await refused(straight({ 'X-io.lunaring': 'v'.repeat(256) }));
  expect(await status(straight({ 'X-io.lunaring': 'v'.repeat(255) }))).toBe('0000');
  // An alias is no list, whatever it has in it: 220 items made a record that no worker could be told of.
  await refused(straight({ InitiatorAlias: `${'a'.repeat(200)},${'b'.repeat(55)}` }));
  expect(await status(straight({ InitiatorAlias: `${'a'.repeat(200)},${'b'.repeat(54)}` }))).toBe('0000');
});

prove('a binary value of 1025 bytes', async () => {
  await refused(straight({ 'X-io.lunaring': `0x${'00'.repeat(1025)}` }));
  expect(await status(straight({ 'X-io.lunaring': `0x${'00'.repeat(1024)}` }))).toBe('0000');
});

prove('an illegal iSCSI name', async () => {
  await refused(
    straight({ InitiatorName: 'host.example.com' }),
    straight({ InitiatorName: 'iqn.2026-11.x:\u001b[2J' }),
    straight({ InitiatorName: 'iqn.2026-11.x:n,i,0x00023d000001' }),
    straight({ InitiatorName: `iqn.2026-11.x:${'n'.repeat(210)}` }),
    straight({ TargetName: 'disk0' }),
    straight({ TargetName: 'iqn.2026-13.com.example' }),
    straight({ TargetName: 'eui.0123456789abcde' }),
    straight({ TargetName: 'iqn.2026-11.x:my_disk' }),
  );
  expect(await status(straight({ InitiatorName: 'eui.0123456789ABCDEF' }))).toBe('0000');
});

test('names that initiators have though they are no iSCSI names are taken', async () => {
  const names = ['iqn.2008-11.org.linux-kvm:my_vm', 'iqn.2008-11.org.linux-kvm:my vm', 'iqn.localhost.hostid.7f000001'];
  for (const InitiatorName of names) expect(await status(straight({ InitiatorName }))).toBe('0000');
});

prove('security keys after the security stage', async () => {
  const secured: LoginStep = { ...FIRST, next: OPERATIONAL, pairs: namesAnd({ AuthMethod: 'None' }) };
  for (const pair of [
    ['AuthMethod', 'None'],
    ['CHAP_A', '5'],
  ] as const) {
    expect(await status(secured, { stage: OPERATIONAL, next: FULL_FEATURE, pairs: [pair] })).toBe('0200');
  }
});

prove('too many requests', async () => {
  using initiator = await knock(target.port);
  expect(await takeSteps(initiator, [FIRST, ...Array<LoginStep>(15).fill({ stage: SECURITY })])).toBe('0000');
  expect(await takeSteps(initiator, [{ stage: SECURITY }])).toBe('0200');
});

prove('too much text', async () => {
  const piece: LoginStep = { stage: SECURITY, more: true, text: Buffer.alloc(8192, 'X-io.lunaring=v\0') };
  using initiator = await knock(target.port);
  expect(await takeSteps(initiator, Array<LoginStep>(8).fill(piece))).toBe('0000');
  expect(await takeSteps(initiator, [piece])).toBe('0200');
});

describe('beside them', () => {
  test('§13.12: a data segment above 8192 bytes', () =>
    refused({ ...straight(), text: Buffer.alloc(8193, 'X-a=b\0') }));

  test('additional header segments', () => refused({ ...straight(), values: { totalAHSLength: 1 } }));

  test('operational keys in the security stage', () =>
    refused({ ...FIRST, pairs: namesAnd({ ImmediateData: 'Yes' }) }));

  test('a name that changes', async () => {
    const other = namesAnd({ TargetName: `${TARGET_NAME}-other`, InitiatorName: undefined, SessionType: undefined });
    expect(await status(FIRST, { stage: SECURITY, pairs: other })).toBe('0200');
  });

  test('the refusal says which rule it broke, what came and what was expected', async () => {
    await refused(straight({ MaxConnections: '70000' }));
    await target.logged(
      /"rule":"MaxConnections is a number in its range","received":"MaxConnections=70000","expected":"a number/,
    );
  });
});
