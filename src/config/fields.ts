// The kinds of value a configuration is made of, each with one text that says what it takes: errors and reference print the same.
// An issue's message has two lines and more: what is allowed, then what to do. load.ts takes it apart.

import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { parseCpuList } from '../base/cpu-list.ts';
import { nearestWord } from '../base/nearest-word.ts';
import { normalizeName, normalizeNamePattern } from './iscsi-name.ts';
import { SECRET_CHARACTERS_MIN, TEXT_VALUE_BYTES_MAX } from './limits.ts';
import { FOREIGN_SIZE_REMEDY, formatSize, isForeignSize, parseSize, SIZE_PATTERN } from './size.ts';

/** What the reference says of a field. */
export interface Note {
  readonly description: string;
  readonly allowed?: string;
  readonly unit?: string;
}

/** Every described field, for the JSON Schema and the reference page. */
export const notes = z.registry<Note>();

/** The JSON Schema (2020-12) of `schema`, without words of our own: strict validators refuse keywords that they do not know. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output') {
  return z.toJSONSchema(schema, {
    io,
    metadata: notes,
    override({ zodSchema, jsonSchema: node }) {
      delete node['allowed'];
      delete node['unit'];
      // What has no note may have been described by Zod's own means, as answers are.
      const description = node.description ?? z.globalRegistry.get(zodSchema)?.description;
      if (description !== undefined) node.description = description;
    },
  });
}

const allowances = new WeakMap<z.ZodType, Omit<Note, 'description'>>();

function kind<Schema extends z.ZodType>(schema: Schema, allowed: string, unit?: string): Schema {
  allowances.set(schema, unit === undefined ? { allowed } : { allowed, unit });
  return schema;
}

/** Says what a field is for. Outermost: after `.default()` and `.optional()`. */
export function describe<Schema extends z.ZodType>(schema: Schema, description: string): Schema {
  let inner: z.ZodType = schema;
  while (!allowances.has(inner) && 'innerType' in inner.def) inner = inner.def.innerType as z.ZodType;
  notes.add(schema, { description, ...allowances.get(inner) });
  return schema;
}

/** Joins the two halves of an issue's message. */
function message(allowed: string, ...remedies: string[]): string {
  return [allowed, ...remedies].join('\n');
}

/** A message for a value that is not allowed; the remedy for a missing one is to add it. */
function valueError(allowed: string, hint?: (input: unknown) => string | null) {
  return (issue: { readonly input?: unknown }): string => {
    if (issue.input === undefined) return message(allowed, 'add it');
    return message(allowed, hint?.(issue.input) ?? 'change it, or leave it out where there is a default');
  };
}

/** A mapping with known keys. `misplaced` names keys that belong elsewhere, and what to do about them. */
export function section<Shape extends z.ZodRawShape>(shape: Shape, misplaced: Readonly<Record<string, string>> = {}) {
  const known = Object.keys(shape);
  const allowed = `a section with the keys ${known.join(', ')}`;
  const remedy = (key: string): string => {
    const nearest = nearestWord(key, known);
    if (Object.hasOwn(misplaced, key)) return misplaced[key]!;
    return nearest === null ? 'remove it' : `did you mean ${nearest}?`;
  };
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return message(allowed, ...issue.keys.map(remedy));
      return message(allowed, issue.input === undefined ? 'add it' : 'write it as a mapping, key: value');
    },
  });
}

/** A whole number within bounds, both included. */
export function integer(min: number, max: number, unit?: string) {
  const allowed = `a whole number from ${min} to ${max}`;
  const error = valueError(allowed);
  return kind(z.int({ error }).min(min, { error }).max(max, { error }), allowed, unit);
}

/** true or false. */
export function flag() {
  const allowed = 'true or false';
  return kind(z.boolean({ error: valueError(allowed) }), allowed);
}

