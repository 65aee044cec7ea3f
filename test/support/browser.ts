// A headless Chromium (Debian's package) under Playwright. scripts/setup-clients.mjs installs it.
// What is looked at in it is the tests' business.

import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

let found: string | null | undefined;

/** Where it is; null: nowhere. */
export function browserPath(): string | null {
  found ??=
    PROGRAMS.map((program) => spawnSync('which', [program], { encoding: 'utf8' }).stdout.trim()).find(Boolean) ?? null;
  return found;
}

/** Whether this machine lacks one. In CI that is an error. */
export function browserMissing(): boolean {
  const missing = browserPath() === null;
  if (missing && process.env['CI'] === 'true') {
    throw new Error('missing: chromium; scripts/setup-clients.mjs installs it');
  }
  return missing;
}

/** Starts it. Close it. */
export async function openBrowser(): Promise<Browser> {
  // Root has no sandbox; what it shows is our own.
  return await chromium.launch({ executablePath: browserPath()!, args: ['--no-sandbox', '--disable-gpu'] });
}
