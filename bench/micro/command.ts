// A READ or WRITE of 4 KiB from the bytes of its command to the last byte of its answer: framer, session, SCSI and backend.
// The engine under them only counts what is sent, so this is what JavaScript costs for a command, without the kernel.

import { Digest } from '../../src/pdu/parameters.ts';
import { ReplayBench } from '../../test/support/replay-bench.ts';
import { SimLun } from '../../test/support/session-bench.ts';
import { runMicro } from '../micro-table.ts';

const COMMANDS = 16;
const TURNS = 64;

function turns(bench: ReplayBench): () => void {
  return () => {
    for (let turn = 0; turn < TURNS; turn++) bench.turn();
  };
}

const DIGESTS = { connection: { dataDigest: Digest.crc32c } };
for (const direction of ['read', 'write'] as const) {
  await runMicro({
    title: `${direction.toUpperCase()}(10) of 4 KiB, ${COMMANDS} commands a turn`,
    operations: COMMANDS * TURNS,
    variants: {
      'memory unit': turns(new ReplayBench(direction, SimLun.MEMORY, COMMANDS)),
      'null unit': turns(new ReplayBench(direction, SimLun.NULL, COMMANDS)),
      'memory unit, data digests': turns(new ReplayBench(direction, SimLun.MEMORY, COMMANDS, DIGESTS)),
    },
  });
}