/** One word of a few. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  const allowed = words.length === 1 ? words[0] : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  const hint = (input: unknown): string | null => {
    const nearest = nearestWord(String(input), words);
    return nearest === null ? null : `did you mean ${nearest}?`;
  };
  return kind(z.enum(words, { error: valueError(allowed, hint) }), allowed);
}

/** One number of a few. */
export function oneOf<const Numbers extends readonly [number, ...number[]]>(numbers: Numbers, unit?: string) {
  const allowed = numbers.join(' or ');
  return kind(z.literal(numbers, { error: valueError(allowed) }), allowed, unit);
}

/** A number of bytes, given as a number or with a unit. */
export function size(min: number, max: number) {
  const allowed = `a size from ${formatSize(min)} to ${formatSize(max)}, in bytes or such as 64KiB, 1GiB`;
  const error = valueError(allowed, (input) => (isForeignSize(String(input)) ? FOREIGN_SIZE_REMEDY : null));
  const schema = z
    .union([z.int({ error }), z.string({ error }).regex(SIZE_PATTERN, { error })], { error })
    .transform((value, context) => {
      const bytes = typeof value === 'number' ? value : parseSize(value);
      if (bytes !== null && bytes >= min && bytes <= max) return bytes;
      context.addIssue({ code: 'custom', message: error({ input: value }) });
      return z.NEVER;
    });
  return kind(schema, allowed, 'bytes');
}

/** What YAML took for something else than text: `3000000100000001`, `true`. */
const isBare = (input: unknown): boolean => typeof input === 'number' || typeof input === 'boolean';

/** A text that must pass `accepts`, given back as `accepts` returns it; null refuses it. */
function checked<Value>(
  allowed: string,
  accepts: (text: string) => Value | null,
  hint?: (input: unknown) => string | null,
) {
  const error = valueError(allowed, (input) => (isBare(input) ? 'put it in quotes' : (hint?.(input) ?? null)));
  const schema = z.string({ error }).transform((text, context) => {
    const value = accepts(text);
    if (value !== null) return value;
    context.addIssue({ code: 'custom', message: error({ input: text }) });
    return z.NEVER;
  });
  return kind(schema, allowed);
}

/** A text that fits a value of RFC 7143 §6.1. */
export function text() {
  const fits = (value: string) =>
    value !== '' && Buffer.byteLength(value) <= TEXT_VALUE_BYTES_MAX && !/\p{Cc}/u.test(value);
  return checked(`1 to ${TEXT_VALUE_BYTES_MAX} bytes of text without control characters`, (value) =>
    fits(value) ? value : null,
  );
}

/** A file's path; relative ones are resolved by settle.ts. */
export function filePath() {
  return checked('a path', (value) => (value === '' || value.includes('\0') ? null : value));
}

/** A CHAP secret, still as text; settle.ts wraps it. */
export function secretText() {
  return checked(
    `a text of at least ${SECRET_CHARACTERS_MIN} characters`,
    (value) => (value.length >= SECRET_CHARACTERS_MIN ? value : null),
    () => 'choose a longer secret',
  );
}

/** An iSCSI name, normalised. */
export function iscsiName() {
  return checked(
    'an iSCSI name: iqn.yyyy-mm.reversed.domain:name, of letters, digits, dashes, dots and colons; eui. and 16 hex digits; or naa. and 16 or 32',
    normalizeName,
    () => 'write a name such as iqn.2026-11.com.example:disk0',
  );
}

const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** What an IPv4 address has before it as an IPv4-mapped IPv6 address, ::ffff:192.0.2.1 (RFC 4291 §2.5.5.2). */
const DISGUISE_BITS = IPV6_BITS - IPV4_BITS;

/** A literal IPv4 or IPv6 address. */
export function ipAddress() {
  return checked('an IPv4 or IPv6 address', (value) => (isIP(value) === 0 ? null : value));
}

