// Sending an initiator elsewhere (0101, 0102), and how addresses are spelled in TargetAddress (RFC 7143 §13.8).
// Who is redirected is the policy's decision.

import ipaddr from 'ipaddr.js';
import { hostPort } from '../base/host-port.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import type { LoginEndpoint, Redirect } from './policy.ts';
import { fault, type LoginFault } from './refusal.ts';

/** §13.8: what a TargetAddress without a port means. */
const DEFAULT_PORT = 3260;

/** `address:port`, IPv6 in brackets and without an interface, IPv4 never in its IPv6 disguise. */
export function formatAddress(address: string, port: number): string {
  return hostPort(plainAddress(address), port);
}

/** An address without interface and IPv6 disguise, spelled in one way; a host name in lower case. */
export function plainAddress(address: string): string {
  const bare = address.split('%', 1)[0]!;
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare.toLowerCase();
}

/** The fault that sends the initiator to `redirect`; null when that is the very portal it came to. */
export function redirectTo(redirect: Redirect, endpoint: LoginEndpoint, why: string): LoginFault | null {
  const targetAddress = spellPortal(redirect.address, DEFAULT_PORT);
  const here = formatAddress(endpoint.localAddress, endpoint.localPort);
  if (targetAddress === here || targetAddress === endpoint.advertised) return null;
  const code = redirect.permanent ? LoginStatus.TARGET_MOVED_PERMANENTLY : LoginStatus.TARGET_MOVED_TEMPORARILY;
  return { ...fault(code, why, `a login at ${here}`, `a login at ${targetAddress}`), targetAddress };
}

/** `host[:port][,tag]` as `host:port`: in a redirect, the portal group tag and its comma are left out (§13.8). */
export function spellPortal(address: string, port: number): string {
  const match = /^(?:\[([^\]]+)\]|([^:,]+))(?::(\d+))?/.exec(address);
  const host = match?.[1] ?? match?.[2] ?? address;
  return formatAddress(host, Number(match?.[3] ?? port));
}
