// The status codes, provoked in every way there is to earn them, with the control that shows that the neighbour passes.
// 0201 is in security.test.ts; 0206, 0208 and 020A, which are about sessions, are in identity.test.ts.

import { describe, expect, test } from 'vitest';
import { LoginMachine } from '../../src/login/login-machine.ts';
import type { LoginTarget } from '../../src/login/policy.ts';
import { fault } from '../../src/login/refusal.ts';
import { LoginReason } from '../../src/pdu/login-reason.ts';
import { LoginStatus } from '../../src/pdu/login-status.ts';
import {
  IDENTITY,
  Initiator,
  loginRequest,
  OPERATE,
  type RequestFields,
  readResponse,
  SECURE,
  statusOf,
  type Text,
} from './initiator.ts';
import { chap, ENDPOINT, INITIATOR, makeSession, mutual, OPEN_ACL, offered, TARGET, World } from './world.ts';

const without = (key: keyof typeof IDENTITY) =>
  Object.fromEntries(Object.entries(IDENTITY).filter(([name]) => name !== key));
const withDenial = (acl: Partial<LoginTarget['acl']>) => ({ acl: { ...OPEN_ACL, ...acl } });

describe('every refusal', () => {
  test('§11.13: echoes ITT and ISID, has no TSIH, no stage bits, and ends the login', () => {
    const world = new World({ state: 'offline' });
    const initiator = new Initiator(world, { itt: 0xdeadbeef, isid: '40000137abcd' });
    const { itt, isid, tsih, transit, continues, csg, nsg, text } = initiator.refused(OPERATE, IDENTITY);
    expect({ itt, isid, tsih, transit, continues, csg, nsg, text }).toEqual({
      itt: 0xdeadbeef,
      isid: '40000137abcd',
      tsih: 0,
      transit: false,
      continues: false,
      csg: 0,
      nsg: 0,
      text: '',
    });
    expect(initiator.send(OPERATE, IDENTITY)).toEqual({ kind: 'close', reason: 'login is over' });
  });

  test('explains itself: rule, received, expected, causes, fixes, and who it was', () => {
    const { refusal } = new Initiator(new World()).refused(OPERATE, {
      ...IDENTITY,
      TargetName: 'iqn.2026-11.io.lunaring:Nothing',
    });
    expect(refusal).toMatchObject({
      code: LoginStatus.TARGET_NOT_FOUND,
      status: '0203',
      name: 'TargetNotFound',
      rule: 'the portal group serves the target',
      received: 'iqn.2026-11.io.lunaring:nothing at portal group 1',
      initiatorName: INITIATOR,
      targetName: 'iqn.2026-11.io.lunaring:Nothing',
      peerAddress: ENDPOINT.peerAddress,
      correlationId: ENDPOINT.correlationId,
    });
    expect(refusal.causes.length).toBeGreaterThan(0);
    expect(refusal.fixes.length).toBeGreaterThan(0);
    expect(refusal.sections).toContain('11.13.5');
  });

  test('prints no control characters of the peer, and not without end', () => {
    const { refusal } = new Initiator(new World()).refused(OPERATE, {
      ...IDENTITY,
      SessionType: '\x1b[2J\nfake line\u202e',
    });
    expect(refusal.received).toBe('SessionType=?[2J?fake line?');
    const long = new Initiator(new World()).refused(OPERATE, {
      ...IDENTITY,
      HeaderDigest: Array(40).fill('x'.repeat(20)).join(),
    });
    expect(long.refusal.received.length).toBeLessThan(400);
  });

  test('nor in what is expected, where that is what the peer said before', () => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 0 }, { ...IDENTITY, InitiatorAlias: 'a\x1b[2J\x07' });
    const { refusal } = initiator.refused({ csg: 0 }, { InitiatorAlias: 'b\x1b[3J' });
    expect(refusal).toMatchObject({ received: 'InitiatorAlias=b?[3J', expected: 'InitiatorAlias=a?[2J?' });
  });
});

