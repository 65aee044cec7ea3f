// What a command costs in calls into the kernel, counted: commands that come together are received, answered and waited for together.
// How long it takes is the benchmarks' business.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { READ_BIT, ScsiCommand } from '../../../src/pdu/scsi-command.ts';
import { Counter } from '../../../src/ring/counters.ts';
import { read10 } from '../../support/cdbs.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { TargetInProcess } from '../../support/target-in-process.ts';
import { TARGET_NAME } from '../../support/target-process.ts';
import { BLOCK } from './serving.ts';

const TOGETHER = 32;
const ROUNDS = 100;
const COMMANDS = TOGETHER * ROUNDS;
/** A wake-up by the tick, or a segment that TCP split, may come between. */
const CALLS_PER_ROUND_MAX = 2;

/** Sends 32 READs in one go, and takes their answers. */
async function readTogether(initiator: RawInitiator): Promise<void> {
  const commands = Array.from({ length: TOGETHER }, (_, index) =>
    initiator.encode(ScsiCommand, {
      flags: FINAL_BIT | READ_BIT,
      expectedDataTransferLength: BLOCK,
      cdb: Buffer.concat([read10(index, 1)], 16),
    }),
  );
  initiator.wire.write(Buffer.concat(commands));
  for (let count = 0; count < TOGETHER; count++) expect(await initiator.receive()).not.toBeNull();
}

describe('commands that come together', () => {
  let target: TargetInProcess;

  beforeEach(async () => {
    target = await TargetInProcess.start({
      tuning: { workers: 1, engine: 'uring' },
      targets: [
        {
          name: TARGET_NAME,
          luns: [{ lun: 0, backend: 'memory', size: '1MiB' }],
        },
      ],
    });
  });
  afterEach(() => target[Symbol.asyncDispose]());

  /** Of the only worker. */
  const read = (counter: Counter) => target.readings.workers()[0]!.counters[Counter[counter]]!;

  it('share one turn, one receive and one send', async () => {
    using initiator = await RawInitiator.logIn(target.port);
    await readTogether(initiator);
    const names = ['commands', 'turns', 'receives', 'sends'] as const;
    const before = names.map(read);
    for (let round = 0; round < ROUNDS; round++) await readTogether(initiator);
    const [commands, turns, receives, sends] = names.map((name, index) => read(name) - before[index]!);
    expect(commands).toBe(COMMANDS);
    expect(turns).toBeLessThanOrEqual(ROUNDS * CALLS_PER_ROUND_MAX);
    expect(receives).toBeLessThanOrEqual(ROUNDS * CALLS_PER_ROUND_MAX);
    expect(sends).toBeLessThanOrEqual(ROUNDS * CALLS_PER_ROUND_MAX);
  });
});
