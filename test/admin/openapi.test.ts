import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type AdminContext, BASE } from '../../src/admin/context.ts';
import { describeApi } from '../../src/admin/openapi.ts';
import { pageRoutes } from '../../src/admin/page-files.ts';
import { ROUTES, socketsOf } from '../../src/admin/parts.ts';
import { VERSION } from '../../src/cli/version.ts';
import { Format } from '../../src/metrics/exposition.ts';

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Readonly<Record<string, object>>;
}

const page = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = page.paths;

describe('docs/openapi.json', () => {
  test('says what the program does', () => {
    expect(page, 'run node scripts/write-docs.mjs').toEqual(JSON.parse(JSON.stringify(describeApi(ROUTES, VERSION))));
  });

  test('has every route and every WebSocket, and no other', () => {
    const described = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = ROUTES.map(({ method, path }) => `${method} ${path}`);
    const sockets = [...socketsOf({ watch: {} } as AdminContext).keys()].map((path) => `GET ${path}`);
    expect(described.sort()).toEqual([...routes, ...sockets].sort());
    expect(described.length).toBeGreaterThan(25);
  });

  test('explains each: what it does, its parameters, its answers', () => {
    for (const [path, operations] of Object.entries(paths)) {
      for (const { summary, parameters = [], responses } of Object.values(operations)) {
        expect(summary).toMatch(/\.$/);
        const named = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
        expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
        expect(Object.keys(responses).some((status) => /^(2..|101)$/.test(status))).toBe(true);
      }
    }
  });

  test('has 409 among the answers of everything that may be saved', () => {
    const saving = Object.values(paths).flatMap((operations) =>
      Object.values(operations).filter(({ parameters = [] }) => parameters.some(({ name }) => name === 'save')),
    );
    expect(saving.length).toBeGreaterThan(10);
    for (const { responses, summary } of saving) expect(Object.keys(responses), summary).toContain('409');
  });

  test('has both formats of the metrics', () => {
    const [described] = Object.values(page.paths['/metrics'].get.responses) as [{ content: object }];
    const types = Object.values(Format).map((format) => format.replace(/;.*/, ''));
    expect(Object.keys(described.content)).toEqual(types);
  });

  test('says of the numbers in answers what they are', () => {
    const { Session, Event } = page.components.schemas;
    const second = Event.oneOf[0].properties.status.properties;
    expect(Session.properties.worker.description).toMatch(/^-1: the main thread/);
    expect(Session.properties.parameters.properties.defaultTime2Wait.description).toBe('seconds');
    expect(second.total.properties.readBytes.description).toBe('bytes per second');
    expect(second.units.description).toMatch(/^the 100 busiest/);
  });

  test('tells where a body may be left out', () => {
    expect(paths['/api/v1/drain']!['put']!.requestBody).toMatchObject({ required: false });
    expect(paths['/api/v1/targets']!['post']!.requestBody).toMatchObject({ required: true });
  });
});

test('every answer that is an error has the shape of one', () => {
  const json = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
  for (const [path, operations] of Object.entries(paths)) {
    for (const { responses } of Object.values(operations)) {
      const errors = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      for (const [status, response] of errors) expect(response, `${path} ${status}`).toMatchObject({ content: json });
    }
  }
});

test('a request that is answered with 422 is described with it', () => {
  expect(paths['/api/v1/refusals']!['get']!.responses).toHaveProperty('422');
});

describe('docs/administration.md', () => {
  const text = readFileSync(new URL('../../docs/administration.md', import.meta.url), 'utf8');
  const [, below = '', absolute = ''] = text.split(/^## Routes$|^These are not below/m);

  /** Routes in the first column of tables: `GET /x`, and methods alone, which share the path before them. */
  const routesIn = (part: string, base: string): string[] =>
    part
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => {
        let path = '';
        return [...line.split(' | ')[0]!.matchAll(/`([A-Z]+)(?: (\/[^`?]*)[^`]*)?`/g)].map(([, method, own]) => {
          path = own ?? path;
          return `${method} ${base}${path}`;
        });
      });

  test('lists every route, and no other', () => {
    const listed = [...routesIn(below, BASE), ...routesIn(absolute, '')];
    // The page is one thing to whoever reads it.
    const parts = new Set(pageRoutes.filter(({ path }) => path !== '/').map(({ path }) => path));
    const served = ROUTES.filter(({ path }) => !parts.has(path)).map(({ method, path }) => `${method} ${path}`);
    expect(listed.sort()).toEqual(served.sort());
  });
});
