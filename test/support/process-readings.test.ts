// What is counted of a process whose threads come and go.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { SwitchWatch } from './process-readings.ts';

const WAITS = 300;
/** Waits so often, says so, and ends when it is told to. */
const PROGRAM = `
  const { parentPort } = require('node:worker_threads');
  const word = new Int32Array(new SharedArrayBuffer(4));
  for (let count = 0; count < ${WAITS}; count++) Atomics.wait(word, 0, 0, 0.1);
  parentPort.once('message', () => undefined);
  parentPort.postMessage('done');`;

test('context switches of a thread that ends are counted with what was read before', async () => {
  const watch = new SwitchWatch(process.pid);
  const worker = new Worker(PROGRAM, { eval: true });
  await once(worker, 'message');
  watch.look();
  const ended = once(worker, 'exit');
  worker.postMessage('end');
  await ended;
  watch.look();
  expect(watch.voluntary).toBeGreaterThanOrEqual(WAITS);
});

test('context switches before the watch began are not counted', async () => {
  const worker = new Worker(PROGRAM, { eval: true });
  await once(worker, 'message');
  const watch = new SwitchWatch(process.pid);
  expect(watch.voluntary).toBe(0);
  watch.look();
  expect(watch.voluntary).toBeLessThan(WAITS);
  await worker.terminate();
});

test('a process that has gone has no more of them', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  using watch = SwitchWatch.of(child.pid!);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  expect(() => watch.look()).not.toThrow();
});
