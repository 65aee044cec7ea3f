// Error numbers by name.

import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { Errno, errnoName, KernelError } from '../../src/kernel/errno.ts';

test('every number in use is the one that this machine’s headers have', () => {
  const known: Record<string, number> = constants.errno;
  const compared = Object.entries(Errno).filter(([name]) => name in known);
  expect(compared.length).toBe(Object.keys(Errno).length);
  for (const [name, number] of compared) expect([name, number]).toEqual([name, known[name]]);
});

test('names are found for either sign, and a number without one says so', () => {
  expect([errnoName(5), errnoName(-5), errnoName(95), errnoName(4711)]).toEqual([
    'EIO',
    'EIO',
    'EOPNOTSUPP',
    'errno 4711',
  ]);
});

test('an error names the call, and has a code for scripts', () => {
  const error = new KernelError('io_uring_setup', Errno.EPERM);
  expect(error).toMatchObject({ code: 'LUNARING_EPERM', message: 'io_uring_setup: EPERM', errno: 1 });
  expect(new KernelError('ioctl', 4711).code).toBe('LUNARING_ERRNO_4711');
});
