// Which peers take part, which of them is the subject of its group, and in which state each finds its file.

import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { cell } from '../../bench/cells.ts';
import { readOptions } from '../../bench/options.ts';
import { settingsOf, startPeers } from '../../bench/peers.ts';
import { succeed } from '../support/run.ts';
import { ON_DISK, Scratch } from '../support/scratch.ts';

const MIB = 2 ** 20;
const CELL = cell('randread', 4096, 1);

/** How much of a file is in the page cache, bytes. */
async function cachedBytes(path: string): Promise<number> {
  return Number((await succeed('fincore', ['--bytes', '--noheadings', '--output', 'RES', path])).stdout);
}

function files(scratch: Scratch) {
  const disk = (name: string) => scratch.noise(`${name}.img`, MIB);
  return { disk, floor: scratch.file('floor') };
}

const optionsFor = (peers: string) => readOptions(['--peers', peers, '--size', '1'])!;

test('a variant finds the file that it serves itself as every other peer finds its own', async () => {
  using scratch = new Scratch('peers-test', ON_DISK);
  const [peer] = await startPeers(optionsFor('lunaring-direct-posix'), files(scratch));
  try {
    const path = scratch.file('lunaring-direct-posix.img');
    readFileSync(path);
    expect(await cachedBytes(path)).toBe(MIB);
    peer!.prepare();
    expect(await cachedBytes(path)).toBe(0);
  } finally {
    await peer!.stop();
  }
});

test('a peer that does not start is absent, and the first of ours is the subject wherever it stands', async () => {
  using scratch = new Scratch('peers-test');
  // tgtd is elsewhere.
  vi.stubEnv('PATH', '/usr/bin:/bin');
  const peers = await startPeers(optionsFor('tgt-aio,lunaring-direct-posix,lunaring-direct-polling'), files(scratch));
  try {
    expect(peers.map(({ name, subject }) => [name, subject])).toEqual([
      ['tgt-aio', false],
      ['lunaring-direct-posix', true],
      ['lunaring-direct-polling', false],
    ]);
    expect(peers.map((peer) => peer.excludes(CELL))).toEqual(['did not start', null, null]);
    expect(settingsOf(peers)['tgt-aio']).toMatch(/^absent: tgtd ended with .*No such file/);
  } finally {
    vi.unstubAllEnvs();
    for (const peer of peers) await peer.stop();
  }
});

test('nothing is measured when none of the peers starts', async () => {
  using scratch = new Scratch('peers-test');
  vi.stubEnv('PATH', '/usr/bin:/bin');
  try {
    await expect(startPeers(optionsFor('tgt-aio'), files(scratch))).rejects.toThrow('tgtd');
  } finally {
    vi.unstubAllEnvs();
  }
});
