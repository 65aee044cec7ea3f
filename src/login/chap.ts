// CHAP (RFC 1994) as iSCSI uses it (RFC 7143 §12.1.3): algorithms, responses, and their comparison.
// The dialogue, step by step, is security.ts.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { ChapSettings } from '../config/settings.ts';
import { parseNumber } from '../pdu/text.ts';

/** A digest that CHAP can use. */
export interface ChapAlgorithm {
  /** As IANA numbers PPP authentication algorithms. */
  readonly number: number;
  /** As the configuration and OpenSSL call it. */
  readonly name: ChapSettings['algorithms'][number];
  readonly responseBytes: number;
}

export const CHAP_ALGORITHMS: readonly ChapAlgorithm[] = [
  { number: 5, name: 'md5', responseBytes: 16 },
  { number: 6, name: 'sha1', responseBytes: 20 },
  { number: 7, name: 'sha256', responseBytes: 32 },
  { number: 8, name: 'sha3-256', responseBytes: 32 },
];

/** The first of our `preferences` that is among the numbers offered, in decimal or hex (§6.1); undefined: nothing in common. */
export function chooseAlgorithm(
  preferences: ChapSettings['algorithms'],
  offered: readonly string[],
): ChapAlgorithm | undefined {
  const candidates = preferences.map((name) => CHAP_ALGORITHMS.find((algorithm) => algorithm.name === name)!);
  const numbers = offered.map(parseNumber);
  return candidates.find((algorithm) => numbers.includes(algorithm.number));
}

/** RFC 1994 §4.1: the digest over identifier, secret and challenge. */
export function chapResponse(
  algorithm: ChapAlgorithm,
  identifier: number,
  secret: string,
  challenge: Uint8Array,
): Uint8Array {
  return createHash(algorithm.name)
    .update(Uint8Array.of(identifier))
    .update(Buffer.from(secret))
    .update(challenge)
    .digest();
}

/** Compares in the same time wherever they differ. A response of another length is wrong, and its length no secret. */
export function responsesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
