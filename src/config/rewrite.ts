// A configuration file with other targets in it: what is the same keeps its place, its spelling and its comments.
// Where it is written to, and whether it may be, is control/saving.ts's.

import { isDeepStrictEqual } from 'node:util';
import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { settleTargetPart, settleUnitPart } from './part.ts';
import { type Plain, writable } from './plain.ts';
import type { PortalSettings, Settings, TargetSettings, TuningSettings } from './settings.ts';
import { formatSize, parseSize } from './size.ts';

/** What the file is to say. */
export interface Wanted {
  readonly targets: readonly TargetSettings[];
  /** Of its keys those that are here; the others stay. */
  readonly tuning: Partial<TuningSettings>;
  readonly logLevel: string;
}

type Mapping = { readonly [key: string]: Plain };

const isMapping = (value: Plain | undefined): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Entries of lists that have a name, or a number, are the same entry wherever they stand. */
const identityOf = (value: Plain | undefined): Plain | undefined =>
  isMapping(value) ? (value['name'] ?? value['lun']) : undefined;

/** What chooses between kinds of a section: with another one, nothing of it is the same. */
const kindOf = ({ method, backend }: Mapping): string => `${String(method)} ${String(backend)}`;

/** A value the way people write it: sizes with a unit, where that is exact. */
function spell(value: Plain): Plain {
  if (Array.isArray(value)) return value.map((each) => spell(each));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spellAt(key, inner)]));
}

function spellAt(key: string, value: Plain): Plain {
  if (key !== 'size' || typeof value !== 'number') return spell(value);
  const text = formatSize(value);
  return parseSize(text) === value ? text : value;
}

/** Without what is as the defaults have it, but for the keys in `kept`. */
function without(value: Plain, defaults: Plain, kept: readonly string[]): Mapping {
  const entries = Object.entries(value as Mapping).filter(
    ([key, inner]) => kept.includes(key) || !isDeepStrictEqual(inner, (defaults as Mapping)[key]),
  );
  return Object.fromEntries(entries);
}

/** A new entry as somebody would write it who knows the defaults. */
function brief(value: Plain, portals: readonly PortalSettings[]): Plain {
  if (Array.isArray(value)) return value.map((each) => brief(each, portals));
  if (!isMapping(value)) return value;
  if ('luns' in value) {
    const { luns, ...target } = value;
    const defaults = writable(settleTargetPart({ name: target['name'], luns: [] }, portals, '/'));
    return { ...without(target, defaults, ['name']), luns: brief(luns!, portals) };
  }
  if (!('lun' in value)) return value;
  const { lun, backend, path, size } = value;
  const least = backend === 'file' ? { lun, backend, path } : { lun, backend, size };
  return without(value, writable(settleUnitPart(least, portals, '/')), ['lun', 'backend', 'path', 'size']);
}

/** Rewrites the nodes of one document. */
class Rewriter {
  readonly #create: (value: Plain) => unknown;

  /** `create` makes the node for a value. */
  constructor(create: (value: Plain) => unknown) {
    this.#create = create;
  }

  mapping(node: YAMLMap, before: Mapping, after: Mapping): void {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [was, is] = [before[key], after[key]];
      if (isDeepStrictEqual(was, is)) continue;
      if (is === undefined) {
        node.delete(key);
        continue;
      }
      const own: unknown = node.get(key, true);
      const spelt = spellAt(key, is);
      // In its place: what was said about it stays.
      if (isScalar(own) && typeof spelt !== 'object') own.value = spelt;
      else if (!this.#within(own, was, is)) node.set(key, this.#create(spelt));
    }
  }

  /** Changes a node from within, where both values are of its kind. */
  #within(node: unknown, was: Plain | undefined, is: Plain): boolean {
    if (isMap(node) && isMapping(was) && isMapping(is) && kindOf(was) === kindOf(is)) {
      this.mapping(node, was, is);
      return true;
    }
    const listed =
      Array.isArray(was) && Array.isArray(is) && [...was, ...is].every((each) => identityOf(each) !== undefined);
    if (!isSeq(node) || !listed) return false;
    this.sequence(node, was as readonly Mapping[], is as readonly Mapping[]);
    return true;
  }

  /** `before` has an entry for each of the node's. */
  sequence(node: YAMLSeq, before: readonly Mapping[], after: readonly Mapping[]): void {
    const known = new Map(before.map((entry, index) => [identityOf(entry), { entry, item: node.items[index] }]));
    node.items = after.map((entry) => {
      const own = known.get(identityOf(entry));
      return own !== undefined && (isDeepStrictEqual(own.entry, entry) || this.#within(own.item, own.entry, entry))
        ? own.item
        : this.#create(entry);
    });
  }
}

/** What the aliases of a document stand for: the last node before each that has its anchor. */
function anchoredNodes(document: Document): ReadonlyMap<unknown, Node> {
  const latest = new Map<string, Node>();
  const found = new Map<unknown, Node>();
  visit(document, {
    Alias: (_, alias) => void found.set(alias, latest.get(alias.source)!),
    Value: (_, node) => {
      if (node.anchor !== undefined) latest.set(node.anchor, node);
    },
  });
  return found;
}

/** Where a node with an anchor has gone, or comes later now, the first alias that is left for it takes its place. */
function keepAnchors(document: Document, nodes: ReadonlyMap<unknown, Node>): void {
  visit(document, {
    Alias: (_, alias) => (alias.resolve(document) === undefined ? nodes.get(alias) : undefined),
  });
}

/** The text of a configuration file that loads as `loaded`, with other targets in it. A file in JSON stays one. */
export function rewriteConfiguration(text: string, loaded: Settings, wanted: Wanted): string {
  const targets = wanted.targets.map(writable);
  const listed = loaded.targets.map(writable);
  const tuned = Object.entries(wanted.tuning).filter(([key, value]) => {
    return !isDeepStrictEqual(loaded.tuning[key as keyof TuningSettings], value);
  });
  const same = isDeepStrictEqual(listed, targets) && tuned.length === 0 && wanted.logLevel === loaded.log.level;
  if (same) return text;
  const document = parseDocument(text);
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  const nodes = anchoredNodes(document);
  const rewriter = new Rewriter((value) => document.createNode(spell(brief(value, loaded.portals))));
  // Otherwise they are the defaults.
  const before: Mapping = isSeq(document.get('targets')) ? { targets: listed } : {};
  rewriter.mapping(document.contents as unknown as YAMLMap, before, { targets });
  for (const [key, value] of tuned) document.setIn(['tuning', key], value);
  if (wanted.logLevel !== loaded.log.level) document.setIn(['log', 'level'], wanted.logLevel);
  keepAnchors(document, nodes);
  return isJson(text) ? `${JSON.stringify(document.toJS(), null, 2)}\n` : document.toString({ lineWidth: 0 });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
