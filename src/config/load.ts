// Brings the sources together, later ones winning: defaults, file, environment. Gives settings that can be served, or every
// finding at once. Reads the configuration file and the secret files it names, and touches nothing else.

import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { nearestWord } from '../base/nearest-word.ts';
import { ConfigurationFile, readConfigurationFile } from './document.ts';
import { ENVIRONMENT, type RawConfiguration } from './environment.ts';
import { type Finding, formatPath } from './finding.ts';
import { configuration, DEFAULT_PORTALS, DEFAULT_TARGETS } from './schema.ts';
import type { Settings } from './settings.ts';
import { settle } from './settle.ts';

type Path = readonly PropertyKey[];
/** Variable names by the path they set. */
type Setters = ReadonlyMap<string, string>;

/** Where to load from. */
export interface Sources {
  /** Configuration file named on the command line; wins over LUNARING_CONFIG. Relative to `workingDirectory`. */
  readonly file?: string | undefined;
  /** What the file is taken to say, instead of what it does. */
  readonly text?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** Says who set the value at a path: `lunaring.yaml:14`, a variable's name, or `default`. */
export type OriginOf = (path: Path) => string;

/** Settings that can be served, with the warnings about them. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly findings: readonly Finding[];
  readonly originOf: OriginOf;
  /** The configuration file; null: there is none. */
  readonly location: string | null;
  /** The file's, or else the working directory: what paths that come later are relative to. */
  readonly directory: string;
}

/** What loading gives: settings, or what is wrong. */
export type Loaded = LoadedSettings | { readonly settings: null; readonly findings: readonly Finding[] };

/** The longest text of a value that a finding quotes. */
const RECEIVED_CHARACTERS_MAX = 60;
/** Keys below which a value may be a secret, whatever the reader took it for; and those among them that never are. */
const SECRET_PLACES = new Set<PropertyKey>(['auth', 'users', 'mutual', 'secret']);
const OPEN_KEYS = new Set<PropertyKey>(['method', 'algorithms', 'name', 'secretFile']);

/** The value at `path`, as a finding quotes it. */
function quote(document: unknown, path: Path): string {
  let value = document;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (typeof value === 'function') return 'a function';
  const open = path.some((key) => OPEN_KEYS.has(key)) || !path.some((key) => SECRET_PLACES.has(key));
  if (!open)
    return typeof value === 'string' ? `[secret of ${value.length} characters]` : `[secret, a ${typeof value}]`;
  // JSON has no word for all that YAML and programs may give: .inf, 1n, a symbol.
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= RECEIVED_CHARACTERS_MAX ? text : `${text.slice(0, RECEIVED_CHARACTERS_MAX)}…`;
}

/** Of a union's failures, those of the member that was meant: the one that got beyond the kind of value. */
function flatten(issue: z.core.$ZodIssue, path: Path = []): z.core.$ZodIssue[] {
  const here = [...path, ...issue.path];
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((issues) =>
      issues.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
    );
    if (meant !== undefined) return meant.flatMap((inner) => flatten(inner, here));
  }
  return [{ ...issue, path: here }];
}

/** Findings for what the schema refused. The message of an issue is made in fields.ts: what is allowed, then what to do. */
function judge(issue: z.core.$ZodIssue, document: unknown, placeOf: OriginOf): Finding[] {
  return flatten(issue).flatMap((found) => {
    const [allowed = '', ...remedies] = found.message.split('\n');
    const finding = (path: Path, received: string, remedy = 'change it'): Finding => {
      return { severity: 'error', path: formatPath(path), origin: placeOf(path), received, allowed, remedy };
    };
    if (found.code !== 'unrecognized_keys') return [finding(found.path, quote(document, found.path), remedies[0])];
    // Never the value: a mistyped key may be that of a secret.
    return found.keys.map((key, index) => finding([...found.path, key], `an unknown key, ${key}`, remedies[index]));
  });
}

/** Findings for everything that a schema refused in `document`. */
export function findingsOf(error: z.ZodError, document: unknown, placeOf: OriginOf): Finding[] {
  return error.issues.flatMap((issue) => judge(issue, document, placeOf));
}

