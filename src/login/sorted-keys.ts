// The pairs of a Login Request, sorted by who deals with them.
// What the standard says of a key is pdu/keys.ts; what a value means is judged by who gets it.

import { findKey, type KeySpec, Rule } from '../pdu/keys.ts';
import { Stage } from '../pdu/login-request.ts';
import { type Pair, VALUE_BYTES_MAX } from '../pdu/text.ts';
import { type LoginFault, wrong } from './refusal.ts';

/** The values that stand for no value (§6.2), which no key takes as its own. */
const RESERVED_VALUES: readonly string[] = ['NotUnderstood', 'Irrelevant', 'Reject'];

/** The pairs of one request, by who deals with them. */
export interface SortedKeys {
  readonly identity: readonly Pair[];
  readonly security: readonly Pair[];
  readonly operational: readonly Pair[];
  readonly unknown: readonly Pair[];
}

/** Sorts the pairs of a request in `stage`; a key that may not be sent there, or not by an initiator, is a fault. */
export function sortKeys(pairs: readonly Pair[], stage: number): SortedKeys | LoginFault {
  const sorted = { identity: [] as Pair[], security: [] as Pair[], operational: [] as Pair[], unknown: [] as Pair[] };
  for (const pair of pairs) {
    const spec = findKey(pair.key);
    if (spec === undefined) {
      sorted.unknown.push(pair);
      continue;
    }
    // An initiator may say that it does not understand what we declared.
    if (spec.sender === 'target' && RESERVED_VALUES.includes(pair.value)) continue;
    const found = placementFault(pair.key, spec, stage) ?? lengthFault(pair, spec);
    if (found !== null) return found;
    if (spec.rule === Rule.identify) sorted.identity.push(pair);
    else if (spec.stage === 'security') sorted.security.push(pair);
    else if (spec.stage === 'operational') sorted.operational.push(pair);
  }
  return sorted;
}

function placementFault(key: string, spec: KeySpec, stage: number): LoginFault | null {
  const misplaced = (rule: string, expected: string) => wrong(rule, `${key} with CSG=${stage}`, expected);
  if (spec.sender === 'target') return misplaced('a key is sent by who may send it', 'a key of an initiator');
  switch (spec.stage) {
    case 'any':
      return null;
    case 'fullFeature':
      return misplaced('a key is sent in its phase', `${key} after login`);
    case 'security':
      return stage === Stage.SECURITY ? null : misplaced('security keys come in the security stage', 'CSG=0');
    case 'operational':
      return stage === Stage.OPERATIONAL ? null : misplaced('operational keys come in the operational stage', 'CSG=1');
  }
}

/** A comma in a simple value is a character like others. Items of lists, and binary values, are measured by pdu/text.ts. */
function lengthFault({ key, value }: Pair, { form = 'simple' }: KeySpec): LoginFault | null {
  const bytes = Buffer.byteLength(value);
  if (form !== 'simple' || bytes <= VALUE_BYTES_MAX) return null;
  const rule = 'a value is no longer than its key allows';
  return wrong(rule, `${key} of ${bytes} bytes`, `at most ${VALUE_BYTES_MAX} bytes`);
}
