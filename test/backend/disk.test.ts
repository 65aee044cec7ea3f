// What the errors of a disk's functions say, and which functions it has.

import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { abilitiesOf, type Disk, DiskError, failureOf } from '../../src/backend/disk.ts';

const { EBUSY, ECANCELED, EIO, ENOSPC, ENXIO, EROFS } = constants.errno;

const { proxy: unreadable, revoke } = Proxy.revocable({}, {});
revoke();

describe('failureOf', () => {
  it.each([
    ['medium', EIO],
    ['notReady', EBUSY],
    ['noMedium', 123],
    ['writeProtected', EROFS],
    ['space', ENOSPC],
    ['hardware', ENXIO],
    ['aborted', ECANCELED],
  ] as const)('takes a DiskError at its word: %s', (kind, errno) => {
    expect(failureOf(new DiskError(kind, 'as the test wants it'))).toEqual({ errno, offset: undefined, meant: true });
  });

  it('passes on where the block is that failed', () => {
    expect(failureOf(new DiskError('medium', 'a scratch', { offset: 4096 })).offset).toBe(4096);
  });

  it.each([4096n, '4096', 0.5, Number.NaN])('takes %o for no place of a block', (offset) => {
    const error = Object.assign(new DiskError('medium', 'a scratch'), { offset });
    expect(failureOf(error)).toEqual({ errno: EIO, offset: undefined, meant: true });
  });

  it('knows the error of another copy of the package by its fields', () => {
    const foreign = Object.assign(new Error('full'), { code: 'LUNARING_DISK', kind: 'space' });
    expect(failureOf(foreign)).toEqual({ errno: ENOSPC, offset: undefined, meant: true });
  });

  it.each([
    ['an error of node:fs that has a sense', Object.assign(new Error(), { code: 'ENOSPC' }), ENOSPC],
    ['an error of node:fs that has none', Object.assign(new Error(), { code: 'ENOENT' }), EIO],
    ['any other error', new TypeError('undefined is not a function'), EIO],
    ['a kind that there is not', Object.assign(new Error(), { code: 'LUNARING_DISK', kind: 'toString' }), EIO],
    ['a text', 'no', EIO],
    ['nothing', undefined, EIO],
    ['null', null, EIO],
    ['what can’t be looked at', unreadable, EIO],
  ])('takes %s for a surprise', (_, error, errno) => {
    expect(failureOf(error)).toEqual({ errno, offset: undefined, meant: false });
  });
});

describe('abilitiesOf', () => {
  const read = () => {};

  it('looks at which functions there are, inherited ones among them', () => {
    class Whole implements Disk {
      read() {}
      write() {}
      flush() {}
      unmap() {}
    }
    expect(abilitiesOf(new Whole())).toEqual({ canWrite: true, canFlush: true, canUnmap: true });
    expect(abilitiesOf({ read })).toEqual({ canWrite: false, canFlush: false, canUnmap: false });
    expect(abilitiesOf({ read, unmap: () => {} }).canUnmap).toBe(false);
  });

  it.each([undefined, null, 7, {}, { read: 'a text' }, { read, write: true }, { read, close: 1 }])(
    'refuses %o',
    (disk) => {
      expect(() => abilitiesOf(disk as unknown as Disk)).toThrow(TypeError);
    },
  );
});