describe('0000: success', () => {
  test('the final response carries the TSIH, T=1, CSG=1 and NSG=3; earlier ones carry none', () => {
    const initiator = new Initiator(new World());
    const first = initiator.ask(SECURE, { ...IDENTITY, AuthMethod: 'None' });
    expect(first).toMatchObject({
      tsih: 0,
      transit: true,
      csg: 0,
      nsg: 1,
      status: '0000',
      versionMax: 0,
      versionActive: 0,
    });
    const { response } = initiator.complete(OPERATE);
    expect(response).toMatchObject({ tsih: 0x4242, transit: true, csg: 1, nsg: 3, status: '0000' });
  });

  test('§13.9: TargetPortalGroupTag is in the first response that follows TargetName, and in no other', () => {
    const initiator = new Initiator(new World({ alias: 'first disk' }), {}, { portalGroupTag: 1 });
    const first = initiator.ask(SECURE, { ...IDENTITY, AuthMethod: 'None' });
    expect(first.keys).toEqual({ TargetPortalGroupTag: '1', TargetAlias: 'first disk', AuthMethod: 'None' });
    const { response } = initiator.complete(OPERATE);
    expect(response.keys).not.toHaveProperty('TargetPortalGroupTag');
  });

  test('StatSN counts responses; ExpCmdSN is the CmdSN of the requests, for they are immediate', () => {
    const initiator = new Initiator(new World(), { cmdSN: 0xffffffff });
    expect(initiator.ask({ csg: 0 }, IDENTITY)).toMatchObject({
      statSN: 0,
      expCmdSN: 0xffffffff,
      maxCmdSN: 0xffffffff,
    });
    expect(initiator.ask(SECURE)).toMatchObject({ statSN: 1 });
    const { response, grant } = initiator.complete(OPERATE);
    expect(response).toMatchObject({ statSN: 2, expCmdSN: 0xffffffff, maxCmdSN: 14 });
    expect(grant).toMatchObject({ statSN: 3, expCmdSN: 0xffffffff });
  });
});

describe.each([
  ['0101', false],
  ['0102', true],
] as const)('%s: target moved', (status, permanent) => {
  const moved = (address: string) => new World({ redirect: { address, permanent } });

  test.each([
    ['192.0.2.7:3261,2', '192.0.2.7:3261'],
    ['192.0.2.7', '192.0.2.7:3260'],
    ['[2001:db8::0007]:3260,1', '[2001:db8::7]:3260'],
    ['storage.example.com:860', 'storage.example.com:860'],
  ])('before security: %s is TargetAddress=%s', (address, sent) => {
    const world = new World({ redirect: { address, permanent }, auth: chap() });
    const response = new Initiator(world).refused(SECURE, { ...IDENTITY, AuthMethod: 'CHAP' });
    expect(response).toMatchObject({ status, keys: { TargetAddress: sent } });
    expect(response.text).toBe(`TargetAddress=${sent}\0`);
  });

  test('never to the portal in use: the login goes on there', () => {
    expect(statusOf(moved('192.0.2.1:3260,1'))).toBe('0000');
    expect(statusOf(moved('[::ffff:192.0.2.1]:3260'))).toBe('0000');
    expect(statusOf(moved('192.0.2.1:3261'))).toBe(status);
  });

  test('nor to where the portal in use is said to be', () => {
    expect(statusOf(moved('198.51.100.7:13260'))).toBe(status);
    const initiator = new Initiator(moved('198.51.100.7:13260'), {}, { advertised: '198.51.100.7:13260' });
    const outcome = initiator.send(OPERATE, IDENTITY);
    expect(outcome.kind).toBe('complete');
  });

  test('of one initiator: only after it has proven who it is', () => {
    const world = new World({ auth: chap() });
    world.redirect = { address: '192.0.2.8:3260', permanent };
    const stranger = new Initiator(world);
    expect(stranger.refused(SECURE, stranger.proof('alice', 'a wrong secret')).status).toBe('0201');
    const initiator = new Initiator(world);
    const response = initiator.refused(SECURE, initiator.proof());
    expect(response).toMatchObject({ status, keys: { TargetAddress: '192.0.2.8:3260' } });
  });

  test('of one initiator, where no proof is asked for: at the end of the security stage, or in the first request', () => {
    const world = new World();
    world.redirect = { address: '192.0.2.8:3260', permanent };
    expect(statusOf(world)).toBe(status);
    const initiator = new Initiator(world);
    initiator.ask({ csg: 0 }, { ...IDENTITY, AuthMethod: 'None' });
    expect(initiator.refused(SECURE).status).toBe(status);
  });
});

