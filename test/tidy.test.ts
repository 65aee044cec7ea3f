// What a reader may rely on in the whole tree: layers that import downwards only, files that open with their purpose and stay short,
// tests that stand where their source does.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEYS } from '../src/pdu/keys.ts';

const TOP = join(import.meta.dirname, '..');

/** The layers, lowest first: a file imports from its own layer or from those before it. */
const LAYERS = [
  'base',
  'config',
  'pdu',
  'ring',
  'kernel',
  'engine',
  'backend',
  'scsi',
  'session',
  'login',
  'control',
  'library',
  'metrics',
  'admin',
  'provoke',
  'cli',
];
/** Where main starts its workers it names the messages and the assignment that both ends know. Types only. */
const WORKER_TYPES_FROM = 'control';
/** About 300 is what to aim at. A test file is a list, and may be longer. */
const LINES_MAX = 350;
const TEST_LINES_MAX = 600;
/** Folders of tests that are about no single file. */
const TESTS_AT_LARGE = ['conformance', 'deployment', 'faults', 'fuzz', 'interop', 'sim', 'support'];
/** Tests about a layer as a whole. */
const ABOUT_A_LAYER = [
  'test/pdu/layouts.test.ts',
  'test/login/properties.test.ts',
  'test/login/refusals.test.ts',
  'test/session/allocation.test.ts',
  'test/library/examples.test.ts',
  'test/scsi/variable-length.test.ts',
  // One suite for all engines.
  'test/engine/closing.test.ts',
  'test/engine/durability.test.ts',
  'test/engine/failing.test.ts',
  'test/engine/files.test.ts',
  'test/engine/receiving.test.ts',
  'test/engine/sending.test.ts',
];
const TOP_LEVEL = [
  '.ci',
  '.git',
  '.gitignore',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'SECURITY.md',
  'bench',
  'biome.json',
  'docs',
  'package-lock.json',
  'package.json',
  'scripts',
  'src',
  'test',
  'tsconfig.json',
  'workers',
];

interface SourceFile {
  /** From the repository's top. */
  readonly path: string;
  readonly text: string;
}

function filesBelow(folder: string, ending: string): SourceFile[] {
  return readdirSync(join(TOP, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(TOP, path), text: readFileSync(path, 'utf8') }));
}

const sources = filesBelow('src', '.ts');
const workers = filesBelow('workers', '.ts');
const benches = filesBelow('bench', '.ts');
const tests = filesBelow('test', '.ts');
const scripts = filesBelow('scripts', '.mjs');
const everything = [...sources, ...workers, ...benches, ...tests, ...scripts];

/** Relative imports of a file, as paths from the repository's top. */
function imports({ path, text }: SourceFile): { readonly path: string; readonly typeOnly: boolean }[] {
  const statements = text.matchAll(/^(import|export)\s+(type\s)?[^;]*?from\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm);
  return [...statements].map((match) => ({
    path: join(dirname(path), match[3] ?? match[4]!),
    typeOnly: match[2] !== undefined,
  }));
}

const layerOf = (path: string): string => path.split('/')[1]!;

test('the tree was looked at', () => {
  expect(sources.length).toBeGreaterThan(80);
  expect(tests.length).toBeGreaterThan(40);
  expect(sources.flatMap(imports).length).toBeGreaterThan(sources.length);
});

