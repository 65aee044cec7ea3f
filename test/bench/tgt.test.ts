// tgt as a peer: an instance of its own, that leaves nothing behind.

import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { startTgt } from '../../bench/tgt.ts';
import { iscsiReadCapacity16, missingClients } from '../support/clients.ts';
import { Scratch } from '../support/scratch.ts';

const TGTD = '/usr/sbin/tgtd';
const MIB = 2 ** 20;

test.skipIf(missingClients().length > 0 || !existsSync(TGTD))('its control socket is beside its file', async () => {
  using scratch = new Scratch('tgt-test');
  const { daemon, url } = await startTgt(scratch.noise('disk.img', MIB), 'rdwr', undefined);
  try {
    expect(Number((await iscsiReadCapacity16(url)).get('RETURNED LOGICAL BLOCK ADDRESS'))).toBe(MIB / 512 - 1);
    expect(readdirSync(scratch.path).filter((name) => name.startsWith('tgt'))).toHaveLength(2);
  } finally {
    await daemon.kill();
  }
});