/** Variables that look like ours and are not. A warning only: Kubernetes makes some for a service that is called lunaring. */
function strangers(environment: Sources['environment']): Finding[] {
  const known = ENVIRONMENT.map(({ name }) => name);
  return Object.keys(environment)
    .filter((name) => name.startsWith('LUNARING_') && !known.includes(name))
    .map((name) => {
      const nearest = nearestWord(name, known);
      const remedy = nearest === null ? '`lunaring env` lists the known ones' : `did you mean ${nearest}?`;
      return {
        severity: 'warning',
        path: name,
        origin: 'environment',
        received: 'an unknown variable',
        allowed: 'known variables',
        remedy,
      };
    });
}

/** Puts the environment's values into `document`; returns who set which path, and what the file says of such paths in vain. */
function applyEnvironment(
  environment: Sources['environment'],
  document: RawConfiguration,
  file: ConfigurationFile | null,
): { readonly setters: Setters; readonly vain: readonly Finding[] } {
  const setters = new Map<string, string>();
  const vain: Finding[] = [];
  for (const { name, apply } of ENVIRONMENT) {
    const text = environment[name]?.trim();
    if (text === undefined || text === '') continue;
    for (const path of apply(text, document)) {
      setters.set(formatPath(path), name);
      if (file?.has(path) === true) vain.push(inVain(path, name, file));
    }
  }
  return { setters, vain };
}

function inVain(path: Path, variable: string, file: ConfigurationFile): Finding {
  return {
    severity: 'warning',
    path: formatPath(path),
    origin: file.where(path),
    received: `${quote(file.content, path)}, and ${variable}, which goes before it`,
    allowed: 'one of the two',
    remedy: `unset ${variable}, or take this out of the file`,
  };
}

/** Who set the value at a path. With `nearest`, a value that the file leaves out counts as the file's if the file has the section that it belongs to. */
function originAt(path: Path, nearest: boolean, file: ConfigurationFile | null, setters: Setters): string {
  for (let length = path.length; length > 0; length--) {
    const setter = setters.get(formatPath(path.slice(0, length)));
    if (setter !== undefined) return setter;
  }
  const inFile = file?.has(nearest ? path.slice(0, 1) : path) === true;
  return inFile ? file.where(path) : 'default';
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}

/** Loads the settings. Changes nothing in the world; throws only for faults of our own. */
export function loadSettings(sources: Sources): Loaded {
  const { environment, workingDirectory } = sources;
  const name = sources.file ?? (environment['LUNARING_CONFIG']?.trim() || undefined);
  const location = name === undefined ? null : resolve(workingDirectory, name);
  const file = location === null ? null : readConfigurationFile(location, sources.text);
  if (file !== null && !(file instanceof ConfigurationFile)) return { settings: null, findings: [file] };

  const document: RawConfiguration = structuredClone({ portals: DEFAULT_PORTALS, targets: DEFAULT_TARGETS });
  Object.assign(document, file?.content);
  const { setters, vain } = applyEnvironment(environment, document, file);
  const placeOf: OriginOf = (path) => originAt(path, true, file, setters);
  const findings = [...strangers(environment), ...vain];

  const judged = settleDocument(document, {
    placeOf,
    directoryOf(path) {
      const set = path.some((_, index) => setters.has(formatPath(path.slice(0, index + 1))));
      const fromFile = location !== null && file?.has(path.slice(0, 1)) === true && !set;
      return fromFile ? dirname(location) : workingDirectory;
    },
  });
  findings.push(...judged.findings);
  if (judged.settings === null) return { settings: null, findings };
  const directory = location === null ? workingDirectory : dirname(location);
  return {
    settings: judged.settings,
    findings,
    originOf: (path) => originAt(path, false, file, setters),
    location,
    directory,
  };
}

/** What a document's values stand in. */
export interface DocumentSurroundings {
  /** For findings: where the value at a path stands. */
  readonly placeOf: OriginOf;
  /** What a relative path at this place is relative to. */
  directoryOf(path: Path): string;
}

/** Judges and completes a configuration that is at hand as plain data. */
export function settleDocument(
  document: unknown,
  { placeOf, directoryOf }: DocumentSurroundings,
): { readonly settings: Settings | null; readonly findings: readonly Finding[] } {
  const parsed = configuration.safeParse(document);
  if (!parsed.success) {
    return { settings: null, findings: findingsOf(parsed.error, document, placeOf) };
  }
  const findings: Finding[] = [];
  const settings = settle(parsed.data, {
    directoryOf,
    report(severity, path, received, allowed, remedy) {
      findings.push({ severity, path: formatPath(path), origin: placeOf(path), received, allowed, remedy });
    },
  });
  const failed = findings.some(({ severity }) => severity === 'error');
  return { settings: failed ? null : freeze(settings), findings };
}
