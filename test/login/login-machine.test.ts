// The login machine as a whole: which reason is reported when there are several, text in pieces both ways, and the logins of real initiators.

import { describe, expect, test } from 'vitest';
import { serialAdd, serialBefore } from '../../src/base/serial.ts';
import { LoginMachine } from '../../src/login/login-machine.ts';
import { LoginReason } from '../../src/pdu/login-reason.ts';
import { IDENTITY, Initiator, loginRequest, OPERATE, respond, SECURE, type Text, textOf } from './initiator.ts';
import { ALICE, chap, ENDPOINT, INITIATOR, makeSession, mutual, OPEN_ACL, offered, TARGET, World } from './world.ts';

describe('of several reasons the first is reported', () => {
  /** Everything wrong at once; each step mends the first fault left, and the next shows. */
  test('from the frame to the operational keys', () => {
    const world = new World({
      auth: chap(),
      acl: { ...OPEN_ACL, initiators: ['nobody'] },
      state: 'offline',
      sessionLimit: 1,
      connectionLimit: 1,
    });
    const finding = world.findings.get(TARGET)!;
    world.findings.clear();
    world.admission = { kind: 'unavailable', reason: 'draining' };
    world.known = [makeSession(9, { identity: { isid: '800000000001' } })];
    const fields: Parameters<Initiator['send']>[0] = { ...OPERATE, ahs: 1, versionMin: 1, csg: 2 };
    let text: Text = 'no pair';
    const status = () => {
      const { refusal } = new Initiator(world).refused(fields, text);
      return `${refusal.status} ${refusal.rule}`;
    };
    expect(status()).toMatch(/^0200 .*additional header segment/);
    fields.ahs = 0;
    expect(status()).toMatch(/^0205/);
    fields.versionMin = 0;
    expect(status()).toMatch(/^0200 CSG/);
    fields.csg = 1;
    expect(status()).toMatch(/^0200 .*pairs/);
    text = { SessionType: 'Foo', MaxBurstLength: '1' };
    expect(status()).toMatch(/^0207/);
    text = { ...text, InitiatorName: 'foo' };
    expect(status()).toMatch(/^0200 InitiatorName/);
    text = { ...text, InitiatorName: INITIATOR };
    expect(status()).toMatch(/^0209/);
    text = { ...text, SessionType: 'Normal' };
    expect(status()).toMatch(/^0207/);
    text = { ...text, TargetName: TARGET };
    expect(status()).toMatch(/^0301 the service/);
    world.admission = { kind: 'full', reason: 'many', limit: 'fewer', why: LoginReason.logins };
    expect(status()).toMatch(/^0302/);
    world.admission = { kind: 'open' };
    expect(status()).toMatch(/^0203/);
    world.findings.set(TARGET, finding);
    expect(status()).toMatch(/^0301 the target/);
    if (finding.kind === 'served') Object.assign(finding.target, { state: 'online' });
    expect(status()).toMatch(/^0202/);
    if (finding.kind === 'served') Object.assign(finding.target, { acl: OPEN_ACL });
    expect(status()).toMatch(/^0302/);
    if (finding.kind === 'served') Object.assign(finding.target, { sessionLimit: 2 });
    expect(status()).toMatch(/^0206/);
    world.known = [];
    expect(status()).toMatch(/^0201/);
    if (finding.kind === 'served') Object.assign(finding.target, { auth: { method: 'none' } });
    world.redirect = { address: '192.0.2.8', permanent: false };
    expect(status()).toMatch(/^0101/);
    world.redirect = null;
    expect(status()).toMatch(/^0200 MaxBurstLength/);
    text = { ...text, MaxBurstLength: '512' };
    expect(new Initiator(world).send(fields, text).kind).toBe('complete');
  });

  test('a redirect comes before security and before the access list', () => {
    const world = new World({
      auth: chap(),
      acl: { ...OPEN_ACL, initiators: ['nobody'] },
      redirect: { address: '192.0.2.7', permanent: false },
      state: 'offline',
    });
    expect(new Initiator(world).refused(OPERATE, IDENTITY).status).toBe('0101');
  });
});

