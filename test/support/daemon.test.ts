// A server is started with what its test or measurement says, and with nothing of LUNARING_ that happens to be set around it.

import { expect, test, vi } from 'vitest';
import { Daemon } from './daemon.ts';

test('no setting for a target comes in with the environment, unless it is given', async () => {
  vi.stubEnv('LUNARING_ENGINE', 'posix');
  vi.stubEnv('LUNARING_WORKERS', '2');
  vi.stubEnv('BESIDE', 'it');
  const program = `
    const { LUNARING_ENGINE, LUNARING_WORKERS, BESIDE } = process.env;
    console.log(LUNARING_ENGINE, LUNARING_WORKERS, BESIDE, '.');
    setInterval(() => undefined, 1000);`;
  const daemon = await Daemon.start([process.execPath, '-e', program], {
    ready: (output) => output.includes('.'),
    env: { LUNARING_WORKERS: '3' },
  });
  try {
    expect(daemon.output).toBe('undefined 3 it .\n');
  } finally {
    await daemon.kill();
    vi.unstubAllEnvs();
  }
});
