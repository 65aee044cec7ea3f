// `lunaring provoke` against tgt, a target that others have written: it plays to the end, tells right from wrong, and harms nobody.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startTgt } from '../../bench/tgt.ts';
import { MIB } from '../../src/config/limits.ts';
import { iscsiInq, missingClients } from '../support/clients.ts';
import { repositoryRoot } from '../support/repository.ts';
import { run } from '../support/run.ts';
import { Scratch } from '../support/scratch.ts';

const PROGRAM = join(repositoryRoot(), 'dist/src/cli/main.js');

describe.skipIf(missingClients().length > 0)('tgt', () => {
  test('is compared with what the RFC says', async () => {
    using scratch = new Scratch('provoke');
    const { daemon, url } = await startTgt(scratch.noise('disk.img', 16 * MIB), 'rdwr', undefined);
    try {
      const [, where = '', target = ''] = /^iscsi:\/\/([^/]+)\/([^/]+)\//.exec(url)!;
      const { code, stdout } = await run(process.execPath, [PROGRAM, 'provoke', where, '--target', target, '--json']);
      const { login, results } = JSON.parse(stdout);
      expect([code, login]).toEqual([1, '0000']);
      const gotOf = (name: string) => results.find((result: { case: string }) => result.case === name)?.got;
      // What it is known to do, right and wrong.
      expect(gotOf('an unknown target')).toBe('0203');
      expect(gotOf('an invented TSIH')).toBe('020A');
      expect(gotOf('no InitiatorName')).toBe('0207');
      expect(gotOf('FirstBurstLength above MaxBurstLength')).toBe('0000');
      expect(gotOf('SCSI Command after one step')).toBe('closed');
      expect(daemon.running).toBe(true);
      expect((await iscsiInq(url)).get('Peripheral Device Type')).toBe('DIRECT_ACCESS');
    } finally {
      await daemon.kill();
    }
  });
});
