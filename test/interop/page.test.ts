// The live page in a real browser, of a target that real initiators use: what it shows, how it can be used, and that names stay names.
// What it is told is test/metrics' and test/admin's.

import { writeFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { KIB, MIB } from '../../src/config/limits.ts';
import { browserMissing, openBrowser } from '../support/browser.ts';
import { missingClients } from '../support/clients.ts';
import { fio } from '../support/fio.ts';
import { admitted, loginStatus } from '../support/login-attempt.ts';
import { freePort, Scratch } from '../support/scratch.ts';
import { type ConfigurationFile, TARGET_NAME, TargetProcess } from '../support/target-process.ts';

/** On a machine that has other things to do as well. */
const LIVE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * LIVE_MS, hookTimeout: 2 * LIVE_MS });

const TOKEN = 'a+token/with=odd~characters';
const HOSTILE = '<img src=x onerror="window.owned=1">';

/** In the page: what has the focus, and how that shows. */
const FOCUSED = `(() => {
  const focused = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(focused);
  return { label: focused.getAttribute('aria-label') ?? focused.textContent, outline: outlineStyle + ' ' + outlineWidth };
})()`;

/** In the page: the contrast of text and ground for elements of every kind (WCAG 2.2 §1.4.3). */
const CONTRASTS = `(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [red, green, blue] = rgb(color).map(part);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return rgb(color)[3] === 0 ? ground(element.parentElement) : color;
  };
  return ['h1', '#about', 'dd', 'dd.more', 'thead th', 'tbody small', '.who', 'figcaption span', '.peak'].map((selector) => {
    const element = document.querySelector(selector);
    const [one, two] = [luminance(getComputedStyle(element).color), luminance(ground(element))];
    return [selector, (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05)];
  });
})()`;

const FILE: ConfigurationFile = {
  admin: { address: '127.0.0.1', port: 0 },
  targets: [{ name: TARGET_NAME, luns: [{ lun: 0, backend: 'memory', size: 64 * MIB }] }],
  // Nobody answers for the initiators while a browser takes its time.
  tuning: { nopIntervalMs: 0 },
};

/** Fio for some seconds. */
function load(target: TargetProcess, seconds: number) {
  const options = { time_based: 1, runtime: seconds, norandommap: 1, size: 32 * MIB };
  return fio({ url: target.url(), rw: 'randrw', blockSize: 4 * KIB, depth: 16, options });
}

/** The page, once it is connected and has heard of earlier refusals: what comes then is news. Its complaints are collected. */
async function open(page: Page, target: TargetProcess): Promise<string[]> {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const earlier = page.waitForResponse(/\/refusals\?/, { timeout: LIVE_MS });
  await page.goto(target.ready.admin!, { timeout: LIVE_MS });
  await live(page);
  await earlier;
  return complaints;
}

const live = (page: Page) => page.locator('#connection.live').waitFor({ timeout: LIVE_MS });