describe('layers', () => {
  test('are the folders of src', () => {
    expect(readdirSync(join(TOP, 'src')).filter((folder) => !LAYERS.includes(folder))).toEqual([]);
  });

  test('are told to readers in the same order', () => {
    const table = readFileSync(join(TOP, 'docs/architecture.md'), 'utf8')
      .split('\n## ')
      .find((part) => part.startsWith('Layers'))!;
    expect([...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, layer]) => layer)).toEqual(LAYERS);
    expect(readFileSync(join(TOP, 'CONTRIBUTING.md'), 'utf8')).toContain(`${LAYERS.join(', ')}.`);
  });

  test.each(LAYERS)('%s imports from itself and from what is below it', (layer) => {
    const allowed = LAYERS.slice(0, LAYERS.indexOf(layer) + 1);
    const offences = sources
      .filter(({ path }) => layerOf(path) === layer)
      .flatMap((file) => imports(file).map((target) => ({ from: file.path, ...target })))
      .filter(({ path, typeOnly }) => {
        if (path.startsWith('src/')) return !allowed.includes(layerOf(path));
        return !(path.startsWith('workers/') && typeOnly && LAYERS.indexOf(layer) >= LAYERS.indexOf(WORKER_TYPES_FROM));
      });
    expect(offences).toEqual([]);
  });

  test('the data plane takes time, chance and I/O from the engine alone', () => {
    const plane = sources.filter(({ path }) => ['backend', 'scsi', 'session'].includes(layerOf(path)));
    expect(plane.length).toBeGreaterThan(30);
    const forbidden =
      /from 'node:(?!buffer|os)|\bDate\.now|\bperformance\.now|\bMath\.random|\bset(Timeout|Interval|Immediate)\b|\bprocess\./;
    expect(plane.filter(({ text }) => forbidden.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('files', () => {
  test(`have at most ${LINES_MAX} lines, tests ${TEST_LINES_MAX}`, () => {
    const long = everything.filter(({ path, text }) => {
      const lines = text.split('\n').length - 1;
      return lines > (path.endsWith('.test.ts') ? TEST_LINES_MAX : LINES_MAX);
    });
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test('open with a comment that says what they are and what they leave to others', () => {
    const opening = /^(#!.*\n)?\/\/ .{20,}\n\/\/ /;
    const silent = [...sources, ...workers, ...scripts]
      .filter(({ text }) => !opening.test(text))
      .map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  test('are finished', () => {
    const words = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X'].join(''));
    const unfinished = everything.filter(({ text }) => words.test(text)).map(({ path }) => path);
    expect(unfinished).toEqual([]);
  });

  test('make no code from text, and start no programs', () => {
    const risky = /\beval\(|\bnew Function\(|'(node:)?(vm|child_process)'/;
    expect([...sources, ...workers].filter(({ text }) => risky.test(text)).map(({ path }) => path)).toEqual([]);
    // What builds and measures starts programs, but no shell.
    const shell = /\bshell: true|\b(exec|execSync)\(['"`]/;
    expect([...benches, ...scripts].filter(({ text }) => shell.test(text)).map(({ path }) => path)).toEqual([]);
  });

  test('write to no console', () => {
    const noisy = [...sources, ...workers].filter(({ text }) => /\bconsole\.\w/.test(text)).map(({ path }) => path);
    expect(noisy).toEqual([]);
  });
});

describe('tests', () => {
  const testFiles = tests.filter(({ path }) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts');

  test('stand where their source does', () => {
    const known = new Set(everything.map(({ path }) => path));
    const astray = testFiles.filter(({ path }) => {
      const [, folder = ''] = path.split('/');
      if (TESTS_AT_LARGE.includes(folder) || ABOUT_A_LAYER.includes(path)) return false;
      const source = path.replace(/\.test\.ts$/, '');
      const candidates = [source.replace(/^test\//, 'src/'), source.replace(/^test\//, '')];
      return !candidates.some((candidate) => known.has(`${candidate}.ts`) || known.has(`${candidate}.mjs`));
    });
    expect(astray.map(({ path }) => path)).toEqual([]);
  });

  test('are all run', () => {
    const switchedOff = new RegExp(
      String.raw`\b(?:test|it|describe)\.(?:${['only', 'skip', 'todo', 'fails'].join('|')})\b`,
    );
    expect(testFiles.filter(({ text }) => switchedOff.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('docs/rfc-compliance.md', () => {
  /** Subsections of the parts that the page is about, as the table of contents of RFC 7143 has them. */
  const SECTIONS = [
    ...['6.1', '6.2', '6.2.1', '6.2.2', '6.3', '6.3.1', '6.3.2', '6.3.3', '6.3.4', '6.3.5', '6.3.6', '6.4'],
    ...['7.1.4.1', '7.1.4.2', '7.1.4.3', '7.2.1', '7.2.2', '7.3', '7.7', '7.8', '7.9'],
    ...['11.7.2', '11.14.1', '11.16', '11.16.1', '11.16.2', '11.16.3'],
    // Of each PDU of the full feature phase what a target has to do with it.
    ...[
      '11.2.2',
      '11.3.1',
      '11.3.2',
      '11.3.4',
      '11.3.5',
      '11.3.6',
      '11.4.2',
      '11.4.5',
      '11.4.7',
      '11.4.8',
      '11.4.9',
      '11.4.11',
      '11.5.1',
    ],
    ...[
      '11.5.4',
      '11.5.5',
      '11.6.1',
      '11.7.1',
      '11.7.3',
      '11.7.4',
      '11.7.5',
      '11.7.6',
      '11.7.7',
      '11.8',
      '11.9.1',
      '11.10.2',
      '11.10.4',
    ],
    ...['11.10.5', '11.11.1', '11.15.1', '11.15.4', '11.17.1', '11.17.4', '11.18.1', '11.18.3', '11.19.1', '11.19.2'],
    ...Array.from({ length: 10 }, (_, index) => `11.12.${index + 1}`),
    ...Array.from({ length: 8 }, (_, index) => `11.13.${index + 1}`),
    ...Array.from({ length: 26 }, (_, index) => `13.${index + 1}`),
  ];
  const page = readFileSync(join(TOP, 'docs/rfc-compliance.md'), 'utf8');
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| §'))
    .map((line) => {
      const [clause = '', asks = '', code = '', proof = ''] = line.slice('| §'.length).split(' | ');
      return { clause, asks, code, proof };
    });

  test('has a row for every subsection and for every key, and no other sections', () => {
    const clauses = new Set(rows.map(({ clause }) => clause));
    expect(SECTIONS.filter((section) => !clauses.has(section))).toEqual([]);
    const beyond = [...clauses].filter((clause) => !SECTIONS.includes(clause) && !/^12\.1(\.3)?$/.test(clause));
    expect(beyond).toEqual([]);
    const missing = Object.entries(KEYS)
      .filter(([, { section }]) => section.startsWith('13.'))
      .filter(
        ([key, { section }]) => !rows.some(({ clause, asks }) => clause === section && asks.includes(`\`${key}\``)),
      );
    expect(missing.map(([key]) => key)).toEqual([]);
  });

  test('names files that are there, and tests that are in them', () => {
    const texts = new Map(everything.map(({ path, text }) => [path, text]));
    let titles = 0;
    for (const { clause, code, proof } of rows) {
      const linked = [...code.matchAll(/\]\(\.\.\/(src\/[^)]+)\)/g)].map(([, path]) => path!);
      expect(linked.length, `§${clause}`).toBeGreaterThan(0);
      expect(linked.filter((path) => !texts.has(path))).toEqual([]);
      const proofs = [...proof.matchAll(/\]\(\.\.\/(test\/[^)]+\.test\.ts)\): ((?:“[^”]+”(?:, )?)+)/g)];
      expect(proofs.length, `§${clause}`).toBeGreaterThan(0);
      for (const [, path, quoted] of proofs) {
        const text = texts.get(path!) ?? '';
        for (const [, title] of quoted!.matchAll(/“([^”]+)”/g)) {
          titles++;
          const inCode = [`'${title}'`, `"${title}"`].some((literal) => text.includes(literal));
          expect(inCode, `${path}: ${title}`).toBe(true);
        }
      }
    }
    expect(titles).toBeGreaterThan(100);
  });
});

describe('the repository', () => {
  test('has nothing at its top that is not meant to be there', () => {
    const ignored = ['node_modules', 'dist', 'coverage', '.cache'];
    const surplus = readdirSync(TOP).filter(
      (name) => !TOP_LEVEL.includes(name) && !ignored.includes(name) && !name.endsWith('.img'),
    );
    expect(surplus).toEqual([]);
  });

  test('locks its packages without naming a registry', () => {
    const lock = readFileSync(join(TOP, 'package-lock.json'), 'utf8');
    expect(lock.match(/"integrity"/g)?.length).toBeGreaterThan(50);
    expect(lock).not.toMatch(/"resolved"/);
  });
});
