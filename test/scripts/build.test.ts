// What stays in dist/: only what is made of sources that are there.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { succeed } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';

const BUILD = join(repositoryRoot(), 'scripts/build.mjs');

test('what was made of a source that has gone is removed', async () => {
  using scratch = new Scratch('build-test');
  const make = (path: string) => {
    mkdirSync(dirname(scratch.file(path)), { recursive: true });
    writeFileSync(scratch.file(path), '');
  };
  const kept = ['.built', 'src/a.js', 'src/a.js.map', 'src/a.d.ts', 'src/page/app.js', 'src/page/style.css'];
  const stale = ['src/b.js', 'src/b.js.map', 'src/b.d.ts', 'src/page/old.css', 'gone/c.js', 'gone/deep/d.js'];
  for (const path of ['src/a.ts', 'src/page/app.js', 'src/page/style.css']) make(path);
  for (const path of [...kept, ...stale]) make(`dist/${path}`);
  const call = `import { prune } from ${JSON.stringify(BUILD)}; prune(${JSON.stringify(scratch.path)});`;
  await succeed(process.execPath, ['--input-type=module', '--eval', call]);
  const left = readdirSync(scratch.file('dist'), { recursive: true, withFileTypes: true }).map(({ parentPath, name }) =>
    join(parentPath, name).slice(scratch.file('dist/').length),
  );
  expect(left.sort()).toEqual([...kept, 'src', 'src/page'].sort());
});