describe('§6.2: text that comes with C=1', () => {
  const whole = textOf({ ...IDENTITY, MaxBurstLength: '65536', HeaderDigest: 'CRC32C,None' });

  test('is answered with empty responses until it is complete, and judged only then', () => {
    const initiator = new Initiator(new World());
    const text = Buffer.from(whole).toString();
    expect(initiator.ask({ csg: 1, continues: true }, text.slice(0, 17))).toMatchObject({
      text: '',
      transit: false,
      continues: false,
      csg: 1,
      nsg: 0,
      statSN: 0,
    });
    expect(initiator.ask({ csg: 1, continues: true }, text.slice(17, 50))).toMatchObject({ text: '', statSN: 1 });
    const { grant, response } = initiator.complete(OPERATE, text.slice(50));
    expect(grant.session.maxBurstLength).toBe(65536);
    expect(response.keys).toMatchObject({ TargetPortalGroupTag: '1', HeaderDigest: 'CRC32C' });
  });

  test('gives the same answer wherever it is cut', () => {
    const text = Buffer.from(whole).toString();
    const expected = new Initiator(new World()).operate(text).response.keys;
    for (let cut = 0; cut <= text.length; cut++) {
      const initiator = new Initiator(new World());
      initiator.ask({ csg: 1, continues: true }, text.slice(0, cut));
      expect(initiator.operate(text.slice(cut)).response.keys).toEqual(expected);
    }
  });

  test('a name in a continuation counts as given; without one at the end it is missing', () => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 1, continues: true }, { TargetName: TARGET });
    initiator.operate({ InitiatorName: INITIATOR });
    const nameless = new Initiator(new World());
    nameless.ask({ csg: 1, continues: true }, { TargetName: TARGET });
    expect(nameless.refused(OPERATE).status).toBe('0207');
  });

  test('is judged as one: a key in both parts is given twice', () => {
    const initiator = new Initiator(new World());
    initiator.ask({ csg: 1, continues: true }, { ...IDENTITY, MaxBurstLength: '512' });
    expect(initiator.refused(OPERATE, { MaxBurstLength: '512' }).status).toBe('0200');
  });
});

describe('§6.2: an answer longer than 8192 bytes', () => {
  /** Some 900 unknown keys: their answers take 18 KiB. */
  const questions = () => {
    const keys = Array.from({ length: 900 }, (_, index) => `X${index}`);
    return Object.fromEntries([...Object.entries(IDENTITY), ...keys.map((key) => [key, '1'] as const)]);
  };

  test('goes on with C=1 until all is said; login ends with the last part, not before', () => {
    const initiator = new Initiator(new World());
    let text = '';
    const first = initiator.ask(OPERATE, questions());
    expect(first).toMatchObject({ continues: true, transit: false, nsg: 0 });
    expect(first.text.length).toBe(8192);
    const second = initiator.ask(OPERATE);
    expect(second).toMatchObject({ continues: true, transit: false });
    const { response } = initiator.complete(OPERATE);
    expect(response).toMatchObject({ continues: false, transit: true, nsg: 3, tsih: 0x4242 });
    text = first.text + second.text + response.text;
    expect(text.split('\0').filter((pair) => pair.endsWith('=NotUnderstood'))).toHaveLength(900);
    expect(text.endsWith('\0')).toBe(true);
  });

  test('asked for with T=0: the stage does not change, and an empty request with T=1 ends login', () => {
    const initiator = new Initiator(new World());
    expect(initiator.ask(OPERATE, questions()).continues).toBe(true);
    expect(initiator.ask({ csg: 1 }).continues).toBe(true);
    expect(initiator.ask({ csg: 1 })).toMatchObject({ continues: false, transit: false });
    initiator.complete(OPERATE);
  });

  test('leaves the initiator nothing to say in between', () => {
    const talking = new Initiator(new World());
    talking.ask(OPERATE, questions());
    expect(talking.refused(OPERATE, { MaxBurstLength: '512' }).status).toBe('0200');
    const more = new Initiator(new World());
    more.ask(OPERATE, questions());
    expect(more.refused({ csg: 1, continues: true }).status).toBe('0200');
  });
});

