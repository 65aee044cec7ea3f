// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS (SPC-5): what session/task-management.ts does, as bits.
// Which CDBs there are is operation-codes.ts.

import { Cdb12 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { reply } from './reply.ts';

/** ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, target reset. */
const ATS_ATSS_CTSS_LURS_TRS = 0x80 | 0x40 | 0x10 | 0x08 | 0x02;
/** REPD: the extended data, with timeouts; we name none. */
const REPD = 0x80;

export const reportSupportedTaskManagementFunctions: ColdCommand = {
  ...REPLY,
  name: 'REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: (task, _unit, services) => {
    const extended = (task.cdb.getUint8(2) & REPD) !== 0;
    const data = new Uint8Array(extended ? 16 : 4);
    data[0] = ATS_ATSS_CTSS_LURS_TRS;
    if (extended) data[3] = data.length - 4;
    reply(task, services, data);
  },
};