/** A network in prefix notation, or one address; given back in prefix notation. One of IPv4 addresses in their IPv6 disguise is one of IPv4. */
export function network() {
  return checked('a network such as 192.0.2.0/24 or 2001:db8::/32, or an address', (value) => {
    const [, base = '', prefix] = /^([^/%]+)(?:\/(0|[1-9]\d*))?$/.exec(value) ?? [];
    const family = isIP(base);
    // Not for ipaddr.js to judge, which reads 10/8 and 010.0.0.0/8 as inet_aton(3) would: as 0.0.0.10/8 and 8.0.0.0/8.
    if (family === 0) return null;
    const width = family === 6 ? IPV6_BITS : IPV4_BITS;
    const bits = Number(prefix ?? width);
    if (bits > width) return null;
    const address = ipaddr.parse(base);
    const disguised = address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= DISGUISE_BITS;
    return disguised ? `${address.toIPv4Address()}/${bits - DISGUISE_BITS}` : `${base}/${bits}`;
  });
}

/** A name of an initiator, or a pattern of such names in which `*` stands for any characters; lower case, as names are compared. */
export function namePattern() {
  return checked('a name of an initiator, without commas, in which * stands for any characters', normalizeNamePattern);
}

/** `host[:port][,tag]`, as TargetAddress spells it (RFC 7143 §13.8); IPv6 in brackets. */
export function targetAddress() {
  return hostAndPort('host, host:port or host:port,tag, port 3260 when left out; an IPv6 address in brackets', true);
}

/** Where a portal is reached: `host` or `host:port`, with an IPv6 address in brackets. */
export function portalAddress() {
  return hostAndPort('host or host:port; an IPv6 address in brackets', false);
}

function hostAndPort(allowed: string, tagged: boolean) {
  const shape = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?(?:,(\d{1,5}))?$/;
  return checked(allowed, (value) => {
    const match = shape.exec(value);
    if (match === null || (match[1] !== undefined && isIP(match[1]) !== 6)) return null;
    if (match[4] !== undefined && !tagged) return null;
    const fits = Number(match[3] ?? 1) > 0 && Number(match[3] ?? 1) <= 0xffff && Number(match[4] ?? 0) <= 0xffff;
    return fits ? value : null;
  });
}

/** A text of a given shape; `spell` makes one of several spellings of it. */
export function pattern(shape: RegExp, allowed: string, spell = (value: string) => value) {
  return checked(allowed, (value) => (shape.test(value) ? spell(value) : null));
}

/** A CPU list as the kernel writes it, `0-3,8`; `any` pins nothing and gives an empty list. */
export function cpuList(max: number) {
  return checked(`any, or CPU numbers from 0 to ${max} such as 0-3,8`, (value) => {
    if (value === 'any') return [];
    const cpus = value.trim() === '' ? null : parseCpuList(value);
    return cpus === null || cpus.some((cpu) => cpu > max) ? null : cpus;
  });
}

/** A whole number within bounds, or the word that means: decide for me. */
export function integerOr<const Word extends string>(word: Word, min: number, max: number, unit?: string) {
  const allowed = `${word}, or a whole number from ${min} to ${max}`;
  const error = valueError(allowed);
  return kind(
    z.union([z.literal(word), z.int({ error }).min(min, { error }).max(max, { error })], { error }),
    allowed,
    unit,
  );
}

/** A list, with bounds on its length. */
export function list<Schema extends z.ZodType>(element: Schema, min: number, max: number) {
  const allowed = `a list of ${min} to ${max} entries`;
  const error = valueError(allowed, (input) => (Array.isArray(input) ? null : 'write it as a list, - entry'));
  return kind(z.array(element, { error }).min(min, { error }).max(max, { error }), allowed);
}

/** `schema`, or false to switch the thing off. */
export function orOff<Schema extends z.ZodType>(schema: Schema) {
  return z.union([z.literal(false), schema], { error: valueError('false, or a section') });
}
