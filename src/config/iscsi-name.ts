// iSCSI names (RFC 7143 §4.2.7): which texts are one, and the form in which two of them are compared.
// Both ends of a login use it: names that are configured, and names that initiators bring.

import { ISCSI_NAME_BYTES_MAX } from './limits.ts';

// What is left after the string preparation of RFC 3722: lower case letters and digits of any script, and three punctuation marks.
const IQN =
  /^iqn\.\d{4}-(?:0[1-9]|1[0-2])\.[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{Nd}.-]+(?::[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{Nd}.:-]*)?$/u;
const EUI = /^eui\.[0-9a-f]{16}$/;
const NAA = /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/;

/**
 * The form of `name` that is compared and kept: case folded, normalised (RFC 3722), or null when it is no iSCSI name
 * of at most 223 bytes.
 */
export function normalizeName(name: string): string | null {
  const folded = name.normalize('NFKC').toLowerCase();
  if (Buffer.byteLength(folded) > ISCSI_NAME_BYTES_MAX) return null;
  return IQN.test(folded) || EUI.test(folded) || NAA.test(folded) ? folded : null;
}
