// What counts as the failure that was meant, and what is one of its own.

import { expect, test } from 'vitest';
import { Status } from '../../src/scsi/task.ts';
import type { RawInitiator } from '../support/raw-initiator.ts';
import { DurableWriter } from './durable-writer.ts';

const LOST = 'the target closed the connection under a command';

/** An initiator whose command number `last` ends so, and all before it well. */
function initiator(last: number, end: () => { status: number }): RawInitiator {
  let count = 0;
  return { command: async () => (++count === last ? end() : { status: Status.GOOD }) } as unknown as RawInitiator;
}

test.each([
  ['a WRITE', 3],
  ['a SYNCHRONIZE CACHE', 6],
])('%s that ends with CHECK CONDITION is a failure, also of a target that is being killed', async (what, last) => {
  for (const killing of [false, true]) {
    const killed = new AbortController();
    const bad = initiator(last, () => {
      if (killing) killed.abort();
      return { status: Status.CHECK_CONDITION };
    });
    await expect(new DurableWriter(0).write(bad, killed.signal)).rejects.toThrow(`${what} ended with 2`);
  }
});

test('a connection is lost to the kill, and to nothing else', async () => {
  const killed = new AbortController();
  const lose = (): never => {
    throw new Error(LOST);
  };
  await expect(new DurableWriter(0).write(initiator(3, lose), killed.signal)).rejects.toThrow(LOST);
  const writer = new DurableWriter(0);
  await writer.write(
    initiator(9, () => {
      killed.abort();
      return lose();
    }),
    killed.signal,
  );
  expect(writer.writes).toBe(7);
  expect(writer.syncedWrites).toBe(5);
});
