// SendTargets: who sees which targets, at which addresses.

import ipaddr from 'ipaddr.js';
import { describe, expect, test, vi } from 'vitest';
import { answerSendTargets, sendTargetsText, targetAddresses } from '../../src/login/discovery.ts';
import { OPEN_ACL } from './world.ts';

const portal = (address: string, port = 3260, portalGroupTag = 1) => ({ address, port, portalGroupTag });
const seeker = { initiatorName: 'iqn.a:1', peerAddress: '192.0.2.99', localAddress: '192.0.2.1' };

describe('§13.8: addresses', () => {
  test.each([
    ['IPv4 with its port and tag', [portal('192.0.2.1', 3261, 7)], '192.0.2.1', ['192.0.2.1:3261,7']],
    ['IPv6 in brackets', [portal('2001:DB8:0::1')], '2001:db8::9', ['[2001:db8::1]:3260,1']],
    [
      'every portal',
      [portal('192.0.2.1'), portal('198.51.100.1', 3260, 2)],
      '192.0.2.1',
      ['192.0.2.1:3260,1', '198.51.100.1:3260,2'],
    ],
    ['a wildcard as the address the initiator came in on', [portal('0.0.0.0')], '192.0.2.5', ['192.0.2.5:3260,1']],
    ['the IPv6 wildcard, for IPv6', [portal('::')], '2001:db8::5', ['[2001:db8::5]:3260,1']],
    ['the IPv6 wildcard, for IPv4 that came through it', [portal('::')], '::ffff:192.0.2.5', ['192.0.2.5:3260,1']],
    [
      'no IPv6 wildcard that leaves IPv4 to others, for who came in on IPv4',
      [portal('0.0.0.0'), { ...portal('::', 3260, 2), ipv6Only: true }],
      '192.0.2.5',
      ['192.0.2.5:3260,1'],
    ],
    [
      'one that leaves IPv4 to others, for who came in on IPv6',
      [portal('0.0.0.0'), { ...portal('::', 3260, 2), ipv6Only: true }],
      '2001:db8::5',
      ['[2001:db8::5]:3260,2'],
    ],
    ['a link-local address without its interface', [portal('::')], 'fe80::1%eth0', ['[fe80::1]:3260,1']],
    ['no IPv4 wildcard for who came in on IPv6', [portal('0.0.0.0')], '2001:db8::5', []],
    [
      'no loopback for who is elsewhere',
      [portal('127.0.0.1'), portal('::1'), portal('192.0.2.1')],
      '192.0.2.1',
      ['192.0.2.1:3260,1'],
    ],
    ['the loopback for who is here', [portal('127.0.0.1', 13260)], '127.0.0.1', ['127.0.0.1:13260,1']],
    [
      'where it is said to be',
      [{ ...portal('172.17.0.2'), advertise: '198.51.100.7:13260' }],
      '172.17.0.2',
      ['198.51.100.7:13260,1'],
    ],
    [
      'a name that it is said to have, and its own port',
      [{ ...portal('::', 3261), advertise: 'SAN1.example.com' }],
      '::1',
      ['san1.example.com:3261,1'],
    ],
    [
      'where the loopback is said to be',
      [{ ...portal('127.0.0.1'), advertise: '[2001:db8::7]' }],
      '192.0.2.1',
      ['[2001:db8::7]:3260,1'],
    ],
    ['each address once', [portal('0.0.0.0'), portal('192.0.2.1')], '192.0.2.1', ['192.0.2.1:3260,1']],
  ])('%s', (_name, portals, local, addresses) => {
    expect(targetAddresses(portals, local)).toEqual(addresses);
  });

  test('inside a session: the session’s target, as text', () => {
    const target = { name: 'iqn.x:a', portals: [portal('0.0.0.0')] };
    expect(sendTargetsText(target, '192.0.2.1')).toBe('TargetName=iqn.x:a\0TargetAddress=192.0.2.1:3260,1\0');
  });
});

describe('§13.3: SendTargets', () => {
  const targets = [
    { name: 'iqn.2026-11.x:a', acl: OPEN_ACL, portals: [portal('192.0.2.1')] },
    { name: 'iqn.2026-11.x:b', acl: { ...OPEN_ACL, initiators: ['iqn.b:*'] }, portals: [portal('192.0.2.1')] },
    { name: 'iqn.2026-11.x:c', acl: { ...OPEN_ACL, networks: ['10.0.0.0/8'] }, portals: [portal('192.0.2.1')] },
  ];
  const namesFor = (value: string, who = {}) =>
    answerSendTargets(value, targets, { ...seeker, ...who })
      .filter(([key]) => key === 'TargetName')
      .map(([, name]) => name.slice(-1));

  test('All: what this initiator may use', () => {
    expect(namesFor('All')).toEqual(['a']);
    expect(namesFor('All', { initiatorName: 'iqn.b:1' })).toEqual(['a', 'b']);
    expect(namesFor('All', { initiatorName: 'iqn.b:1', peerAddress: '10.1.1.1' })).toEqual(['a', 'b', 'c']);
  });

  test('a name: that target, in whatever case; nothing for an unknown or denied one', () => {
    expect(namesFor('IQN.2026-11.X:A')).toEqual(['a']);
    expect(namesFor('iqn.2026-11.x:b')).toEqual([]);
    expect(namesFor('iqn.2026-11.x:z')).toEqual([]);
    expect(namesFor('no name')).toEqual([]);
    expect(namesFor('all')).toEqual([]);
  });

  test('each target is followed by its addresses', () => {
    expect(answerSendTargets('All', targets, seeker)).toEqual([
      ['TargetName', 'iqn.2026-11.x:a'],
      ['TargetAddress', '192.0.2.1:3260,1'],
    ]);
  });

  test('Appendix C: a target without an address would be right here; one that is at no portal within reach is left out', () => {
    const elsewhere = [
      { name: 'iqn.2026-11.x:loopback', acl: OPEN_ACL, portals: [portal('127.0.0.1')] },
      { name: 'iqn.2026-11.x:none', acl: OPEN_ACL, portals: [] },
    ];
    expect(answerSendTargets('All', [...elsewhere, ...targets], seeker)).toEqual([
      ['TargetName', 'iqn.2026-11.x:a'],
      ['TargetAddress', '192.0.2.1:3260,1'],
    ]);
    expect(answerSendTargets('iqn.2026-11.x:loopback', elsewhere, seeker)).toEqual([]);
    // Inside a session there is no doubt about it.
    const own = { name: 'iqn.2026-11.x:loopback', portals: [portal('127.0.0.1')] };
    expect(sendTargetsText(own, seeker.localAddress)).toBe('TargetName=iqn.2026-11.x:loopback\0');
  });

  test('many targets behind few portals cost few addresses', () => {
    const process = vi.spyOn(ipaddr, 'process');
    const portals = [portal('192.0.2.2'), portal('::')];
    const many = Array.from({ length: 100 }, (_, index) => ({
      name: `iqn.2026-11.x:${index}`,
      acl: OPEN_ACL,
      portals,
    }));
    expect(answerSendTargets('All', many, seeker)).toHaveLength(300);
    expect(process.mock.calls.length).toBeLessThan(10);
    process.mockRestore();
  });

  test('no value asks for the session’s own target, and a discovery session has none', () => {
    expect(answerSendTargets('', targets, seeker)).toEqual([['SendTargets', 'Reject']]);
  });
});
