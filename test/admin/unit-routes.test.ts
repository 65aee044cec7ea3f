import { afterAll, beforeAll, expect, test } from 'vitest';
import { LUNS_PER_TARGET_MAX, TARGETS_MAX } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const unit = (lun: number) => ({ lun, backend: 'null', size: '1MiB' }) as const;

let target: TargetProcess;
beforeAll(async () => {
  const luns = Array.from({ length: LUNS_PER_TARGET_MAX }, (_, lun) => unit(lun));
  const others = Array.from({ length: TARGETS_MAX - 1 }, (_, index) => ({ name: `${TARGET_NAME}-${index}`, luns: [] }));
  target = await TargetProcess.start({ admin: { port: 0 }, targets: [{ name: TARGET_NAME, luns }, ...others] });
});
afterAll(() => target.stop());

const call = (method: string, path: string, body?: unknown) => callAdmin(target.ready.admin!, method, path, body);

test('a target takes as many units as a configuration file may give it', async () => {
  const units = `targets/${TARGET_NAME}/luns`;
  expect(await call('POST', units, unit(1000))).toMatchObject({ status: 409, value: { error: { code: 'full' } } });
  expect(await call('POST', units, unit(0))).toMatchObject({ status: 409, value: { error: { code: 'exists' } } });
  expect((await call('DELETE', `${units}/0`)).status).toBe(204);
  expect((await call('POST', units, unit(1000))).status).toBe(201);
  expect((await call('POST', 'configuration')).status).toBe(200);
});

test('there are as many targets as a configuration file may have', async () => {
  const more = { name: `${TARGET_NAME}-more`, luns: [] };
  expect(await call('POST', 'targets', more)).toMatchObject({ status: 409, value: { error: { code: 'full' } } });
  expect((await call('DELETE', `targets/${TARGET_NAME}-0`)).status).toBe(204);
  expect((await call('POST', 'targets', more)).status).toBe(201);
  expect((await call('POST', 'configuration')).status).toBe(200);
});