describe('0200: initiator error', () => {
  const first: [string, Partial<RequestFields>, Text][] = [
    ['T together with C', { ...OPERATE, continues: true }, IDENTITY],
    ['reserved CSG 2', { csg: 2, transit: true, nsg: 3 }, IDENTITY],
    ['CSG 3', { csg: 3 }, IDENTITY],
    ['reserved NSG 2', { csg: 0, transit: true, nsg: 2 }, IDENTITY],
    ['NSG equal to CSG', { csg: 1, transit: true, nsg: 1 }, IDENTITY],
    ['NSG below CSG', { csg: 1, transit: true, nsg: 0 }, IDENTITY],
    ['an additional header segment', { ...OPERATE, ahs: 1 }, IDENTITY],
    ['a key twice in one text', OPERATE, `${'InitiatorName=iqn.2026-11.x:a\0'.repeat(2)}TargetName=${TARGET}\0`],
    ['a pair without =', OPERATE, 'InitiatorName\0'],
    ['a text without its last NUL', OPERATE, 'InitiatorName=iqn.2026-11.x:a'],
    ['a key of 64 bytes', OPERATE, { ...IDENTITY, ['K'.repeat(64)]: '1' }],
    ['a value of 256 bytes', OPERATE, { ...IDENTITY, 'X-com.example': 'v'.repeat(256) }],
    ['a binary value of 1025 bytes', OPERATE, { ...IDENTITY, 'X-com.example': `0x${'00'.repeat(1025)}` }],
    ['an initiator name of no known form', OPERATE, { ...IDENTITY, InitiatorName: 'host.example.com' }],
    ['an initiator name of 224 bytes', OPERATE, { ...IDENTITY, InitiatorName: `iqn.2026-11.x:${'a'.repeat(210)}` }],
    ['an initiator name that moves the cursor', OPERATE, { ...IDENTITY, InitiatorName: 'iqn.2026-11.x:\u001b[2J' }],
    ['an illegal target name', OPERATE, { ...IDENTITY, TargetName: 'disk0' }],
    ['a target name with an underscore', OPERATE, { ...IDENTITY, TargetName: 'iqn.2026-11.x:my_disk' }],
    ['a number out of range', OPERATE, { ...IDENTITY, MaxRecvDataSegmentLength: '511' }],
    ['a number that is none', OPERATE, { ...IDENTITY, MaxBurstLength: 'much' }],
    ['a boolean that is none', OPERATE, { ...IDENTITY, ImmediateData: 'yes' }],
    [
      'FirstBurstLength above MaxBurstLength',
      OPERATE,
      { ...IDENTITY, FirstBurstLength: '8192', MaxBurstLength: '4096' },
    ],
    ['a digest list with nothing for us', OPERATE, { ...IDENTITY, HeaderDigest: 'SHA-1' }],
    ['security keys in the operational stage', OPERATE, { ...IDENTITY, AuthMethod: 'None' }],
    ['operational keys in the security stage', SECURE, { ...IDENTITY, MaxBurstLength: '8192' }],
    ['CHAP keys before AuthMethod', SECURE, { ...IDENTITY, CHAP_A: '5' }],
    ['SendTargets before login is over', OPERATE, { ...IDENTITY, SendTargets: 'All' }],
    ["a key that is the target's to send", OPERATE, { ...IDENTITY, TargetPortalGroupTag: '1' }],
  ];

  test.each(first)('%s', (_name, fields, text) => {
    expect(new Initiator(new World()).refused(fields, text).status).toBe('0200');
  });

  test('the neighbours of those pass', () => {
    const passes = (text: Text) => expect(statusOf(new World(), text)).toBe('0000');
    passes({ ...IDENTITY, ['K'.repeat(63)]: '1', 'X-com.example': 'v'.repeat(255) });
    passes({ ...IDENTITY, InitiatorName: `iqn.2026-11.x:${'a'.repeat(209)}` });
    passes({ ...IDENTITY, MaxRecvDataSegmentLength: '512', FirstBurstLength: '4096', MaxBurstLength: '4096' });
    passes({ ...IDENTITY, TargetAlias: 'NotUnderstood', HeaderDigest: 'SHA-1,CRC32C' });
  });

  test('a data segment longer than 8192 bytes, judged by its header alone', () => {
    const header = loginRequest(OPERATE, 'x'.repeat(8193)).subarray(0, 48);
    const outcome = new LoginMachine(new World(), ENDPOINT).receive(header);
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { status: '0200', received: '8193 bytes' } });
  });

  const changes: [string, Partial<RequestFields>][] = [
    ['Version-max', { versionMax: 1 }],
    ['Version-min', { versionMin: 1 }],
    ['ISID', { isid: '800de7d80001' }],
    ['TSIH', { tsih: 1 }],
    ['Initiator Task Tag', { itt: 5 }],
    ['CID', { cid: 8 }],
    ['CmdSN', { cmdSN: 1001 }],
  ];

  test.each(changes)('%s that changes during the login', (name, change) => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 0 }, IDENTITY);
    const { status, refusal } = initiator.refused({ ...SECURE, ...change });
    expect(status).toBe('0200');
    expect(refusal.rule).toBe(`${name} stays the same during a login`);
  });

  test('CmdSN that goes back while a connection joins a session', () => {
    const world = new World();
    world.known = [makeSession(9, { cids: [7] })];
    const initiator = new Initiator(world, { tsih: 9, cid: 7, cmdSN: 500 });
    initiator.ask({ csg: 0 }, IDENTITY);
    const { status, refusal } = initiator.refused({ ...SECURE, cmdSN: 499 });
    expect(status).toBe('0200');
    expect(refusal).toMatchObject({ rule: 'CmdSN does not go back during a login', received: 'CmdSN 499' });
  });

  test('CSG that changes without a transit', () => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 0 }, IDENTITY);
    expect(initiator.refused({ csg: 1 }).status).toBe('0200');
    const other = new Initiator(new World());
    other.ask(SECURE, IDENTITY);
    expect(other.refused({ csg: 0 }).status).toBe('0200');
  });

  test('a key negotiated a second time in the same login', () => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 1 }, { ...IDENTITY, MaxBurstLength: '8192' });
    expect(initiator.refused(OPERATE, { MaxBurstLength: '8192' }).status).toBe('0200');
  });

  test('a name that changes; the same name again, as libiscsi sends it, passes', () => {
    const initiator = new Initiator(new World());
    initiator.ask(SECURE, IDENTITY);
    expect(initiator.refused(OPERATE, { ...IDENTITY, InitiatorName: `${INITIATOR}2` }).status).toBe('0200');
    const libiscsi = new Initiator(new World());
    libiscsi.ask(SECURE, { ...IDENTITY, AuthMethod: 'CHAP,None' });
    libiscsi.operate(IDENTITY);
  });

  test('a name that comes after the first text', () => {
    const initiator = new Initiator(new World());
    initiator.ask(SECURE, without('SessionType'));
    expect(initiator.refused(OPERATE, { SessionType: 'Discovery' }).status).toBe('0200');
  });

  test('security keys after the security stage', () => {
    const initiator = new Initiator(new World());
    initiator.ask(SECURE, { ...IDENTITY, AuthMethod: 'None' });
    expect(initiator.refused(OPERATE, { CHAP_A: '5' }).status).toBe('0200');
  });

  test('a digest that the target requires and nobody negotiates', () => {
    for (const key of ['headerDigest', 'dataDigest'] as const) {
      expect(statusOf(new World({ offered: offered({ [key]: 'require' }) }))).toBe('0200');
    }
    const world = new World({ offered: offered({ headerDigest: 'require' }) });
    expect(statusOf(world, { ...IDENTITY, HeaderDigest: 'None' })).toBe('0200');
    expect(statusOf(world, { ...IDENTITY, HeaderDigest: 'None,CRC32C' })).toBe('0000');
    expect(new Initiator(world).refused({ csg: 0, transit: true, nsg: 3 }, IDENTITY).status).toBe('0200');
  });

  test('a seventeenth request', () => {
    const initiator = new Initiator(new World());
    for (let request = 0; request < 16; request++) initiator.ask({ csg: 0 }, request === 0 ? IDENTITY : '');
    expect(initiator.refused({ csg: 0 })).toMatchObject({ status: '0200', refusal: { received: '17 requests' } });
  });

  test('more than 64 KiB of text', () => {
    const initiator = new Initiator(new World());
    const piece = `X-com.example=${'v'.repeat(100)}\0`.repeat(71).slice(0, 8100);
    for (let sent = 8100; sent <= 65536; sent += 8100) initiator.ask({ csg: 0, continues: true }, piece);
    expect(initiator.refused({ csg: 0, continues: true }, piece)).toMatchObject({ status: '0200' });
  });
});

