// The configuration explained: the JSON Schema that editors use, and the reference page. Both are made from the schema and the table
// of variables, so neither can say what the program does not do. scripts/write-docs.mjs puts them into docs/.

import { z } from 'zod';
import { ENVIRONMENT, type EnvironmentVariable } from './environment.ts';
import { jsonSchema, notes } from './fields.ts';
import { configuration } from './schema.ts';

/** What this file needs of a JSON Schema with our notes in it. */
interface Node {
  readonly type?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly allowed?: string;
  readonly unit?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
}

const annotated = z.toJSONSchema(configuration, { io: 'input', metadata: notes }) as Node;

/** The JSON Schema (2020-12) of a configuration file. */
export function configurationSchema(): object {
  return { title: 'lunaring configuration', ...jsonSchema(configuration, 'input') };
}

/** A value as it would be written in the file: quoted where YAML would take a word for something else. */
function literal(value: unknown): string {
  return typeof value === 'string' && value !== 'null' ? value : JSON.stringify(value);
}

/** What stands in the table's column: everything but what a reader takes for granted. */
function fallback(node: Node, required: boolean): string {
  if (required) return 'required';
  return node.default === undefined || JSON.stringify(node.default) === '{}' ? '' : `\`${literal(node.default)}\``;
}

function allowedOf(node: Node): string {
  return node.const === undefined ? (node.allowed ?? '') : `\`${literal(node.const)}\``;
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

const HEADING = [row('key', 'unit', 'allowed', 'default', 'for'), row('---', '---', '---', '---', '---')];

function keyRow(key: string, node: Node, required: boolean): string {
  return row(`\`${key}\``, node.unit ?? '', allowedOf(node), fallback(node, required), node.description ?? '');
}

/** The mappings that a value may be: itself, the members of a union, the elements of a list. */
function mappings(node: Node): Node[] {
  if (node.properties !== undefined) return [node];
  return [...(node.items === undefined ? [] : [node.items]), ...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap(
    mappings,
  );
}

/** Places by the mapping that was described there: the same one is described once. */
type Seen = Map<string, string>;

/** A table for the mapping at `path`, followed by those of the mappings in it. */
function tables(node: Node, path: string, seen: Seen): string[] {
  const shape = JSON.stringify(node.properties);
  const before = seen.get(shape);
  if (before !== undefined) return ['', `### \`${path}\``, '', `As \`${before}\`.`];
  seen.set(shape, path);
  const lines = ['', `### \`${path}\``, '', ...HEADING];
  const inner: string[] = [];
  for (const [key, value] of Object.entries(node.properties ?? {})) {
    lines.push(keyRow(key, value, node.required?.includes(key) === true));
    inner.push(...sections(value, `${path}.${key}`, seen));
  }
  return [...lines, ...inner];
}

/** The tables of the mappings at `path`; members of a union are told apart by the word that chooses them. */
function sections(node: Node, path: string, seen: Seen): string[] {
  const place = node.type === 'array' ? `${path}[]` : path;
  const found = mappings(node);
  return found.flatMap((mapping) => {
    const choice = Object.entries(mapping.properties ?? {}).find(([, value]) => value.const !== undefined);
    const name = choice === undefined || found.length === 1 ? '' : ` (${choice[0]}: ${literal(choice[1].const)})`;
    return tables(mapping, `${place}${name}`, seen);
  });
}

/** What is said of a variable: by the table, or by the schema at the place that it sets. */
export interface VariableReference {
  readonly allowed: string;
  readonly unit: string;
  readonly fallback: string;
  readonly effect: string;
}

/** Bounds, unit, default and effect of a variable. */
export function describeVariable(variable: EnvironmentVariable): VariableReference {
  let node: Node | undefined = annotated;
  for (const key of variable.path ?? []) node = node?.properties?.[key];
  const standard = variable.path === null || node?.default === undefined ? '' : literal(node.default);
  return {
    allowed: variable.allowed ?? node?.allowed ?? '',
    unit: node?.unit ?? '',
    fallback: variable.fallback ?? standard,
    effect: variable.effect ?? node?.description ?? '',
  };
}

function variables(): string[] {
  const lines = [
    row('variable', 'sets', 'unit', 'allowed', 'default', 'effect'),
    row('---', '---', '---', '---', '---', '---'),
  ];
  for (const variable of ENVIRONMENT) {
    const { allowed, unit, fallback: standard, effect } = describeVariable(variable);
    const sets = variable.path === null ? '' : `\`${variable.path.join('.')}\``;
    lines.push(row(`\`${variable.name}\``, sets, unit, allowed, standard === '' ? '' : `\`${standard}\``, effect));
  }
  return lines;
}

const INTRODUCTION = `# Configuration

Made from the program by \`node scripts/write-docs.mjs\`; change it there.

Everything has a default. Three sources are read, and later ones win: the defaults, a file (\`--config FILE\` or \`LUNARING_CONFIG\`;
YAML or JSON), the environment; what the file says in vain is warned of. \`lunaring env\` shows what is in force and who said so, \`lunaring check\` judges it together with the
machine, and neither touches a disk. Paths in the file are relative to the file, all others to the working directory. Sizes are bytes,
or carry KiB, MiB, GiB or TiB. Unknown keys are errors; unknown \`LUNARING_\` variables are warnings.

[lunaring.schema.json](lunaring.schema.json) brings completion to editors. YAML names it in its first line,
\`# yaml-language-server: $schema=/usr/local/lib/node_modules/lunaring/docs/lunaring.schema.json\`, and JSON by the key \`"$schema"\`; the
path is that of an installed package, put your own in its place.
`;

/** The reference page, in Markdown. */
export function configurationReference(): string {
  const lines = [
    INTRODUCTION,
    '## Environment variables',
    '',
    'An empty variable counts as unset.',
    '',
    ...variables(),
  ];
  const seen: Seen = new Map();
  lines.push('', '## The file', '', ...HEADING);
  for (const [key, node] of Object.entries(annotated.properties ?? {})) {
    lines.push(keyRow(key, node, false));
  }
  for (const [key, node] of Object.entries(annotated.properties ?? {})) lines.push(...sections(node, key, seen));
  return `${lines.join('\n')}\n`;
}
