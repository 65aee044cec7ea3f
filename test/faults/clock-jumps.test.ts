// The time of day jumps by years, ten times a second: nothing that the target waits for, limits or remembers goes by it.
// How it jumps is support/jumping-clock.cjs.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import type { Status } from '../../src/metrics/sampler.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { Bystander } from '../support/bystander.ts';
import { Listener } from '../support/listener.ts';
import { knock, loginStatus, namesAnd, takeSteps } from '../support/login-attempt.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const PRELOAD = join(repositoryRoot(), 'test/support/jumping-clock.cjs');
const REMOVED = `${TARGET_NAME}-removed`;
/** Far more than the jumps are apart, and than a login takes on a busy machine. */
const LOGIN_TIMEOUT_MS = 20_000;
const NOP_INTERVAL_MS = 5000;
/** Each jump comes a few times. */
const MANY_JUMPS_MS = 2000;
const IOPS = 200;

describe.each(['uring', 'posix'] as const)('a clock that jumps, engine %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start(
      {
        admin: { port: 0 },
        tuning: { engine, workers: 2, loginTimeoutMs: LOGIN_TIMEOUT_MS, nopIntervalMs: NOP_INTERVAL_MS },
        targets: [
          {
            name: TARGET_NAME,
            luns: [
              { lun: 0, backend: 'file', path: 'disk', size: MIB },
              { lun: 1, backend: 'memory', size: MIB, limits: { iops: IOPS, burstMs: 10 } },
            ],
          },
          { name: REMOVED, luns: [{ lun: 0, backend: 'null', size: MIB }] },
        ],
      },
      { env: { NODE_OPTIONS: `--require ${PRELOAD}` } },
    );
  });
  afterAll(() => target.stop());

  it('does not cut a login short', async () => {
    using initiator = await knock(target.port);
    expect(await takeSteps(initiator, [{ stage: 0, pairs: namesAnd() }])).toBe('0000');
    await sleep(MANY_JUMPS_MS);
    expect(await takeSteps(initiator, [{ stage: 0, next: 1 }])).toBe('0000');
  });

  it('ends no session that says something, and asks one that is silent', async () => {
    const bystander = new Bystander(await RawInitiator.logIn(target.port));
    using silent = await RawInitiator.logIn(target.port);
    await sleep(MANY_JUMPS_MS);
    await bystander.advances();
    const { initiatorTaskTag, targetTransferTag } = await silent.expect(NopIn);
    expect(targetTransferTag).not.toBe(0xffffffff);
    silent.send(NopOut, { initiatorTaskTag, targetTransferTag }, { immediate: true });
    await bystander.stop();
    expect(target.log).not.toContain('does not answer a NOP-In');
  });

  it('lets commands under limits go on, no faster and no slower', async () => {
    const bystander = new Bystander(await RawInitiator.logIn(target.port), { luns: [1] });
    const begun = performance.now();
    await bystander.advances(IOPS / 2);
    const seconds = (performance.now() - begun) / 1000;
    // Two commands a round.
    expect(bystander.rounds * 2).toBeLessThanOrEqual(IOPS * (seconds + 1));
    await bystander.stop();
  });

  it('makes no figures up: neither rates nor how long the target is up', async () => {
    const bystander = new Bystander(await RawInitiator.logIn(target.port), { luns: [1] });
    using listener = await Listener.open(target.ready.admin!);
    for (let second = 0; second < 5; second++) {
      const before = listener.messages;
      await expect.poll(() => listener.messages, { timeout: MANY_JUMPS_MS * 10 }).toBeGreaterThan(before);
      const { total } = (listener.last as { status: Status }).status;
      expect(total.readIops + total.writeIops).toBeLessThan(10 * IOPS);
      const { value } = await callAdmin(target.ready.admin!, 'GET', 'status');
      expect(value.uptimeSeconds).toBeGreaterThanOrEqual(0);
      expect(value.uptimeSeconds).toBeLessThan(3600);
    }
    await bystander.stop();
  });

  it('does not have removed targets forgotten', async () => {
    const { status } = await callAdmin(target.ready.admin!, 'DELETE', `targets/${encodeURIComponent(REMOVED)}`);
    expect(status).toBe(204);
    for (let count = 0; count < 10; count++) {
      expect(await loginStatus(target.port, { target: REMOVED })).toBe('0204');
      await sleep(MANY_JUMPS_MS / 10);
    }
  });
});
