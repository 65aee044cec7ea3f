// The token that requests must carry where one is configured: read once, compared in constant time.
// Whether a place needs one is config/settle.ts's, what is let in without one origin.ts's.

import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LunaringError } from '../base/error.ts';
import type { AdminRequest } from './http.ts';

/** Browsers can't give a WebSocket headers of their own: the token may stand among the protocols, behind this. */
const TOKEN_PROTOCOL = 'token.';

/** Whether any client can send it in a header (RFC 9110 §5.5): visible characters of ASCII. */
export const isToken = (text: string): boolean => /^[\x21-\x7e]+$/.test(text);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a request carries the token. */
export class TokenGuard {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** Reads the token; white space around it is dropped. Throws LunaringError. */
  static read(path: string): TokenGuard {
    let token: string;
    try {
      token = readFileSync(path, 'utf8').trim();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new LunaringError('LUNARING_ADMIN', `admin.tokenFile ${path}: ${code}; check path and permissions`, {
        cause,
      });
    }
    if (isToken(token)) return new TokenGuard(token);
    const fault = token === '' ? 'is empty' : 'holds no token: one line without spaces, of ASCII alone';
    const cure = `head -c 24 /dev/urandom | base64 > ${path}`;
    throw new LunaringError('LUNARING_ADMIN', `admin.tokenFile ${path} ${fault}; ${cure}`);
  }

  admits({ headers }: AdminRequest): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1];
    return this.#is(given ?? protocolToken(headers.get('sec-websocket-protocol') ?? '') ?? '');
  }

  /** Digests are of one length: how long the comparison takes says nothing about the token. */
  #is(given: string): boolean {
    return timingSafeEqual(digest(given), this.#digest);
  }
}

/** The token among the protocols of a WebSocket, in base64url because a protocol has to be a word. */
function protocolToken(protocols: string): string | undefined {
  const own = protocols.split(',').map((word) => word.trim());
  const given = own.find((word) => word.startsWith(TOKEN_PROTOCOL));
  return given === undefined ? undefined : Buffer.from(given.slice(TOKEN_PROTOCOL.length), 'base64url').toString();
}
