import { expect, test } from 'vitest';
import { formatWorkers } from '../../src/cli/workers.ts';

test('workers are a table of what they did and have in hand', () => {
  const traffic = { commands: 123_456, bytesRead: 2 ** 30, bytesWritten: 2 ** 20, errors: 1 };
  const nothing = { connections: 0, commands: 0, bytesRead: 0, bytesWritten: 0, errors: 0, slabBytesInUse: 0 };
  const busy = {
    index: 0,
    running: true,
    sessions: 2,
    figures: { connections: 3, ...traffic, slabBytesInUse: 2 ** 16 },
  };
  const down = { index: 1, running: false, sessions: 0, figures: nothing };
  const [heading, first, second] = formatWorkers([busy, down]).split('\n');
  expect(heading).toMatch(/^worker +state +sessions +connections +commands +read +written +errors +memory in use$/);
  expect(first).toMatch(/^ +0 +running +2 +3 +123 k +1\.00 GiB +1\.00 MiB +1 +64\.0 KiB$/);
  expect(second).toMatch(/^ +1 +down +0 /);
});