describe('0202: authorization failure', () => {
  test('an initiator that is not on the list', () => {
    const world = new World(withDenial({ initiators: ['iqn.1991-05.com.microsoft:*', `${INITIATOR}2`] }));
    expect(new Initiator(world).refused(OPERATE, IDENTITY)).toMatchObject({
      status: '0202',
      refusal: { received: INITIATOR },
    });
    expect(statusOf(world, { ...IDENTITY, InitiatorName: `${INITIATOR}2`.toUpperCase().replace('IQN', 'iqn') })).toBe(
      '0000',
    );
  });

  test('the right name from the wrong network', () => {
    const world = new World(withDenial({ initiators: [INITIATOR], networks: ['198.51.100.0/24', '2001:db8::/32'] }));
    expect(new Initiator(world).refused(OPERATE, IDENTITY)).toMatchObject({
      status: '0202',
      refusal: { received: '192.0.2.99' },
    });
    const near = new Initiator(world, {}, { peerAddress: '::ffff:198.51.100.3' });
    near.operate();
  });

  test("another account's valid CHAP; an invalid one is 0201", () => {
    const world = new World({ auth: chap() });
    world.accountsElsewhere.set('bob', 'the-secret-of-bob');
    const bob = new Initiator(world);
    expect(bob.refused(SECURE, bob.proof('bob', 'the-secret-of-bob')).status).toBe('0202');
    const mallory = new Initiator(world);
    expect(mallory.refused(SECURE, mallory.proof('bob', 'guessed')).status).toBe('0201');
  });
});

