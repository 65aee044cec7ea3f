// The live page in a real browser, told what real targets seldom say: clocks that step, silence, storms of refusals, long lists.
// What it shows of a real target is page.test.ts's.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { browserMissing, openBrowser } from '../support/browser.ts';
import { IDLE, PlayedTarget, session, unit } from '../support/played-target.ts';

/** On a machine that has other things to do as well. */
const LIVE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * LIVE_MS, hookTimeout: 2 * LIVE_MS });

const HOUR_MS = 3_600_000;
/** Without a word for so long the target is taken for gone; and no attempt to come back is further from the one before. */
const SILENCE_MS = 10_000;
const RETRY_MS = 10_000;

describe.skipIf(browserMissing())('the live page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(() => browser?.close());

  test('begins its lines anew where the time of day steps back, and leaves out what would be to come', async () => {
    const target = await PlayedTarget.in(browser);
    await target.open();
    const at = Date.now();
    const told = (time: number, readIops: number) => target.second({ at: time, total: { ...IDLE, readIops } });
    for (const seconds of [0, 1, 2]) told(at + 1000 * seconds, 7e6);
    for (const seconds of [-600, -599]) told(at + 1000 * seconds, 10);
    const places = async () => {
      const drawn = await target.page.locator('.plot path.first').first().getAttribute('d');
      return drawn?.replace(/ [\d.]+/g, '');
    };
    await expect.poll(places, { timeout: LIVE_MS }).toBe('M899.0L900.0');
    expect(await target.page.locator('.peak').first().textContent()).toBe('highest 10');
    told(at + 3000, 20);
    await expect.poll(places, { timeout: LIVE_MS }).toBe('M897.0L898.0L899.0M297.0L298.0M900.0');
    await target.close();
  });

  test('says that the target is lost as soon as it has been silent for long, and heeds nothing that it says after that', async () => {
    const target = await PlayedTarget.in(browser, { clock: new Date() });
    await target.open();
    target.second({ sessionCount: 1 });
    const sessions = target.page.locator('#now-sessions', { hasText: '1 sessions' });
    await sessions.waitFor({ timeout: LIVE_MS });
    target.mute = true;
    await target.page.clock.fastForward(SILENCE_MS);
    await target.lost();
    target.second({ sessionCount: 2 });
    // The next attempt is not answered at all: it is given up, and another one is.
    const attempts = () => target.asked.filter((path) => path === '/api/v1/status').length;
    await target.page.clock.fastForward(RETRY_MS);
    await expect.poll(attempts, { timeout: LIVE_MS }).toBe(2);
    await target.page.clock.fastForward(SILENCE_MS);
    target.mute = false;
    await target.page.clock.fastForward(RETRY_MS);
    await target.live();
    expect(await sessions.count()).toBe(1);
    target.second({ sessionCount: 3 });
    await target.page.locator('#now-sessions', { hasText: '3 sessions' }).waitFor({ timeout: LIVE_MS });
    await target.close();
  });

  test('says that it is out of date wherever somebody reads', async () => {
    const target = await PlayedTarget.in(browser, { clock: new Date(), viewport: { width: 360, height: 740 } });
    await target.open();
    target.second({ units: Array.from({ length: 100 }, (_, lun) => unit(lun)) });
    await target.page.locator('#units tbody tr').last().scrollIntoViewIfNeeded({ timeout: LIVE_MS });
    target.mute = true;
    await target.page.clock.fastForward(SILENCE_MS);
    await target.lost();
    const { y, height } = (await target.page.locator('#connection').boundingBox())!;
    expect([y, y + height].every((edge) => edge >= 0 && edge <= 740)).toBe(true);
    await target.close();
  });

  test('shows the latest refusals of a storm, and tells how many there were, each once', async () => {
    const target = await PlayedTarget.in(browser);
    target.refuse(['a', 'b'], 0);
    await target.open();
    const shown = () => target.page.locator('#refusals li .who').allTextContents();
    await expect.poll(shown, { timeout: LIVE_MS }).toHaveLength(2);
    target.second();
    const storm = Array.from({ length: 200 }, (_, index) => `storm ${index}`);
    target.refuse(storm, 20);
    target.second();
    const heard = target.page.locator('#refusals-heard');
    await expect
      .poll(() => heard.textContent(), { timeout: LIVE_MS })
      .toBe('200 logins were refused, lately with 0203 TargetNotFound');
    const last = storm.slice(-50).reverse();
    await expect
      .poll(shown, { timeout: LIVE_MS })
      .toEqual(last.map((id) => expect.stringMatching(new RegExp(` iqn.x:${id}$`))));
    // What comes by itself need not be asked for.
    target.refuse(['c'], 1);
    target.second();
    await expect
      .poll(() => heard.textContent(), { timeout: LIVE_MS })
      .toBe('A login was refused, lately with 0203 TargetNotFound');
    expect((await shown()).slice(0, 2)).toEqual([expect.stringMatching(/:c$/), expect.stringMatching(/:storm 199$/)]);
    expect(target.asked.filter((path) => path === '/api/v1/refusals?count=50')).toHaveLength(2);
    await target.close();
  });

  test('puts the newest refusal on top, whatever the time of day does', async () => {
    const target = await PlayedTarget.in(browser);
    const at = Date.now();
    target.refuse(['first'], 0, new Date(at));
    await target.open();
    const shown = () => target.page.locator('#refusals li .who').allTextContents();
    await expect.poll(shown, { timeout: LIVE_MS }).toHaveLength(1);
    target.refuse(['an hour before'], 1, new Date(at - HOUR_MS));
    target.refuse(['an hour after'], 1, new Date(at + HOUR_MS));
    const [first, before, after] = ['first', 'before', 'after'].map((id) =>
      expect.stringMatching(new RegExp(`${id}$`)),
    );
    await expect.poll(shown, { timeout: LIVE_MS }).toEqual([after, before, first]);
    await target.close();
  });

  test('says of how many LUNs and sessions it shows the busiest', async () => {
    const target = await PlayedTarget.in(browser);
    await target.open();
    const told = { units: [unit(1), unit(2)], sessions: [session(1)] };
    target.second({ ...told, unitCount: 250, sessionCount: 122, normalSessionCount: 121 });
    const left = target.page.getByText(/busiest/).filter({ visible: true });
    await expect
      .poll(() => left.allTextContents(), { timeout: LIVE_MS })
      .toEqual(['The 2 busiest of 250.', 'The 1 busiest of 121.']);
    // Discovery sessions are not left out: they have nothing to list.
    target.second({ ...told, sessionCount: 2 });
    await expect.poll(() => left.count(), { timeout: LIVE_MS }).toBe(0);
    await target.close();
  });

  test('leaves the focus where it is when what stood above is gone', async () => {
    const target = await PlayedTarget.in(browser);
    await target.open();
    target.second({ sessions: [session(1), session(2), session(3)] });
    const rows = target.page.locator('#sessions tbody tr');
    await rows.nth(2).locator('summary').focus();
    target.second({ sessions: [session(3), session(4)] });
    await expect.poll(() => rows.count(), { timeout: LIVE_MS }).toBe(2);
    const focused = target.page.locator('tr', { has: target.page.locator('summary:focus') });
    expect(await focused.getAttribute('data-key', { timeout: LIVE_MS })).toBe('3');
    expect(await rows.first().textContent()).toContain('iqn.x:i3');
    await target.close();
  });

  test('shows the date of what was not today, and of every refusal', async () => {
    const now = new Date('2026-11-28T12:00:00Z');
    const target = await PlayedTarget.in(browser, { clock: now, timezoneId: 'UTC', locale: 'en-GB' });
    target.refuse(['u'], 0, now);
    await target.open();
    const yesterday = new Date('2026-11-27T11:00:00Z');
    target.second({ sessions: [session(1, yesterday), session(2, new Date('2026-11-28T00:00:00Z'))] });
    const rows = target.page.locator('#sessions tbody small');
    await expect
      .poll(() => rows.allTextContents(), { timeout: LIVE_MS })
      .toEqual([expect.stringContaining('since 27/11/2026, 11:00:00,'), expect.stringContaining('since 00:00:00,')]);
    // It stays as it is when the day ends.
    expect(await target.page.locator('#refusals .who').textContent()).toMatch(/^28\/11\/2026, 12:00:00 /);
    await target.close();
  });

  test('is served below a path as well, by a proxy that takes the path away', async () => {
    const target = await PlayedTarget.in(browser, { url: 'http://proxy.test/storage/one/' });
    await target.open();
    target.refuse(['u'], 0);
    target.second({ sessions: [session(1)] });
    await target.page.locator('#refusals li').waitFor({ timeout: LIVE_MS });
    await target.page.locator('#sessions summary').click();
    await expect.poll(() => target.asked, { timeout: LIVE_MS }).toContain('/api/v1/sessions/1');
    expect(await target.page.evaluate('getComputedStyle(document.querySelector("table")).borderCollapse')).toBe(
      'collapse',
    );
    await target.close();
  });

  test('takes no token from who does not want to give one', async () => {
    const target = await PlayedTarget.in(browser);
    target.token = 'whole';
    await target.page.goto(target.url);
    const field = target.page.getByRole('textbox', { name: 'Token' });
    await field.fill('who');
    await field.press('Escape');
    // It is asked for again.
    await expect
      .poll(() => target.asked.filter((path) => path === '/api/v1/status').length, { timeout: LIVE_MS })
      .toBe(2);
    await field.waitFor({ timeout: LIVE_MS });
    expect(await target.page.locator('#ask-wrong').textContent()).toBe('');
    await field.fill('whole');
    await field.press('Enter');
    await target.live();
    await target.close();
  });
});
