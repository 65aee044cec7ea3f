// The line that says how far a run has come: there while something is measured, and gone before anything else is written.

import { expect, test } from 'vitest';
import { cell } from '../../bench/cells.ts';
import type { Peer } from '../../bench/peers.ts';
import { Progress } from '../../bench/progress.ts';

const PEER = { name: 'tgt-aio' } as Peer;
const CELL = cell('randread', 4096, 1);
const CLEARED = '\r\x1b[K';

function terminal(isTTY: boolean) {
  const written: string[] = [];
  return { written, isTTY, write: (text: string) => written.push(text) > 0 };
}

test('is cleared once, by whatever comes first', () => {
  const screen = terminal(true);
  const failures: string[] = [];
  const progress = new Progress(2, 10, (message) => failures.push(message), screen);
  progress.clear();
  expect(screen.written).toEqual([]);
  progress.begins(CELL, PEER, 0);
  expect(screen.written.at(-1)).toContain('tgt-aio  round 1');
  progress.failed(CELL, PEER, new Error('no disk'));
  progress.advance(1);
  progress.clear();
  expect(screen.written.slice(1)).toEqual([CLEARED]);
  expect(failures).toEqual(['tgt-aio, randread-4k-qd1: no disk']);
});

test('is not written where nobody looks', () => {
  const screen = terminal(false);
  const progress = new Progress(2, 10, () => undefined, screen);
  progress.begins(CELL, PEER, 0);
  progress.advance(1);
  expect(screen.written).toEqual([]);
});