describe('0203: target not found', () => {
  test('an unknown name; a known one in other case passes', () => {
    expect(statusOf(new World(), { ...IDENTITY, TargetName: `${TARGET}x` })).toBe('0203');
    expect(statusOf(new World(), { ...IDENTITY, TargetName: `iqn${TARGET.slice(3).toUpperCase()}` })).toBe('0000');
  });

  test('a name that another portal group serves', () => {
    expect(new Initiator(new World(), {}, { portalGroupTag: 2 }).refused(OPERATE, IDENTITY).status).toBe('0203');
  });

  test('a denial under `hide` is an unknown name in every bit, whatever state the target is in', () => {
    const hidden = { initiators: ['iqn.none:*'], denial: 'hide' } as const;
    const bytesOf = (world: World) => {
      const outcome = new Initiator(world).send(OPERATE, IDENTITY);
      return outcome.kind === 'refuse' && Buffer.from(outcome.bytes).toString('hex');
    };
    const absent = new World();
    absent.findings.clear();
    const removed = new World();
    removed.findings.set(TARGET, { kind: 'removed', acl: { ...OPEN_ACL, ...hidden } });
    const worlds = [
      new World(withDenial(hidden)),
      new World({ ...withDenial(hidden), state: 'offline' }),
      new World({ ...withDenial(hidden), redirect: { address: '192.0.2.7:3260', permanent: true } }),
      removed,
    ];
    for (const world of worlds) expect(bytesOf(world)).toBe(bytesOf(absent));
    expect(statusOf(absent)).toBe('0203');
  });

  test("another target's account under `hide`", () => {
    const world = new World({ auth: chap(), ...withDenial({ denial: 'hide' }) });
    world.accountsElsewhere.set('bob', 'the-secret-of-bob');
    const bob = new Initiator(world);
    expect(bob.refused(SECURE, bob.proof('bob', 'the-secret-of-bob')).status).toBe('0203');
  });
});

