// iSCSI names as initiators bring them (RFC 7143 §4.2.7): the form that is compared, or what is wrong.
// Which texts are names at all is config/iscsi-name.ts, so that configuration and login never differ.

import { normalizeName } from '../config/iscsi-name.ts';
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

/** Judges a name, whatever its case. */
export function checkName(text: string): CheckedName {
  const name = normalizeName(text);
  if (name !== null) return { ok: true, name };
  if (Buffer.byteLength(text) > ISCSI_NAME_BYTES_MAX) {
    return { ok: false, expected: `at most ${ISCSI_NAME_BYTES_MAX} bytes` };
  }
  const expected = FORMS[text.slice(0, 4).toLowerCase()] ?? 'a name that begins with iqn., eui. or naa.';
  return { ok: false, expected };
}
