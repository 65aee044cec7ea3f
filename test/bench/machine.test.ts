// What the report says of what it was measured on.

import { expect, test } from 'vitest';
import { describeMachine } from '../../bench/machine.ts';

test('names what was measured, and the file system of its disk', () => {
  // Whatever tells its version stands for fio.
  const machine = describeMachine(process.execPath, ['lunaring-direct', 'tgt-aio'], '/proc');
  expect(machine['lunaring']).toMatch(/^\d+\.\d+\.\d+, revision \S+$/);
  expect(machine['file system']).toMatch(/^proc\b/);
  expect(machine['fio']).toBe(process.version);
});
