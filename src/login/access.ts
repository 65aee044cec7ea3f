// Who is let in: initiator names against patterns, addresses against networks.
// It is judged before anybody has proven anything: it keeps honest hosts apart, CHAP keeps others out.

import ipaddr from 'ipaddr.js';
import type { AclSettings } from '../config/settings.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { fault, type LoginFault } from './refusal.ts';

/** Whether `text` is `pattern`, in which `*` stands for any characters. Time grows with the product of the lengths, no faster. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  // Where the last star was, and how much of the text it stands for: a mismatch lets it take one character more.
  let star = -1;
  let taken = 0;
  while (at < text.length) {
    if (pattern[from] === '*') {
      star = from++;
      taken = at;
    } else if (pattern[from] === text[at]) {
      from++;
      at++;
    } else if (star >= 0) {
      from = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  while (pattern[from] === '*') from++;
  return from === pattern.length;
}

/** Whether a name is one of `patterns`. */
export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, name));
}

/** An address, parsed. */
export type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = readonly [base: Address, bits: number];

/** An address as a socket says it; null for anything else. IPv4 that came through an IPv6 socket counts as IPv4. */
export function parseAddress(text: string): Address | null {
  return ipaddr.isValid(text) ? ipaddr.process(text) : null;
}

/** Lists that were parsed: a discovery session goes through those of all targets. Settings never change; what replaces them has lists of its own. */
const parsedLists = new WeakMap<readonly string[], readonly Network[]>();

function parseNetworks(networks: readonly string[]): readonly Network[] {
  const known = parsedLists.get(networks);
  if (known !== undefined) return known;
  const parsed = networks.map((network) => ipaddr.parseCIDR(network));
  parsedLists.set(networks, parsed);
  return parsed;
}

/** Whether `address` lies in one of `networks` (prefix notation). */
export function inNetworks(networks: readonly string[], address: Address | null): boolean {
  return address !== null && parseNetworks(networks).some((network) => contains(network, address));
}

function contains([base, bits]: Network, address: Address): boolean {
  if (address instanceof ipaddr.IPv4) return base instanceof ipaddr.IPv4 && address.match(base, bits);
  return base instanceof ipaddr.IPv6 && address.match(base, bits);
}

/** Whether the list lets this initiator in; otherwise, what it failed. */
export function checkAccess(
  acl: AclSettings,
  initiatorName: string,
  peerAddress: Address | null,
): 'allowed' | 'initiator' | 'network' {
  if (!matchesAny(acl.initiators, initiatorName)) return 'initiator';
  return inNetworks(acl.networks, peerAddress) ? 'allowed' : 'network';
}

/** Denies access in the way the target wants it: openly (0202), or as if there were no such target (0203). */
export function denial(
  acl: AclSettings,
  rule: string,
  received: string,
  expected: string,
  reason: LoginReason,
): LoginFault {
  const code = acl.denial === 'hide' ? LoginStatus.TARGET_NOT_FOUND : LoginStatus.AUTHORIZATION_FAILURE;
  return fault(code, rule, received, expected, reason);
}

/** Judges an initiator; null lets it in. */
export function judgeAccess(acl: AclSettings, initiatorName: string, peerAddress: string): LoginFault | null {
  switch (checkAccess(acl, initiatorName, parseAddress(peerAddress))) {
    case 'allowed':
      return null;
    case 'initiator':
      return denial(
        acl,
        "the initiator name is on the target's access list",
        initiatorName,
        'a name that acl.initiators matches',
        LoginReason.initiators,
      );
    case 'network':
      return denial(
        acl,
        "the initiator's address is in a network of the target's access list",
        peerAddress,
        'an address in one of acl.networks',
        LoginReason.networks,
      );
  }
}
