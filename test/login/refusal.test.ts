// Which of its code's causes and fixes a refusal tells of: those of the reason that it has. What earns which code is refusals.test.ts.

import { describe, expect, test } from 'vitest';
import type { Admission, LoginTarget } from '../../src/login/policy.ts';
import { LoginReason } from '../../src/pdu/login-reason.ts';
import { IDENTITY, Initiator, OPERATE, type RequestFields, SECURE, type Text } from './initiator.ts';
import { chap, INITIATOR, makeSession, OPEN_ACL, World } from './world.ts';

const withDenial = (acl: Partial<LoginTarget['acl']>) => ({ acl: { ...OPEN_ACL, ...acl } });

describe('a refusal tells of the reason that it has, and of no other its code may have', () => {
  const AT_LIMIT = { sessionLimit: 1, connectionLimit: 16 };
  const other = makeSession(7, { identity: { isid: '800000000001' } });
  const full = (why: LoginReason): Admission => ({ kind: 'full', reason: 'full', limit: 'less', why });
  const refused = (world: World, fields: Partial<RequestFields>, text: Text) =>
    new Initiator(world).refused(fields, text).refusal;
  const worldWith = (change: Partial<World>, target: Partial<LoginTarget> = {}) =>
    Object.assign(new World(target), change);

  test.each<[string, LoginReason, World, Partial<RequestFields>, Text]>([
    ['a key twice', LoginReason.defect, new World(), OPERATE, 'X-a=1\0X-a=1\0'],
    ['a digest', LoginReason.digests, new World(), OPERATE, { ...IDENTITY, HeaderDigest: 'SHA-1' }],
    ['no initiator name', LoginReason.initiatorName, new World(), OPERATE, { ...IDENTITY, InitiatorName: 'host' }],
    ['no target name', LoginReason.targetName, new World(), OPERATE, { ...IDENTITY, TargetName: 'disk0' }],
    ['CHAP insisted on', LoginReason.chapUnknown, new World(), SECURE, { ...IDENTITY, AuthMethod: 'CHAP' }],
    [
      'CHAP not offered',
      LoginReason.chapWanted,
      new World({ auth: chap() }),
      SECURE,
      { ...IDENTITY, AuthMethod: 'None' },
    ],
    ['CHAP skipped', LoginReason.chapWanted, new World({ auth: chap() }), OPERATE, IDENTITY],
    [
      'a digest for CHAP',
      LoginReason.algorithms,
      new World({ auth: chap({ algorithms: ['sha256'] }) }),
      { csg: 0 },
      { ...IDENTITY, AuthMethod: 'CHAP', CHAP_A: '5' },
    ],
    [
      'a name that is not let in',
      LoginReason.initiators,
      new World(withDenial({ initiators: ['iqn.1994-05.com.redhat:*'] })),
      OPERATE,
      IDENTITY,
    ],
    ['a network', LoginReason.networks, new World(withDenial({ networks: ['10.0.0.0/8'] })), OPERATE, IDENTITY],
    [
      'a network that hears of no target',
      LoginReason.networks,
      new World(withDenial({ networks: ['10.0.0.0/8'], denial: 'hide' })),
      OPERATE,
      IDENTITY,
    ],
    [
      'connectionLimit',
      LoginReason.connectionLimit,
      worldWith({ known: [other] }, { connectionLimit: 1 }),
      OPERATE,
      IDENTITY,
    ],
    [
      'MaxConnections',
      LoginReason.maxConnections,
      worldWith({ known: [makeSession(7)] }),
      { ...OPERATE, tsih: 7, cid: 1 },
      IDENTITY,
    ],
    ['SessionType', LoginReason.defect, new World(), OPERATE, { ...IDENTITY, SessionType: 'Foo' }],
    ['an offline target', LoginReason.offline, new World({ state: 'offline' }), OPERATE, IDENTITY],
    [
      'a drain',
      LoginReason.draining,
      worldWith({ admission: { kind: 'unavailable', reason: 'new disks' } }),
      OPERATE,
      IDENTITY,
    ],
    ['sessionLimit', LoginReason.sessionLimit, worldWith({ known: [other] }, AT_LIMIT), OPERATE, IDENTITY],
    [
      'descriptors',
      LoginReason.descriptors,
      worldWith({ admission: full(LoginReason.descriptors) }),
      OPERATE,
      IDENTITY,
    ],
  ])('%s', (_, { causes, fixes }, world, fields, text) => {
    expect(refused(world, fields, text)).toMatchObject({ causes, fixes });
  });

  test('discovery that is switched off', () => {
    const initiator = new Initiator(new World(), {}, { discovery: false });
    const { refusal } = initiator.refused(OPERATE, { InitiatorName: INITIATOR, SessionType: 'Discovery' });
    expect(refusal).toMatchObject(LoginReason.discovery);
  });

  test('what CHAP finds: a wrong secret, an account of another target, no secret of our own', () => {
    const world = new World({ auth: chap() });
    world.accountsElsewhere.set('bob', "bob's own secret");
    const proven = (name?: string, secret?: string, more: Record<string, string> = {}) => {
      const initiator = new Initiator(world);
      return initiator.refused(SECURE, { ...initiator.proof(name, secret), ...more }).refusal;
    };
    expect(proven('alice', 'a wrong secret')).toMatchObject(LoginReason.secret);
    expect(proven('bob', "bob's own secret")).toMatchObject(LoginReason.account);
    expect(proven(undefined, undefined, { CHAP_I: '1', CHAP_C: '0x01' })).toMatchObject(LoginReason.mutual);
  });
});
