// The initiator's side of CHAP (RFC 7143 §12.1.3): computes the response to a challenge, and checks the target's own.
// The order of the steps is initiator-login.ts.

import { createHash, randomBytes } from 'node:crypto';
import { formatBinary, parseBinary } from '../../src/pdu/text.ts';

/** Hash names of node:crypto by the numbers that CHAP_A carries: RFC 1994 and IANA's registry of PPP authentication algorithms. */
const HASHES: Readonly<Record<string, string>> = { '5': 'md5', '6': 'sha1', '7': 'sha256', '8': 'sha3-256' };

export interface ChapOptions {
  readonly name: string;
  readonly secret: string;
  /** CHAP_A as offered: a list, best first. */
  readonly algorithms?: string;
  /** Demand that the target prove itself, with this secret. */
  readonly mutualSecret?: string;
}

/** What the target is challenged with, when it is. */
interface Challenge {
  readonly identifier: number;
  readonly bytes: Uint8Array;
}

function respond(algorithm: string, identifier: number, secret: string, challenge: Uint8Array): Buffer {
  const hash = HASHES[algorithm];
  if (hash === undefined) throw new Error(`the target chose CHAP_A=${algorithm}`);
  return createHash(hash).update(Uint8Array.of(identifier)).update(secret).update(challenge).digest();
}

/** One exchange. */
export class ChapClient {
  readonly #options: ChapOptions;
  #algorithm = '';
  #challenge: Challenge | null = null;

  constructor(options: ChapOptions) {
    this.#options = options;
  }

  /** CHAP_N and CHAP_R, with CHAP_I and CHAP_C when the target is to prove itself, for the target's CHAP_A, CHAP_I and CHAP_C. */
  answer(keys: ReadonlyMap<string, string>): [string, string][] {
    this.#algorithm = keys.get('CHAP_A') ?? '';
    const challenge = parseBinary(keys.get('CHAP_C') ?? '') ?? new Uint8Array(0);
    const response = respond(this.#algorithm, Number(keys.get('CHAP_I')), this.#options.secret, challenge);
    const pairs: [string, string][] = [
      ['CHAP_N', this.#options.name],
      ['CHAP_R', formatBinary(response)],
    ];
    if (this.#options.mutualSecret === undefined) return pairs;
    this.#challenge = { identifier: randomBytes(1)[0]!, bytes: randomBytes(16) };
    return [...pairs, ['CHAP_I', `${this.#challenge.identifier}`], ['CHAP_C', formatBinary(this.#challenge.bytes)]];
  }

  /** Whether the target's CHAP_R is right; true when it was not challenged. */
  verify(keys: ReadonlyMap<string, string>): boolean {
    if (this.#challenge === null) return true;
    const secret = this.#options.mutualSecret ?? '';
    const expected = respond(this.#algorithm, this.#challenge.identifier, secret, this.#challenge.bytes);
    return expected.equals(parseBinary(keys.get('CHAP_R') ?? '') ?? new Uint8Array(0));
  }
}
