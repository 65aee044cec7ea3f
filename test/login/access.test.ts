// Names against patterns, addresses against networks: with a regular expression and bit arithmetic as twins.

import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, test, vi } from 'vitest';
import { network } from '../../src/config/fields.ts';
import { checkAccess, inNetworks, judgeAccess, matchesPattern, parseAddress } from '../../src/login/access.ts';
import { OPEN_ACL } from './world.ts';

describe('patterns', () => {
  test.each([
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['iqn.1993-08.org.debian:*', 'iqn.1993-08.org.debian:01:ab', true],
    ['iqn.1993-08.org.debian:*', 'iqn.1993-08.org.debian', false],
    ['iqn.*:db*', 'iqn.2026-11.x:web:db7', true],
    ['*:db', 'iqn.2026-11.x:db7', false],
    ['iqn.2026-11.x:a', 'iqn.2026-11xx:a', false],
  ])('%s, %s: %s', (pattern, text, matches) => {
    expect(matchesPattern(pattern, text)).toBe(matches);
  });

  test('agree with a regular expression', () => {
    const letters = (alphabet: string, maxLength: number) =>
      fc.array(fc.constantFrom(...alphabet), { maxLength }).map((chars) => chars.join(''));
    fc.assert(
      fc.property(letters('ab*', 8), letters('ab', 12), (pattern, text) => {
        const twin = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matchesPattern(pattern, text)).toBe(twin.test(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('take no exponential time', () => {
    expect(matchesPattern(`${'*a'.repeat(100)}b`, 'a'.repeat(223))).toBe(false);
  });
});

describe('networks', () => {
  test.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.0.2.7/32', '192.0.2.7', true],
    ['192.0.2.7/32', '192.0.2.6', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '2001:db8::1', true],
    ['::/0', '203.0.113.9', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', 'no address', false],
  ])('%s, %s: %s', (network, address, inside) => {
    expect(inNetworks([network], parseAddress(address))).toBe(inside);
    expect(inNetworks([], parseAddress(address))).toBe(false);
  });

  test('are parsed once, however often they are asked', () => {
    const parse = vi.spyOn(ipaddr, 'parseCIDR');
    const networks = ['10.0.0.0/8', '192.0.2.0/24'];
    for (let asked = 0; asked < 3; asked++) {
      expect(inNetworks(networks, parseAddress('192.0.2.7'))).toBe(true);
      expect(inNetworks(networks, parseAddress('198.51.100.7'))).toBe(false);
    }
    expect(parse).toHaveBeenCalledTimes(networks.length);
    parse.mockRestore();
  });

  test('agree with bit arithmetic', () => {
    const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.');
    fc.assert(
      fc.property(
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 32 }),
        (network, address, bits) => {
          const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
          const inside = ((network ^ address) & mask) === 0;
          expect(inNetworks([`${dotted(network)}/${bits}`], parseAddress(dotted(address)))).toBe(inside);
        },
      ),
    );
  });

  test('as a configuration has them contain the address they are written with', () => {
    const octet = fc.nat({ max: 255 });
    fc.assert(
      fc.property(octet, octet, octet, octet, fc.nat({ max: 32 }), (first, second, third, fourth, bits) => {
        const written = `${first}.${second}.${third}.${fourth}`;
        for (const text of [`${written}/${bits}`, `::ffff:${written}/${bits + 96}`]) {
          const networks = [network().parse(text)];
          expect(inNetworks(networks, parseAddress(written))).toBe(true);
          expect(inNetworks(networks, parseAddress(`${first ^ 0x80}.${second}.${third}.${fourth}`))).toBe(bits === 0);
        }
      }),
    );
  });
});

test('a list says what an initiator fails, name before network', () => {
  const acl = { initiators: ['iqn.a:*'], networks: ['10.0.0.0/8'], denial: 'reveal' } as const;
  expect(checkAccess(acl, 'iqn.a:1', parseAddress('10.0.0.1'))).toBe('allowed');
  expect(checkAccess(acl, 'iqn.b:1', parseAddress('10.0.0.1'))).toBe('initiator');
  expect(checkAccess(acl, 'iqn.b:1', parseAddress('11.0.0.1'))).toBe('initiator');
  expect(checkAccess(acl, 'iqn.a:1', parseAddress('11.0.0.1'))).toBe('network');
  expect(judgeAccess(OPEN_ACL, 'iqn.b:1', '11.0.0.1')).toBeNull();
  expect(judgeAccess(acl, 'iqn.a:1', '11.0.0.1')).toMatchObject({ code: 0x0202 });
  expect(judgeAccess({ ...acl, denial: 'hide' }, 'iqn.a:1', '11.0.0.1')).toMatchObject({ code: 0x0203 });
});
