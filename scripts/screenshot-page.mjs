// Takes the picture of the live page that README.md shows: a target under the load of fio for a while, with a refusal or two.
// Needs what scripts/setup-clients.mjs installs, and two minutes. What the page shows is src/admin/page's.

import { mkdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { buildIfStale, run, TOP } from './build.mjs';

const PICTURE = `${TOP}/docs/images/page.png`;
const BYTES_MAX = 150 * 1024;
const NAME = 'iqn.2026-11.io.lunaring:archive';
const MIB = 1024 * 1024;
/** One after another: what fio does, and for how many seconds. */
const LOADS = [
  { rw: 'randread', blockSize: 4096, depth: 8, seconds: 25 },
  { rw: 'randrw', blockSize: 16_384, depth: 16, seconds: 25 },
  { rw: 'read', blockSize: 262_144, depth: 4, seconds: 20 },
  { rw: 'randrw', blockSize: 4096, depth: 32, seconds: 40 },
];

buildIfStale();
const { TargetProcess } = await import('../dist/test/support/target-process.js');
const { fio } = await import('../dist/test/support/fio.js');
const luns = [
  { lun: 0, backend: 'memory', size: '256MiB' },
  { lun: 1, backend: 'file', path: 'archive.img', size: '8GiB', direct: false },
];
const target = await TargetProcess.start({
  admin: { address: '127.0.0.1', port: 0 },
  targets: [{ name: NAME, alias: 'archive', luns, acl: { initiators: ['iqn.*'] } }],
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1120, height: 1000 }, colorScheme: 'light' });
  await page.goto(target.ready.admin);
  const work = (async () => {
    for (const { seconds, ...job } of LOADS) {
      const options = { time_based: 1, runtime: seconds, norandommap: 1, size: 64 * MIB };
      await Promise.all([0, 1].map((lun) => fio({ url: target.url(lun, NAME), ...job, options })));
    }
  })();
  await sleep(1000 * (LOADS.reduce((sum, { seconds }) => sum + seconds, 0) - 12));
  run('iscsi-ls', '--show-luns', '-i', 'fc.unknown', `iscsi://${target.portal}`);
  run('iscsi-inq', `iscsi://${target.portal}/iqn.2026-11.io.lunaring:archiv/0`);
  await sleep(2500);
  mkdirSync(`${TOP}/docs/images`, { recursive: true });
  await page.screenshot({ path: PICTURE });
  await work;
} finally {
  await browser.close();
  await target.stop();
}
if (statSync(PICTURE).size > BYTES_MAX) throw new Error(`${PICTURE} is larger than ${BYTES_MAX} bytes`);
