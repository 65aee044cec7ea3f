// Text of Login and Text PDUs (RFC 7143 §6.1): key=value pairs, each ended by a NUL, and the ways values are spelled.
// What a key means and who may send it is keys.ts.

/** Bytes of a key, §6.1. */
export const KEY_BYTES_MAX = 63;
/** Bytes of a text value, or of each value in a list, §6.1. */
export const VALUE_BYTES_MAX = 255;
/** Bytes that a binary value stands for, §6.1; written in hex it is twice as long and two more. */
export const BINARY_BYTES_MAX = 1024;
const BINARY_CHARACTERS_MAX = 2 + 2 * BINARY_BYTES_MAX;

/** A pair as it came. */
export interface Pair {
  readonly key: string;
  readonly value: string;
}

/** What can be wrong with a text. */
export const TextFault = {
  missingNul: 'the last pair does not end with a NUL',
  missingEquals: 'a pair has no =',
  emptyKey: 'a pair has no key before its =',
  keyTooLong: `a key is longer than ${KEY_BYTES_MAX} bytes`,
  keyCharacters: 'a key has a character other than letters, digits and . - + @ _ #',
  valueTooLong: `a value is longer than ${VALUE_BYTES_MAX} bytes (binary: ${BINARY_BYTES_MAX})`,
  encoding: 'the text is not UTF-8',
  duplicateKey: 'a key is given twice',
} as const;
export type TextFault = (typeof TextFault)[keyof typeof TextFault];

/** Pairs in the order they came, or the first fault with the piece of text at fault. */
export type ParsedText =
  | { readonly ok: true; readonly pairs: readonly Pair[] }
  | { readonly ok: false; readonly fault: TextFault; readonly excerpt: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const EXCERPT_CHARACTERS = 40;

/** Reads a whole text. Empty pairs (a NUL after a NUL) are passed over: some initiators pad with them. */
export function parseText(bytes: Uint8Array): ParsedText {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return failed(TextFault.encoding, Buffer.from(bytes).toString('latin1'));
  }
  if (text !== '' && !text.endsWith('\0')) return failed(TextFault.missingNul, text.slice(text.lastIndexOf('\0') + 1));
  const pairs: Pair[] = [];
  const seen = new Set<string>();
  for (const item of text.split('\0')) {
    if (item === '') continue;
    const equals = item.indexOf('=');
    if (equals < 0) return failed(TextFault.missingEquals, item);
    const pair = { key: item.slice(0, equals), value: item.slice(equals + 1) };
    const fault = pairFault(pair);
    if (fault !== null) return failed(fault, item);
    if (seen.has(pair.key)) return failed(TextFault.duplicateKey, item);
    seen.add(pair.key);
    pairs.push(pair);
  }
  return { ok: true, pairs };
}

/** The pairs of a text as a map, or null when anything is wrong with it. */
export function parsePairs(bytes: Uint8Array): ReadonlyMap<string, string> | null {
  const text = parseText(bytes);
  return text.ok ? new Map(text.pairs.map(({ key, value }) => [key, value])) : null;
}

function failed(fault: TextFault, excerpt: string): ParsedText {
  // It ends up in logs: printable ASCII only, and nothing that is made from a secret.
  const masked = excerpt.replace(/^(CHAP_[RC]=).*/s, '$1');
  const clean = masked.slice(0, EXCERPT_CHARACTERS).replace(/[^ -~]/g, '?');
  return { ok: false, fault, excerpt: clean.length < excerpt.length ? `${clean}...` : clean };
}

function pairFault({ key, value }: Pair): TextFault | null {
  if (key === '') return TextFault.emptyKey;
  if (!/^[A-Za-z0-9.\-+@_#]+$/.test(key)) return TextFault.keyCharacters;
  if (key.length > KEY_BYTES_MAX) return TextFault.keyTooLong;
  // The limit is per value, not per list of values. Which keys take no list, their table knows (keys.ts).
  return value.split(',').some(isTooLong) ? TextFault.valueTooLong : null;
}

function isTooLong(value: string): boolean {
  const max = /^0[xXbB]/.test(value) ? BINARY_CHARACTERS_MAX : VALUE_BYTES_MAX;
  return Buffer.byteLength(value) > max;
}

/** The bytes of `pairs`, each with its NUL. */
export function encodePairs(pairs: Iterable<readonly [key: string, value: string]>): Uint8Array {
  let text = '';
  for (const [key, value] of pairs) text += `${key}=${value}\0`;
  return Buffer.from(text);
}

/** The values of a list, in the order of preference; no values for an empty text. */
export function parseList(value: string): readonly string[] {
  return value === '' ? [] : value.split(',');
}

/** `Yes` and `No`, and nothing else; null otherwise. */
export function parseBoolean(value: string): boolean | null {
  if (value === 'Yes') return true;
  return value === 'No' ? false : null;
}

/** See {@link parseBoolean}. */
export function formatBoolean(value: boolean): 'Yes' | 'No' {
  return value ? 'Yes' : 'No';
}

/** A numerical value, decimal or hex, up to 2^53 - 1; null for anything else. */
export function parseNumber(value: string): number | null {
  if (!/^(?:0|[1-9]\d*|0[xX][0-9a-fA-F]+)$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** A binary value in hex (0x…) or base64 (0b…), at most {@link BINARY_BYTES_MAX} bytes; null for anything else. */
export function parseBinary(value: string): Uint8Array | null {
  const bytes = decodeBinary(value);
  return bytes !== null && bytes.length > 0 && bytes.length <= BINARY_BYTES_MAX ? bytes : null;
}

function decodeBinary(value: string): Uint8Array | null {
  const digits = value.slice(2);
  if (/^0[xX][0-9a-fA-F]+$/.test(value)) {
    // An odd number of digits is legal: the first byte's upper half is zero.
    return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex');
  }
  if (!/^0[bB](?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) return null;
  const bytes = Buffer.from(digits, 'base64');
  // Bits behind the last byte must be zero: one value, one spelling.
  return bytes.toString('base64') === digits ? bytes : null;
}

/** Hex, which every initiator reads: libiscsi knows no other form. */
export function formatBinary(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString('hex')}`;
}