describe('stages', () => {
  test('security to full feature: what nobody negotiated is at its default', () => {
    const { grant, response } = new Initiator(new World()).complete({ transit: true, csg: 0, nsg: 3 }, IDENTITY);
    expect(response).toMatchObject({ csg: 0, nsg: 3, transit: true });
    // We never said that we take more.
    expect(grant.connection).toMatchObject({ maxRecvDataSegmentLength: 8192, maxXmitDataSegmentLength: 8192 });
    expect(grant.session).toMatchObject({ initialR2T: true, maxBurstLength: 262144, firstBurstLength: 65536 });
  });

  test('NSG has no meaning without T: open-iscsi repeats CSG there', () => {
    const initiator = new Initiator(new World());
    expect(initiator.ask({ csg: 1, nsg: 1 }, IDENTITY)).toMatchObject({ transit: false, csg: 1, nsg: 0 });
    initiator.complete(OPERATE);
  });

  test('the target does not leave the security stage before the proof, however often it is asked', () => {
    const initiator = new Initiator(new World({ auth: chap() }));
    expect(initiator.ask(SECURE, { ...IDENTITY, AuthMethod: 'CHAP' }).transit).toBe(false);
    expect(initiator.ask(SECURE, { CHAP_A: '7' }).transit).toBe(false);
  });

  test('a proven initiator may stay a while', () => {
    const initiator = new Initiator(new World({ auth: chap() }));
    expect(initiator.ask({ csg: 0 }, initiator.proof()).transit).toBe(false);
    expect(initiator.ask(SECURE).transit).toBe(true);
    expect(initiator.complete(OPERATE).grant.account).toBe(ALICE.name);
  });
});

