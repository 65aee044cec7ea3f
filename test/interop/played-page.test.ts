// The live page in a real browser, told what real targets seldom say: clocks that step, silence, storms of refusals, long lists.
// What it shows of a real target is page.test.ts's.

import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { browserMissing, openBrowser } from '../support/browser.ts';
import { IDLE, PlayedTarget } from '../support/played-target.ts';

/** On a machine that has other things to do as well. */
const LIVE_MS = 60_000;
vi.setConfig({ testTimeout: 3 * LIVE_MS, hookTimeout: 2 * LIVE_MS });

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
});
