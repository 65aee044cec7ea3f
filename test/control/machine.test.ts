// The machine's time, for a thread that may be held up.

import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { THIS_MACHINE } from '../../src/control/machine.ts';

/** Nothing is heard meanwhile. */
function holdUp(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Somebody waits for an answer, which comes while the thread is held up until the time for it is over. */
async function answered(take: (callOff: () => void) => void): Promise<string[]> {
  const { port1, port2 } = new MessageChannel();
  const events: string[] = [];
  await new Promise<void>((resolve) => {
    const callOff = THIS_MACHINE.after(1, () => events.push('too late'));
    port1.on('message', () => {
      events.push('answer');
      take(callOff);
      setTimeout(() => setImmediate(resolve), 1);
    });
    port2.postMessage(0);
    holdUp(5);
  });
  port1.close();
  return events;
}

test('what came in time is heard before its time is over, though the thread was held up meanwhile', async () => {
  expect(await answered(() => {})).toEqual(['answer', 'too late']);
});

test('and calls that off', async () => {
  expect(await answered((callOff) => callOff())).toEqual(['answer']);
});
