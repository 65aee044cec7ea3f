// The answer to SendTargets (RFC 7143 §13.3, Appendix C): which targets an initiator sees, and at which addresses.
// PDUs of a discovery session are discovery-session.ts; inside a normal session, session/ answers with `sendTargetsText`.

import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { AclSettings } from '../config/settings.ts';
import { encodePairs } from '../pdu/text.ts';
import { checkAccess, parseAddress } from './access.ts';
import { checkTargetName } from './names.ts';
import { formatAddress, plainAddress, spellPortal } from './redirect.ts';

/** A portal, listening. */
export interface AdvertisedPortal {
  /** As configured; may be a wildcard. */
  readonly address: string;
  /** The port it listens on; never 0. */
  readonly port: number;
  readonly portalGroupTag: number;
  /** The IPv6 wildcard is reached over IPv4 as well, unless this says that it is not. */
  readonly ipv6Only?: boolean;
  /** Where initiators are told that it is, as `host` or `host:port`, wherever it listens. */
  readonly advertise?: string | undefined;
}

/** A target and the portals that serve it. */
export interface AdvertisedTarget {
  readonly name: string;
  readonly acl: AclSettings;
  readonly portals: readonly AdvertisedPortal[];
}

/** Who asks. Addresses as the socket says them. */
export interface Seeker {
  readonly initiatorName: string;
  readonly peerAddress: string;
  /** Where the initiator came in. */
  readonly localAddress: string;
}

type Pairs = (readonly [key: string, value: string])[];

/** Where portals are for somebody who came in at one address. Each is worked out once, however many targets it serves. */
class PortalAddresses {
  readonly #local: string;
  readonly #known = new Map<AdvertisedPortal, string | null>();

  constructor(localAddress: string) {
    this.#local = plainAddress(localAddress);
  }

  /** `address:port,tag` of every one of them that can be reached. */
  of(portals: readonly AdvertisedPortal[]): string[] {
    const addresses = new Set<string>();
    for (const portal of portals) {
      const address = this.#find(portal);
      if (address !== null) addresses.add(address);
    }
    return [...addresses];
  }

  #find(portal: AdvertisedPortal): string | null {
    const known = this.#known.get(portal);
    if (known !== undefined) return known;
    const found = spellFor(portal, this.#local);
    this.#known.set(portal, found);
    return found;
  }
}

/** `address:port,tag` of every portal that an initiator may reach who came in at `localAddress`. */
export function targetAddresses(portals: readonly AdvertisedPortal[], localAddress: string): string[] {
  return new PortalAddresses(localAddress).of(portals);
}

function spellFor(portal: AdvertisedPortal, local: string): string | null {
  const { address, port, portalGroupTag, ipv6Only = false, advertise } = portal;
  if (advertise !== undefined) return `${spellPortal(advertise, port)},${portalGroupTag}`;
  const reachable = reachableAddress(plainAddress(address), ipv6Only, local);
  return reachable === null ? null : `${formatAddress(reachable, port)},${portalGroupTag}`;
}

/** Where a portal is found by somebody who came in at `local`; null: nowhere. */
function reachableAddress(address: string, ipv6Only: boolean, local: string): string | null {
  // A wildcard is no address to connect to; that which the initiator came in on is one that works for it.
  if (address === '::') return ipv6Only && isIPv4(local) ? null : local;
  if (address === '0.0.0.0') return isIPv4(local) ? local : null;
  // The loopback of this host is not the loopback of another.
  return isLoopback(address) && !isLoopback(local) ? null : address;
}

function isLoopback(address: string): boolean {
  return (isIPv4(address) || isIPv6(address)) && ipaddr.parse(address).range() === 'loopback';
}

/** TargetName and its TargetAddress pairs. */
function describeTarget(name: string, addresses: readonly string[]): Pairs {
  return [['TargetName', name], ...addresses.map((address) => ['TargetAddress', address] as const)];
}

/** What SendTargets answers inside a session with that target: NUL-terminated pairs. No address means that of the session, where it is indeed. */
export function sendTargetsText(target: Omit<AdvertisedTarget, 'acl'>, localAddress: string): string {
  return Buffer.from(
    encodePairs(describeTarget(target.name, targetAddresses(target.portals, localAddress))),
  ).toString();
}

/**
 * What `SendTargets=value` answers in a discovery session: `All`, or one name. Targets that the initiator may not use are left out:
 * it would only try them; and those at no portal that it can reach: a name without an address says that the target is right here. An empty value asks for the session's own target, and a discovery session has none.
 */
export function answerSendTargets(value: string, targets: readonly AdvertisedTarget[], seeker: Seeker): Pairs {
  if (value === '') return [['SendTargets', 'Reject']];
  const checked = value === 'All' ? null : checkTargetName(value);
  const wanted = targets.filter((target) => checked === null || (checked.ok && target.name === checked.name));
  const peer = parseAddress(seeker.peerAddress);
  const visible = wanted.filter(({ acl }) => checkAccess(acl, seeker.initiatorName, peer) === 'allowed');
  const addresses = new PortalAddresses(seeker.localAddress);
  return visible.flatMap(({ name, portals }) => {
    const reachable = addresses.of(portals);
    return reachable.length === 0 ? [] : describeTarget(name, reachable);
  });
}
