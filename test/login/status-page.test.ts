// The page of status codes: complete, and the one in docs/ is the one the table makes.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { renderLoginStatusMarkdown } from '../../src/login/status-page.ts';
import { formatLoginStatus, LOGIN_STATUS } from '../../src/pdu/login-status.ts';

test('docs/login-status.md is up to date: node scripts/write-docs.mjs', () => {
  expect(readFileSync(new URL('../../docs/login-status.md', import.meta.url), 'utf8')).toBe(
    renderLoginStatusMarkdown(),
  );
});

test('every code has a row that links to its section', () => {
  const page = renderLoginStatusMarkdown();
  for (const { code, name, when } of LOGIN_STATUS) {
    const heading = `${formatLoginStatus(code)} ${name}`;
    expect(page).toContain(`\n## ${heading}\n`);
    expect(page).toContain(`(#${heading.toLowerCase().replace(' ', '-')})`);
    expect(page).toContain(when);
  }
});