describe.skipIf(browserMissing() || missingClients().length > 0)('the live page', () => {
  let browser: Browser;
  let target: TargetProcess;

  beforeAll(async () => {
    [browser, target] = await Promise.all([openBrowser(), TargetProcess.start(FILE)]);
  });

  afterAll(async () => {
    await browser?.close();
    await target?.stop();
  });

  test('shows what fio does while it does it', async () => {
    const page = await browser.newPage();
    const complaints = await open(page, target);
    // As long as it takes to see it.
    let seen = false;
    const loaded = (async () => {
      let errors = 0;
      while (!seen) errors += (await load(target, 2)).errors;
      return errors;
    })();
    const iops = page.locator('#units tbody td').first();
    await expect.poll(() => iops.textContent(), { timeout: LIVE_MS }).toMatch(/[1-9]/);
    await expect.poll(() => page.locator('#now-iops').textContent(), { timeout: LIVE_MS }).toMatch(/[1-9]/);
    const session = page.locator('#sessions tbody tr');
    await session.filter({ hasText: TARGET_NAME }).waitFor({ timeout: LIVE_MS });
    expect(await page.locator('#workers tbody tr').count()).toBe(target.ready.workers);
    const drawn = () => page.locator('.plot path.first').first().getAttribute('d');
    const before = await drawn();
    expect(before).toMatch(/^M[\d. ]+/);
    await expect.poll(drawn, { timeout: LIVE_MS }).not.toBe(before);
    seen = true;
    expect(await loaded).toBe(0);
    await expect.poll(() => session.count(), { timeout: LIVE_MS }).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows a refusal with cause and fix, and says so to those who listen', async () => {
    const page = await browser.newPage();
    await open(page, target);
    expect(await loginStatus(target.port, { target: 'iqn.2026-11.io.lunaring:nowhere' })).toBe('0203');
    const refusal = page.locator('#refusals li', { hasText: 'iqn.2026-11.io.lunaring:nowhere' });
    await refusal.waitFor({ timeout: LIVE_MS });
    const text = await refusal.textContent();
    for (const part of ['0203 TargetNotFound', 'Cause: ', 'Fix: ', '127.0.0.1']) expect(text).toContain(part);
    const heard = page.locator('[aria-live=polite]');
    await expect
      .poll(() => heard.textContent(), { timeout: LIVE_MS })
      .toBe('A login was refused, lately with 0203 TargetNotFound');
    // It is there for those who come later, too, once.
    await page.reload();
    await refusal.waitFor({ timeout: LIVE_MS });
    expect(await refusal.count()).toBe(1);
    await page.close();
  });

  test('takes the names of initiators for text', async () => {
    const page = await browser.newPage();
    await open(page, target);
    using initiator = await admitted(target.port, { keys: { InitiatorAlias: HOSTILE } });
    const row = page.locator('#sessions tbody tr', { hasText: HOSTILE });
    await row.waitFor({ timeout: LIVE_MS });
    // What was negotiated is asked for when somebody wants to know it.
    await row.getByText('Negotiated').click();
    const negotiated = row.locator('details p');
    await negotiated.first().waitFor({ timeout: LIVE_MS });
    expect(await negotiated.allTextContents()).toEqual([
      expect.stringMatching(/MaxConnections=1, InitialR2T=\w+, .*ErrorRecoveryLevel=0/),
      expect.stringMatching(/^Connection \d+ from 127\.0\.0\.1: HeaderDigest=None, DataDigest=None, MaxRecv/),
    ]);
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.evaluate("'owned' in globalThis")).toBe(false);
    await initiator.logOut();
    await page.close();
  });

  test('runs no script but its own', async () => {
    const page = await browser.newPage();
    const complaints = await open(page, target);
    await page.evaluate(`
      const script = document.createElement('script');
      script.textContent = 'window.owned = 1';
      document.body.append(script);
    `);
    expect(await page.evaluate("'owned' in globalThis")).toBe(false);
    // What the browser says of it comes by another way than what the page evaluates to.
    await expect.poll(() => complaints.join(), { timeout: LIVE_MS }).toMatch(/Content Security Policy/);
    await page.close();
  });

  test.each(['light', 'dark'] as const)('fits a phone, and can be read, in %s', async (colorScheme) => {
    const context = await browser.newContext({ viewport: { width: 360, height: 740 }, colorScheme });
    const page = await context.newPage();
    await open(page, target);
    using initiator = await admitted(target.port, { keys: { InitiatorAlias: 'w'.repeat(200) } });
    await page.locator('#sessions tbody tr').waitFor({ timeout: LIVE_MS });
    await loginStatus(target.port, { target: `iqn.2026-11.io.lunaring:${'n'.repeat(150)}` });
    await page.locator('#refusals li', { hasText: 'nnnnnnnn' }).first().waitFor({ timeout: LIVE_MS });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
    const contrasts = (await page.evaluate(CONTRASTS)) as [string, number][];
    for (const [selector, contrast] of contrasts) expect(contrast, selector).toBeGreaterThan(4.5);
    const red = await page.evaluate('Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])');
    expect((red as number) < 128).toBe(colorScheme === 'dark');
    await initiator.logOut();
    await context.close();
  });

  test('can be used by keyboard, and tells where the focus is', async () => {
    const page = await browser.newPage();
    await open(page, target);
    await page.locator('#refusals li').first().waitFor({ timeout: LIVE_MS });
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the figures');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    const focused = async () => (await page.evaluate(FOCUSED)) as { label: string; outline: string };
    // There is nothing to tell before the first figures have come.
    const now = { label: expect.stringMatching(/^IOPS, now: read /), outline: 'solid 3px' };
    await expect.poll(focused, { timeout: LIVE_MS }).toMatchObject(now);
    await page.keyboard.press('ArrowLeft');
    const before = { label: expect.stringMatching(/^IOPS, (before|\d+:\d+:\d+.*): read /) };
    await expect.poll(focused, { timeout: LIVE_MS }).toMatchObject(before);
    await page.keyboard.press('Escape');
    expect((await focused()).label).toMatch(/^IOPS, now: /);
    for (let chart = 0; chart < 3; chart++) await page.keyboard.press('Tab');
    expect(await focused()).toMatchObject({ label: 'More', outline: 'solid 3px' });
    await page.keyboard.press('Enter');
    expect(await page.locator('#refusals details[open]').count()).toBe(1);
    await page.close();
  });

  test('comes back when the target does', async () => {
    const admin = { address: '127.0.0.1', port: await freePort() };
    const first = await TargetProcess.start({ ...FILE, admin });
    const page = await browser.newPage();
    await open(page, first);
    await first.stop();
    await page.locator('#connection.lost').waitFor({ timeout: LIVE_MS });
    await using second = await TargetProcess.start({ ...FILE, admin });
    await page.locator('#connection.live').waitFor({ timeout: LIVE_MS });
    await expect.poll(() => page.locator('#units tbody tr').count(), { timeout: LIVE_MS }).toBe(1);
    expect(second.running).toBe(true);
    await page.close();
  });

  test('asks for the token where there is one', async () => {
    using scratch = new Scratch('token');
    const tokenFile = scratch.file('admin.token');
    writeFileSync(tokenFile, TOKEN);
    await using guarded = await TargetProcess.start({ ...FILE, admin: { address: '127.0.0.1', port: 0, tokenFile } });
    const page = await browser.newPage();
    await page.goto(guarded.ready.admin!);
    const field = page.getByRole('textbox', { name: 'Token' });
    await field.waitFor({ timeout: LIVE_MS });
    // The others are none that a header carries: fetch throws at them.
    for (const wrong of ['wrong', 'two words', 'schlüssel', '\u{1f511}']) {
      await field.fill(wrong);
      await page.keyboard.press('Enter');
      await page.getByText('That was not it.').waitFor({ timeout: LIVE_MS });
    }
    await field.fill(TOKEN);
    await page.keyboard.press('Enter');
    await live(page);
    await page.locator('#units tbody tr').waitFor({ timeout: LIVE_MS });
    await page.reload();
    await live(page);
    await page.close();
  });
});
