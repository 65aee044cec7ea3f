import { closeSync, constants, openSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { directAlignment } from '../../src/kernel/direct-io.ts';
import { Scratch } from '../support/scratch.ts';

test('a file opened with O_DIRECT asks for a power of two that a page fulfils', () => {
  using scratch = new Scratch('direct');
  const path = scratch.file('a.img');
  writeFileSync(path, '');
  truncateSync(path, 65536);
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  const alignment = directAlignment(fd);
  closeSync(fd);
  if (alignment === null) throw new Error('the file system of the temporary directory has no direct I/O');
  for (const bytes of [alignment.offset, alignment.memory]) {
    expect(Number.isInteger(Math.log2(bytes))).toBe(true);
    expect(bytes).toBeLessThanOrEqual(4096);
  }
});
