// The page's files: each is served as what it is, under a policy that lets nothing else in, and asks for nothing that is not served.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AdminContext } from '../../src/admin/context.ts';
import type { Answer } from '../../src/admin/http.ts';
import { pageRoutes } from '../../src/admin/page-files.ts';
import type { Call } from '../../src/admin/route.ts';
import { repositoryRoot } from '../support/repository.ts';

const FOLDER = join(repositoryRoot(), 'src/admin/page');
const serve = (path: string): Answer => {
  const route = pageRoutes.find((each) => each.path === path)!;
  return route.handle({} as Call, {} as AdminContext) as Answer;
};

describe('The page', () => {
  it('is served whole, file by file, without a token', () => {
    const served = pageRoutes.map(({ path }) => (path === '/' ? 'index.html' : path.replace('/page/', '')));
    expect(served.sort()).toEqual(readdirSync(FOLDER).sort());
    for (const { path, open } of pageRoutes) {
      const { status, type, body } = serve(path);
      const file = path === '/' ? 'index.html' : path.replace('/page/', '');
      expect([status, open, body.toString()]).toEqual([200, true, readFileSync(join(FOLDER, file), 'utf8')]);
      expect(type).toMatch(/^text\/(html|css|javascript); charset=utf-8$/);
    }
  });

  it('is read once, whatever becomes of the files', () => {
    for (const { path } of pageRoutes) expect(serve(path).body).toBe(serve(path).body);
  });

  it('may run what comes from here, and nothing else', () => {
    const policy = serve('/').headers!['Content-Security-Policy']!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it('asks for nothing from elsewhere, and has no code or style in its text', () => {
    const html = serve('/').body.toString();
    const asked = [...html.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, url]) => url!);
    // Relative: a proxy may have it below a path.
    const here = new Set([...pageRoutes.map(({ path }) => path.slice(1)), 'metrics', 'data:,']);
    expect(asked.filter((url) => !here.has(url))).toEqual([]);
    expect(html).not.toMatch(/ on\w+=| style=|<style|<script(?![^>]* src=)/);
    for (const { path } of pageRoutes.filter((route) => route.path.endsWith('.js'))) {
      expect(serve(path).body.toString()).not.toMatch(
        /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b/,
      );
    }
  });
});