test('0204: target removed, while the tombstone stands; 0203 afterwards', () => {
  const world = new World();
  world.findings.set(TARGET, { kind: 'removed', acl: OPEN_ACL });
  expect(statusOf(world)).toBe('0204');
  world.findings.delete(TARGET);
  expect(statusOf(world)).toBe('0203');
});

describe('0205: unsupported version', () => {
  test('Version-min above 0, before any text is read', () => {
    expect(statusOf(new World(), 'no text at all', { versionMin: 1, versionMax: 1 })).toBe('0205');
    expect(statusOf(new World(), IDENTITY, { versionMin: 1, versionMax: 255 })).toBe('0205');
  });

  test('0 to 5 passes, with version 0 active', () => {
    const { response } = new Initiator(new World(), { versionMin: 0, versionMax: 5 }).operate();
    expect(response).toMatchObject({ status: '0000', versionActive: 0, versionMax: 0 });
  });
});

describe('0207: missing parameter', () => {
  test('InitiatorName, TargetName; SessionType may be absent and means Normal', () => {
    expect(statusOf(new World(), without('InitiatorName'))).toBe('0207');
    expect(statusOf(new World(), without('TargetName'))).toBe('0207');
    expect(statusOf(new World(), '')).toBe('0207');
    const { grant } = new Initiator(new World()).operate(without('SessionType'));
    expect(grant.claim.sessionType).toBe('Normal');
  });

  test('CHAP_A, CHAP_N, CHAP_R, and CHAP_C beside CHAP_I or the other way round', () => {
    const world = new World({ auth: chap({ mutual }) });
    const begun = new Initiator(world);
    begun.ask({ csg: 0 }, { ...IDENTITY, AuthMethod: 'CHAP' });
    expect(begun.refused(SECURE).status).toBe('0207');
    const leaveOut = (key: string, more: Record<string, string> = {}) => {
      const initiator = new Initiator(world);
      const keys = { ...initiator.proof(), ...more };
      return initiator.refused(SECURE, Object.fromEntries(Object.entries(keys).filter(([name]) => name !== key)));
    };
    expect(leaveOut('CHAP_N')).toMatchObject({ status: '0207', refusal: { expected: 'CHAP_N' } });
    expect(leaveOut('CHAP_R')).toMatchObject({ status: '0207', refusal: { expected: 'CHAP_R' } });
    expect(leaveOut('CHAP_C', { CHAP_I: '1' })).toMatchObject({ status: '0207', refusal: { expected: 'CHAP_C' } });
    expect(leaveOut('CHAP_I', { CHAP_C: '0x00' })).toMatchObject({ status: '0207', refusal: { expected: 'CHAP_I' } });
  });
});

