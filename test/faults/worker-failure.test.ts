// The two ways in which the target may fail by its own fault: an exception ends its worker and nothing else, an abort ends the process.

import { describe, expect, it } from 'vitest';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';
import { PersistentInitiator, startFailingTarget } from './worker-failure.ts';

const SESSIONS = 4;
const WORKERS = 2;
const PATIENCE_MS = 30_000;

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
    const [, lost] = await target.logged(/"sessions":(\d+),"msg":"a worker failed; its sessions are gone"/);
    expect(outages[0]).toBe(1);
    expect(Math.max(...outages)).toBe(1);
    // The worker's connections close before main hears of its failure. Whoever logs in again in between may be given to the same worker once
    // more: that session is counted with the lost ones, its login is refused when main hears, and the initiator's outage goes on. So there may
    // be more lost sessions than outages, never fewer: main knows of every session before its initiator does.
    expect(outages.filter((count) => count !== 0).length).toBeLessThanOrEqual(Number(lost));
    // Sessions go to the least loaded worker: the other had some.
    expect(outages).toContain(0);
    await target.logged(/a fault that was injected/);
    await target.logged(/starting the worker again/);
  });

  it('is started again as often as it fails now and then, and leaves nothing open', async () => {
    await using target = await start();
    const initiator = await PersistentInitiator.start(target.port, 0);
    let failures = 0;
    const started = () => target.log.match(/"msg":"worker: /g)?.length;
    const failTwice = async (): Promise<void> => {
      for (let count = 0; count < 2; count++) {
        expect(await initiator.failItsWorker()).toBe(0x0300);
        await initiator.advances(2);
        failures++;
      }
      // One that is still starting has not opened all that it will have.
      await expect.poll(started, { timeout: PATIENCE_MS }).toBe(WORKERS + failures);
    };
    // A thread opens what it closes connections with when it closes the first.
    await failTwice();
    const descriptors = await target.settledDescriptors();
    await failTwice();
    await initiator.stop();
    await expect.poll(() => target.readings().descriptors, { timeout: PATIENCE_MS }).toBeLessThanOrEqual(descriptors);
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
      await expect.poll(() => target.running, { timeout: PATIENCE_MS }).toBe(false);
      expect(target.ending).toBe(signal);
      await target.kill();
      initiator.abandon();
    },
  );
});

describe('an initiator that persists', () => {
  const target = (readOnly: boolean) =>
    TargetProcess.start({
      targets: [
        { name: TARGET_NAME, maxConnections: 2, luns: [{ lun: 0, backend: 'memory', size: '1MiB', readOnly }] },
      ],
      tuning: { workers: 1, slabMiB: 16 },
    });

  it('takes a command that fails for a fault of the target, not for the loss of its connection', async () => {
    await using protectedDisk = await target(true);
    const initiator = await PersistentInitiator.start(protectedDisk.port, 0);
    await expect(initiator.advances(1)).rejects.toThrow('a WRITE ended with 2');
    expect(initiator.outages).toEqual([]);
    initiator.abandon();
  });

  it('notices that a worker does not fail though it should', async () => {
    await using sound = await target(false);
    const initiator = await PersistentInitiator.start(sound.port, 0);
    await expect(initiator.failItsWorker()).rejects.toThrow('the worker did not fail');
    await initiator.stop();
  });
});
