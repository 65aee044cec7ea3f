// What a browser may be talked into: a page from elsewhere that sends requests here (by another origin, or by a name that was made to
// point here). There is no CORS: pages of this interface itself are the only ones that may ask. Programs are token.ts's business.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { AdminRequest } from './http.ts';

/** The host of an authority, without port and brackets. */
function hostOf(authority: string): string {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+))(?::\d+)?$/i.exec(authority);
  return (match?.[1] ?? match?.[2] ?? '').toLowerCase();
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || (isIP(host) !== 0 && ipaddr.process(host).range() === 'loopback');

/**
 * Why a request is refused, or null. `guarded`: requests carry a token, which no page can guess; otherwise they must have been sent to an
 * address, not to a name that somebody lets point to it.
 */
export function strangeOrigin({ headers }: AdminRequest, guarded: boolean): string | null {
  const host = headers.get('host') ?? '';
  if (!guarded && !isLoopback(hostOf(host))) return 'without a token the Host header must name the loopback';
  const origin = headers.get('origin');
  if (origin !== undefined && origin.toLowerCase().replace(/^https?:\/\//, '') !== host.toLowerCase()) {
    return 'pages of other origins may ask nothing here';
  }
  const site = headers.get('sec-fetch-site') ?? 'none';
  // A link from elsewhere may lead to the page; what such a page asks for itself comes without Origin only when it can't be read.
  const navigates = headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document';
  if (site === 'same-origin' || site === 'none' || navigates) return null;
  return 'pages of other sites may ask nothing here';
}