describe('0209: session type not supported', () => {
  test('neither Normal nor Discovery', () => {
    expect(statusOf(new World(), { ...IDENTITY, SessionType: 'Foo' })).toBe('0209');
    expect(statusOf(new World(), { ...IDENTITY, SessionType: 'normal' })).toBe('0209');
  });

  test('Discovery at a portal that serves none', () => {
    const keys = { InitiatorName: INITIATOR, SessionType: 'Discovery' };
    expect(new Initiator(new World(), {}, { discovery: false }).refused(OPERATE, keys).status).toBe('0209');
    expect(new Initiator(new World()).operate(keys).grant).toMatchObject({
      target: null,
      claim: { sessionType: 'Discovery' },
    });
  });
});

describe('020B: invalid during login', () => {
  const others: [string, number][] = [
    ['NOP-Out', 0x40],
    ['SCSI Command', 0x01],
    ['Task Management', 0x02],
    ['Text Request', 0x04],
    ['Data-Out', 0x05],
    ['Logout Request', 0x06],
    ['SNACK', 0x10],
    ['a target opcode', 0x23],
    ['an unknown opcode', 0x1c],
  ];

  test.each(others)('%s after one step', (_name, opcode) => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 0 }, IDENTITY);
    expect(initiator.refused({ opcode }).status).toBe('020B');
  });

  test.each(others)('%s as the first PDU gets a bare close', (_name, opcode) => {
    expect(new Initiator(new World()).send({ opcode }).kind).toBe('close');
  });
});

describe('0300: target error', () => {
  test('an exception of the policy, with its cause', () => {
    const world = new World();
    world.failure = new Error('the catalog is on fire');
    const { status, refusal } = new Initiator(world).refused(OPERATE, IDENTITY);
    expect(status).toBe('0300');
    expect(refusal).toMatchObject({ received: 'the catalog is on fire', cause: world.failure });
  });

  test('a connection that could not be handed over says so in place of its final response', () => {
    const { grant } = new Initiator(new World(), { itt: 77 }).operate();
    const died = grant.refuse(
      fault(LoginStatus.TARGET_ERROR, 'a worker takes the connection', 'worker 1 died', 'an answer'),
    );
    expect(died.refusal).toMatchObject({ status: '0300', initiatorName: INITIATOR, targetName: TARGET });
    expect(readResponse(died.bytes)).toMatchObject({ status: '0300', itt: 77, transit: false, text: '' });
  });
});

describe('0301: service unavailable', () => {
  test('an offline target', () => {
    expect(statusOf(new World({ state: 'offline' }))).toBe('0301');
  });

  test('a drain', () => {
    const world = new World();
    world.admission = { kind: 'unavailable', reason: 'draining' };
    expect(new Initiator(world).refused(OPERATE, IDENTITY)).toMatchObject({
      status: '0301',
      refusal: { received: 'draining' },
    });
  });
});

describe('0302: out of resources', () => {
  test('the sessionLimit of the target, for a second ISID', () => {
    const world = new World({ sessionLimit: 1 });
    world.known = [makeSession(9)];
    expect(statusOf(world, IDENTITY, { isid: '800de7d80001' })).toBe('0302');
    expect(statusOf(world)).toBe('0000');
  });

  test('hard limits of the process', () => {
    const world = new World();
    world.admission = { kind: 'full', reason: '256 pending logins', limit: 'fewer than 256', why: LoginReason.logins };
    expect(statusOf(world)).toBe('0302');
  });

  test('a worker without room', () => {
    const { grant } = new Initiator(new World()).operate();
    const full = grant.refuse(fault(LoginStatus.OUT_OF_RESOURCES, 'a worker has room', 'no I/O memory', 'memory'));
    expect(readResponse(full.bytes).status).toBe('0302');
  });
});
