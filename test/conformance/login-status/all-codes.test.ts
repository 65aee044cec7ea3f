// Each of the 18 codes has its file here, and each way to provoke it its test there.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatLoginStatus, LOGIN_STATUS } from '../../../src/pdu/login-status.ts';
import { CASES, type Code } from './cases.ts';

/** `0206-too-many-connections.test.ts`. */
function fileOf({ code, name }: { readonly code: number; readonly name: string }): string {
  const words = name.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
  return `${formatLoginStatus(code)}-${words}.test.ts`;
}

test('18 of 18 codes have a file, and no file has no code', () => {
  const files = readdirSync(import.meta.dirname).filter((name) => /^0[0-9A-F]{3}-/.test(name));
  expect(LOGIN_STATUS).toHaveLength(18);
  expect(files.sort()).toEqual(LOGIN_STATUS.map(fileOf).sort());
  expect(Object.keys(CASES).sort()).toEqual(LOGIN_STATUS.map(({ code }) => formatLoginStatus(code)).sort());
});

describe.each(LOGIN_STATUS.map((entry) => ({ code: formatLoginStatus(entry.code) as Code, file: fileOf(entry) })))(
  '$code',
  ({ code, file }) => {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8');

    test('is proven by its own cases', () => {
      expect(text).toContain(`casesOf('${code}')`);
    });

    test.each(CASES[code])('%s', (name) => {
      const quoted = [`'${name}'`, `"${name}"`].filter((each) => text.includes(each));
      expect(quoted).toHaveLength(1);
    });
  },
);
