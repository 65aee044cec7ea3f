// Zeroes by direct I/O, which every engine can be asked for: where a file system can't zero a range they are written.

import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ZEROES_BYTES, zeroesOf } from '../../src/backend/zeroes.ts';
import { Bench, ENGINES } from '../engine/harness.ts';
import { Scratch } from '../support/scratch.ts';

it.each(ENGINES)('%s: are written past the page cache', async (_name, make) => {
  using scratch = new Scratch('zeroes');
  const path = scratch.noise('disk', ZEROES_BYTES);
  const fd = openSync(path, constants.O_RDWR | constants.O_DIRECT);
  const bench = new Bench(make);
  let written = Number.NaN;
  bench.on.fileDone = (_token, result) => {
    written = result;
    bench.engine.stop();
  };
  bench.engine.write(fd, zeroesOf(bench.engine), ZEROES_BYTES, 0, false, 1);
  await bench.engine.run();
  closeSync(fd);
  bench.dispose();
  expect(written).toBe(ZEROES_BYTES);
  expect(readFileSync(path).equals(Buffer.alloc(ZEROES_BYTES))).toBe(true);
});
