// REPORT TIMESTAMP (SPC-5): milliseconds since this unit's worker started. It can't be set: hosts have better clocks.
// Wall-clock time is nothing that the data plane knows.

import type { ColdCommand } from './cold-command.ts';
import { blank, reply } from './reply.ts';
import { Movement } from './task.ts';

export const reportTimestamp: ColdCommand = {
  name: 'REPORT TIMESTAMP',
  movement: Movement.replyIn,
  anyLun: false,
  beforeAttention: false,
  length: (task) => task.cdb.getUint32(6),
  run: (task, services) => {
    const { bytes, view } = blank(12);
    view.setUint16(0, bytes.length - 2);
    // TIMESTAMP ORIGIN, byte 2, stays 000b: zero at power-on. The six bytes from 4 on are the time.
    const milliseconds = Math.floor(services.now());
    view.setUint16(4, Math.floor(milliseconds / 2 ** 32));
    view.setUint32(6, milliseconds >>> 0);
    reply(task, services, bytes);
  },
};