describe('entries', () => {
  test('a new session, and one that replaces its predecessor', () => {
    const world = new World();
    expect(new Initiator(world).operate().grant.entry).toEqual({ kind: 'newSession' });
    world.known = [makeSession(9)];
    expect(new Initiator(world).operate().grant.entry).toMatchObject({
      kind: 'reinstateSession',
      session: { tsih: 9 },
    });
  });

  test('reinstatement waits for the proof', () => {
    const world = new World({ auth: chap() });
    world.known = [makeSession(9)];
    const thief = new Initiator(world);
    expect(thief.refused(SECURE, thief.proof('alice', 'a guess of a secret')).status).toBe('0201');
  });

  test('a connection that joins takes the parameters of its session, and negotiates only its own', () => {
    const world = new World({ offered: offered({ maxConnections: 2 }) });
    world.known = [makeSession(9, { maxConnections: 2 })];
    const initiator = new Initiator(world, { tsih: 9, cid: 1 });
    const { grant, response } = initiator.operate({ ...IDENTITY, MaxBurstLength: '512', HeaderDigest: 'CRC32C' });
    expect(grant.entry).toMatchObject({ kind: 'addConnection', session: { tsih: 9 } });
    expect(grant.session).toEqual(world.known[0]!.parameters);
    expect(grant.connection.headerDigest).toBe('CRC32C');
    expect(response.keys).toMatchObject({ MaxBurstLength: 'Irrelevant', HeaderDigest: 'CRC32C' });
  });

  test('a connection with a known CID takes the place of that one', () => {
    const world = new World();
    world.known = [makeSession(9, { cids: [7] })];
    expect(new Initiator(world, { tsih: 9, cid: 7 }).operate().grant.entry).toMatchObject({
      kind: 'reinstateConnection',
    });
  });

  test.each([
    [500, 503],
    [0xffffffff, 2],
  ])(
    '§11.12.8: commands over the other connections of its session advance CmdSN meanwhile: %d, %d',
    (before, after) => {
      const world = new World();
      world.known = [makeSession(9, { maxConnections: 2, cids: [7] })];
      const initiator = new Initiator(world, { tsih: 9, cid: 1, cmdSN: before });
      initiator.ask(SECURE, IDENTITY);
      const { grant, response } = initiator.complete({ ...OPERATE, cmdSN: after });
      expect(grant.entry.kind).toBe('addConnection');
      expect(response.expCmdSN).toBe(after);
    },
  );

  test('§4.2.2.1: what its session has received of the others is not for the login to say: the numbers of its responses are ignored', () => {
    const world = new World();
    world.known = [makeSession(9, { maxConnections: 2, cids: [7] })];
    const initiator = new Initiator(world, { tsih: 9, cid: 1, cmdSN: 0 });
    const { expCmdSN, maxCmdSN } = initiator.ask(SECURE, IDENTITY);
    expect(serialBefore(maxCmdSN, serialAdd(expCmdSN, -1))).toBe(true);
    expect(initiator.complete(OPERATE).response).toMatchObject({ expCmdSN: 0, maxCmdSN: 15 });
  });

  test('§11.12.9: what the first request acknowledges is of that one, what the others do of the login', () => {
    const world = new World();
    world.known = [makeSession(9, { cids: [7] })];
    const initiator = new Initiator(world, { tsih: 9, cid: 7 });
    initiator.ask({ ...SECURE, expStatSN: 0x12345678 }, IDENTITY);
    expect(initiator.complete({ ...OPERATE, expStatSN: 1 }).grant.expStatSN).toBe(0x12345678);
  });
});

