// The two ways in which the target may fail by its own fault: an exception ends its worker and nothing else, an abort ends the process.

import { describe, expect, it } from 'vitest';
import { PersistentInitiator, startFailingTarget } from './worker-failure.ts';

const SESSIONS = 4;

describe.each(['uring', 'posix'] as const)('a worker that fails, engine %s', { timeout: 120_000 }, (engine) => {
  const start = () => startFailingTarget(engine);

  it('takes its own sessions with it, and these come back and go on', async () => {
    await using target = await start();
    const initiators: PersistentInitiator[] = [];
    for (let count = 0; count < SESSIONS; count++)
      initiators.push(await PersistentInitiator.start(target.port, count * 16));
    for (const initiator of initiators) await initiator.advances(1);
    expect(await initiators[0]!.failItsWorker()).toBe(0x0300);
    for (const initiator of initiators) await initiator.advances(5);
    const outages = initiators.map(({ outages: own }) => own.length);
    for (const initiator of initiators) await initiator.stop();
    const [, lost] = await target.logged(/"sessions":(\d),"msg":"a worker failed; its sessions are gone"/);
    expect(outages[0]).toBe(1);
    expect(outages.filter((count) => count !== 0)).toHaveLength(Number(lost));
    // Sessions go to the least loaded worker: the other had some.
    expect(outages).toContain(0);
    expect(target.log).toMatch(/a fault that was injected/);
    expect(target.log).toMatch(/starting the worker again/);
  });

  it('is started again as often as it fails now and then, and leaves nothing open', async () => {
    await using target = await start();
    const initiator = await PersistentInitiator.start(target.port, 0);
    const failTwice = async (): Promise<void> => {
      for (let count = 0; count < 2; count++) {
        expect(await initiator.failItsWorker()).toBe(0x0300);
        await initiator.advances(2);
      }
    };
    // A thread opens what it closes connections with when it closes the first.
    await failTwice();
    const { descriptors } = target.readings();
    await failTwice();
    await initiator.stop();
    await expect.poll(() => target.readings().descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(descriptors);
  });

  it('does not keep the target from an orderly end while it is started again', async () => {
    const target = await start();
    const initiator = await PersistentInitiator.start(target.port, 0);
    await initiator.advances(1);
    await initiator.failItsWorker();
    initiator.abandon();
    await target.stop();
  });

  it.each(['SIGSEGV', 'SIGABRT'] as const)(
    'with the whole process, %s, ends it with a status that says so',
    async (signal) => {
      const target = await start();
      const initiator = await PersistentInitiator.start(target.port, 0);
      await initiator.advances(2);
      process.kill(target.pid, signal);
      await expect.poll(() => target.running, { timeout: 10_000 }).toBe(false);
      expect(target.ending).toBe(signal);
      await target.kill();
      initiator.abandon();
    },
  );
});
