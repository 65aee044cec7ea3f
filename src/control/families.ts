// The addresses that a listening socket has: IPv4, IPv6, or those of both families, as Linux gives them to one on `::`.
// Who listens is portal.ts's; lunaring check asks beforehand.

import ipaddr from 'ipaddr.js';

/** Where something listens. */
export interface ListeningPlace {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** An address in its one spelling, without an IPv6 disguise. */
function plain(address: string): { readonly text: string; readonly ipv6: boolean } {
  const parsed = ipaddr.process(address);
  return { text: parsed.toString(), ipv6: parsed.kind() === 'ipv6' };
}

/** Whether it stands for all addresses of its family. */
function isWildcard(address: string): boolean {
  return ['0.0.0.0', '::'].includes(plain(address).text);
}

/** Whether a portal on `::` listens on IPv6 alone, which it does where another of `portals` has an IPv4 address and the same port. Otherwise it serves IPv4 as well. */
export function leavesIpv4({ address, port }: ListeningPlace, portals: readonly ListeningPlace[]): boolean {
  if (port === 0 || plain(address).text !== '::') return false;
  return portals.some((other) => other.port === port && !plain(other.address).ipv6);
}

/** Whether two places can't both be listened on. `ipv6Only`: {@link leavesIpv4} of it. */
export function collide(
  a: ListeningPlace & { readonly ipv6Only: boolean },
  b: ListeningPlace & { readonly ipv6Only: boolean },
): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  const [one, other] = [plain(a.address), plain(b.address)];
  if (one.ipv6 === other.ipv6) return one.text === other.text || isWildcard(a.address) || isWildcard(b.address);
  const { address, ipv6Only } = one.ipv6 ? a : b;
  return isWildcard(address) && !ipv6Only;
}
