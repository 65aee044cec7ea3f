// iSCSI names (RFC 7143 §4.2.7): which texts are one, and the form in which two of them are compared.
// Both ends of a login use it: names that are configured, and names that initiators bring.

import { ISCSI_NAME_BYTES_MAX } from './limits.ts';

// What is left after the string preparation of RFC 3722: lower case letters and digits of any script, and three punctuation marks.
const IQN =
  /^iqn\.\d{4}-(?:0[1-9]|1[0-2])\.[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{Nd}.-]+(?::[\p{Ll}\p{Lo}\p{Lm}\p{M}\p{Nd}.:-]*)?$/u;
const EUI = /^eui\.[0-9a-f]{16}$/;
const NAA = /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/;

// What initiators may be called: printable text, with spaces inside it. Not a comma: behind one a TransportID has the ISID (SPC-5). Not an
// asterisk: who copied such a name from a refusal to an access list would let others in.
const INITIATOR = /^(?:iqn|eui|naa)\.[^\p{C}\p{Z},*]+(?: +[^\p{C}\p{Z},*]+)*$/u;
const PATTERN = /^[^\p{C}\p{Z},]+(?: +[^\p{C}\p{Z},]+)*$/u;

/** Case folded and normalised (RFC 3722): the form in which names are compared and kept. */
function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** The form of `name` that is compared and kept, or null when it is no iSCSI name of at most 223 bytes. */
export function normalizeName(name: string): string | null {
  const folded = fold(name);
  if (Buffer.byteLength(folded) > ISCSI_NAME_BYTES_MAX) return null;
  return IQN.test(folded) || EUI.test(folded) || NAA.test(folded) ? folded : null;
}

/**
 * The same for the name of an initiator, which need not be an iSCSI name: hosts bring what they are called (QEMU the name of the virtual
 * machine, `iqn.2008-11.org.linux-kvm:my_vm`; AIX `iqn.localhost.hostid.7f000001`), and no clause has targets refuse that.
 */
export function normalizeInitiatorName(name: string): string | null {
  const folded = fold(name);
  return Buffer.byteLength(folded) <= ISCSI_NAME_BYTES_MAX && INITIATOR.test(folded) ? folded : null;
}

/** The same for a pattern of such names, in which `*` stands for any characters. */
export function normalizeNamePattern(pattern: string): string | null {
  const folded = fold(pattern);
  return PATTERN.test(folded) ? folded : null;
}
