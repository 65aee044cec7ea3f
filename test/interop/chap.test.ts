// CHAP as libiscsi does it (MD5, one way and mutual), and as our own initiator does it with every algorithm there is.
// Each refusal has its test in test/login; here only both ends meet.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LoginStatus } from '../../src/pdu/login-status.ts';
import { missingClients } from '../support/clients.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { run } from '../support/run.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const NAME = 'alice';
const SECRET = 'correct horse battery';
const TARGET_USER = 'disk0';
const TARGET_SECRET = 'another battery, stapled';

let target: TargetProcess;

beforeAll(async () => {
  target = await TargetProcess.start({
    targets: [
      {
        name: TARGET_NAME,
        luns: [{ lun: 0, backend: 'memory', size: '8MiB' }],
        auth: {
          method: 'chap',
          users: [{ name: NAME, secret: SECRET }],
          mutual: { name: TARGET_USER, secret: TARGET_SECRET },
        },
      },
    ],
  });
});
afterAll(() => target.stop());

describe.skipIf(missingClients().length > 0)('libiscsi', () => {
  function inquire(secret: string, env: Record<string, string> = {}) {
    const credentials = { LIBISCSI_CHAP_USERNAME: NAME, LIBISCSI_CHAP_PASSWORD: secret };
    return run('iscsi-inq', [target.url()], { env: { ...credentials, ...env } });
  }

  function mutual(secret: string) {
    return { LIBISCSI_CHAP_TARGET_USERNAME: TARGET_USER, LIBISCSI_CHAP_TARGET_PASSWORD: secret };
  }

  test('is let in with the right secret', async () => {
    expect((await inquire(SECRET)).stdout).toContain('DIRECT_ACCESS');
  });

  test('is refused with the wrong one, and without any', async () => {
    expect((await inquire('a wrong secret, at length')).code).not.toBe(0);
    expect((await run('iscsi-inq', [target.url()])).code).not.toBe(0);
  });

  test('believes a target that knows its own secret, and no other', async () => {
    expect((await inquire(SECRET, mutual(TARGET_SECRET))).stdout).toContain('DIRECT_ACCESS');
    expect((await inquire(SECRET, mutual('not the secret it has'))).code).not.toBe(0);
  });
});

describe('an initiator of our own', () => {
  test.each([
    { algorithm: 'MD5', algorithms: '5' },
    { algorithm: 'SHA1', algorithms: '6' },
    { algorithm: 'SHA-256', algorithms: '7' },
    { algorithm: 'SHA3-256', algorithms: '8' },
    { algorithm: 'the best of all', algorithms: '5,6,7,8' },
  ])('logs in with $algorithm, both ways', async ({ algorithms }) => {
    const chap = { name: NAME, secret: SECRET, algorithms, mutualSecret: TARGET_SECRET };
    using initiator = await RawInitiator.logIn(target.port, { chap });
    await initiator.ping();
    expect(await initiator.logOut()).toBe(0);
  });

  test('is told 0201 when the secret is wrong', async () => {
    using initiator = await RawInitiator.connect(target.port);
    const { status } = await initiator.login({ chap: { name: NAME, secret: 'a wrong secret, at length' } });
    expect(status).toBe(LoginStatus.AUTHENTICATION_FAILURE);
    await initiator.expectClose();
  });
});