describe('initiators as they are', () => {
  const LIBISCSI = {
    HeaderDigest: 'None,CRC32C',
    DataDigest: 'None',
    InitialR2T: 'No',
    ImmediateData: 'Yes',
    MaxBurstLength: '262144',
    FirstBurstLength: '262144',
    DefaultTime2Wait: '2',
    DefaultTime2Retain: '0',
    MaxOutstandingR2T: '1',
    ErrorRecoveryLevel: '0',
    IFMarker: 'No',
    OFMarker: 'No',
    MaxConnections: '1',
    MaxRecvDataSegmentLength: '262144',
    DataPDUInOrder: 'Yes',
    DataSequenceInOrder: 'Yes',
  };

  test('libiscsi: one request', () => {
    const { grant, response } = new Initiator(new World()).operate({ ...IDENTITY, ...LIBISCSI });
    expect(response.keys).toEqual({ ...LIBISCSI, TargetPortalGroupTag: '1', HeaderDigest: 'None' });
    expect(grant.session).toMatchObject({
      initialR2T: false,
      immediateData: true,
      maxBurstLength: 262144,
      firstBurstLength: 262144,
    });
    expect(grant.connection).toEqual({
      headerDigest: 'None',
      dataDigest: 'None',
      maxRecvDataSegmentLength: 262144,
      maxXmitDataSegmentLength: 262144,
    });
  });

  test('libiscsi with mutual CHAP: names again in the operational stage', () => {
    const initiator = new Initiator(new World({ auth: chap({ mutual }) }));
    expect(initiator.ask(SECURE, { ...IDENTITY, AuthMethod: 'CHAP,None' })).toMatchObject({ transit: false });
    const { keys } = initiator.ask({ csg: 0, nsg: 1 }, { CHAP_A: '5' });
    expect(keys).toMatchObject({ CHAP_A: '5', CHAP_C: expect.stringMatching(/^0x[0-9a-f]{32}$/) });
    const theirs = '0xba12304bdf16e8b2f71afcef8fcb7483fce9d3f83f0a618d7daec1d997a6a451';
    const proven = initiator.ask(SECURE, {
      CHAP_N: ALICE.name,
      CHAP_R: respond('md5', Number(keys['CHAP_I']), ALICE.secret, keys['CHAP_C']!),
      CHAP_I: '1',
      CHAP_C: theirs,
    });
    expect(proven).toMatchObject({
      transit: true,
      keys: { CHAP_N: 'target', CHAP_R: respond('md5', 1, 'another-long-secret', theirs) },
    });
    initiator.operate({ ...IDENTITY, ...LIBISCSI });
  });

  test('open-iscsi: security without a proof, then operational keys', () => {
    const initiator = new Initiator(new World());
    const alias = { ...IDENTITY, InitiatorAlias: 'host' };
    expect(initiator.ask(SECURE, { ...alias, AuthMethod: 'CHAP,None' }).keys).toMatchObject({ AuthMethod: 'None' });
    const { grant } = initiator.complete(OPERATE, {
      HeaderDigest: 'None',
      InitialR2T: 'No',
      MaxRecvDataSegmentLength: '262144',
    });
    expect(grant).toMatchObject({
      initiatorAlias: 'host',
      claim: { identity: { initiatorName: INITIATOR, targetName: TARGET } },
    });
  });

  test('an alias with control characters in it is kept without them', () => {
    const alias = 'host\x1b[2J\x1b]0;owned\x07\nstate  all is well';
    const { grant } = new Initiator(new World()).operate({ ...IDENTITY, InitiatorAlias: alias });
    expect(grant.initiatorAlias).toBe('host?[2J?]0;owned??state  all is well');
  });

  test('iscsiadm: a discovery session, with what is irrelevant in one', () => {
    const keys = { InitiatorName: INITIATOR, SessionType: 'Discovery' };
    const { grant, response } = new Initiator(new World({ auth: chap() })).operate({ ...keys, ...LIBISCSI });
    expect(response.keys).toMatchObject({
      HeaderDigest: 'None',
      MaxBurstLength: 'Irrelevant',
      InitialR2T: 'Irrelevant',
      ErrorRecoveryLevel: '0',
      MaxRecvDataSegmentLength: '8192',
    });
    expect(response.keys).not.toHaveProperty('TargetPortalGroupTag');
    expect(grant.connection.maxXmitDataSegmentLength).toBe(262144);
  });

  test('a discovery session with accounts of its own', () => {
    const world = new World();
    world.discovery = { auth: chap() };
    const keys = { InitiatorName: INITIATOR, SessionType: 'Discovery' };
    expect(new Initiator(world).refused(OPERATE, keys).status).toBe('0201');
    const initiator = new Initiator(world);
    const { identifier, challenge } = initiator.challenge('7', keys);
    initiator.ask(SECURE, { CHAP_N: ALICE.name, CHAP_R: respond('sha256', identifier, ALICE.secret, challenge) });
    initiator.operate('');
  });
});

test('bytes that are no PDU end the login without an answer', () => {
  const short = loginRequest(OPERATE, IDENTITY).subarray(0, 60);
  expect(new LoginMachine(new World(), ENDPOINT).receive(short)).toMatchObject({ kind: 'close' });
  expect(new LoginMachine(new World(), ENDPOINT).receive(new Uint8Array(47))).toMatchObject({ kind: 'close' });
});

test('a refusal knows the names as soon as they are given', () => {
  const { refusal: nameless } = new Initiator(new World()).refused({ csg: 0 });
  expect([nameless.initiatorName, nameless.targetName]).toEqual([null, null]);
  const initiator = new Initiator(new World());
  initiator.send({ csg: 0 }, IDENTITY);
  const { refusal } = initiator.refused({ csg: 0 }, { SendTargets: 'All' });
  expect([refusal.initiatorName, refusal.targetName]).toEqual([INITIATOR, TARGET]);
});
