// What the fuzzer once found, said again to both engines: each file of corpus/ tells what it did.
// A file that `npm run fuzz` leaves behind goes there as it is, once what it found is mended.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replay } from './conversation.ts';
import { complaint, repairUnits, startBystander, startFuzzedTarget } from './fuzzed-target.ts';
import type { Finding } from './shrink.ts';

const FOLDER = join(import.meta.dirname, 'corpus');
const findings = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Finding);

describe.each(['uring', 'posix'] as const)('what once went wrong does not, engine %s', (engine) => {
  it('one after another, beside a session that does not notice', async () => {
    expect(findings.length).toBeGreaterThan(3);
    await using target = await startFuzzedTarget(engine);
    const bystander = await startBystander(target.port);
    for (const { about, transcripts } of findings) {
      for (const transcript of transcripts) await replay(target.port, transcript);
      await repairUnits(target.port);
      expect(complaint(target.log), about).toBeNull();
    }
    await bystander.advances();
    await bystander.stop();
  }, 120_000);
});
