// Error numbers by name.

import { constants } from 'node:os';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { Errno, errnoName, KernelError } from '../../src/kernel/errno.ts';

test('every number in use is the one that this machine’s headers have', () => {
  const known: Record<string, number> = constants.errno;
  // Node lacks some of them; glibc names them all.
  const nameOf = koffi.load(null).func('strerrorname_np', 'str', ['int']) as (number: number) => string;
  for (const [name, number] of Object.entries(Errno)) {
    if (name in known) expect([name, number]).toEqual([name, known[name]]);
    expect([number, nameOf(number)]).toEqual([number, name]);
  }
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
