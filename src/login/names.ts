// iSCSI names as initiators bring them, their own and the target's (RFC 7143 §4.2.7): the form that is compared, or what is wrong.
// Which texts are names at all is config/iscsi-name.ts, so that configuration and login never differ.

import { normalizeInitiatorName, normalizeName } from '../config/iscsi-name.ts';
import { ISCSI_NAME_BYTES_MAX } from '../config/limits.ts';

/** The name as it is compared, or what a name has to be. */
export type CheckedName =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly expected: string };

const FORMS: Readonly<Record<string, string>> = {
  'iqn.': 'iqn., year-month, a reversed domain name, then a colon and letters, digits, dots, dashes or colons',
  'eui.': 'eui. and 16 hex digits',
  'naa.': 'naa. and 16 or 32 hex digits',
};

const TYPES = 'a name that begins with iqn., eui. or naa.';

/** Judges the name of a target, whatever its case. */
export function checkTargetName(text: string): CheckedName {
  return judged(text, normalizeName(text), FORMS[text.slice(0, 4).toLowerCase()] ?? TYPES);
}

/** Judges the name of an initiator, whatever its case: any printable text of one of the types. */
export function checkInitiatorName(text: string): CheckedName {
  const expected = `${TYPES} and goes on with printable characters, no comma and no * among them`;
  return judged(text, normalizeInitiatorName(text), expected);
}

function judged(text: string, name: string | null, form: string): CheckedName {
  if (name !== null) return { ok: true, name };
  const tooLong = Buffer.byteLength(text) > ISCSI_NAME_BYTES_MAX;
  return { ok: false, expected: tooLong ? `at most ${ISCSI_NAME_BYTES_MAX} bytes` : form };
}
