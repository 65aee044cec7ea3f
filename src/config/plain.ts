// Settings as plain data again: to compare what is served with what a file says, and to write it back.
// Secrets are revealed in it: it is for computing with and for the file that they are to stand in, never for a log or an answer.

import { isDeepStrictEqual } from 'node:util';
import { Secret } from './secret.ts';

/** JSON values. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

function plain(value: unknown, keeps: (key: string, record: object) => boolean): Plain {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map((element) => plain(element, keeps));
  if (typeof value !== 'object' || value === null) return value as Plain;
  const entries = Object.entries(value).filter(([key, inner]) => inner !== undefined && keeps(key, value));
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner, keeps)]));
}

/** Whether two settings mean the same; what a secret file held when it was read counts. */
export function sameSettings(one: unknown, other: unknown): boolean {
  const everything = (value: unknown) => plain(value, () => true);
  return isDeepStrictEqual(everything(one), everything(other));
}

/** Settings as they are written into a file: a secret that came from a file of its own stays there. */
export function writable(value: unknown): Plain {
  return plain(value, (key, record) => key !== 'secret' || !('secretFile' in record));
}
