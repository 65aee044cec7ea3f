// READ DEFECT DATA(10) and (12) (SBC-4): the lists of defective blocks, which are empty; the storage below hides its own.
// There is no way to add to them; MEDIUM ERROR is how a command says that a block can not be read.

import { Cdb10, Cdb12, OperationCode } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { checkReady } from './medium.ts';
import { reply } from './reply.ts';

/** REQ_PLIST, REQ_GLIST and the format, which come back as the lists that are there: PLISTV, GLISTV and the format. */
const LISTS_AND_FORMAT = 0x1f;

function isLong(cdb: DataView): boolean {
  return cdb.getUint8(0) === OperationCode.READ_DEFECT_DATA_12;
}

export const readDefectData: ColdCommand = {
  ...REPLY,
  name: 'READ DEFECT DATA',
  decode: ({ cdb }) => (isLong(cdb) ? Cdb12.transferLength.get(cdb, 0) : Cdb10.transferLength.get(cdb, 0)),
  run: (task, unit, services) => {
    if (!checkReady(task, unit)) return;
    const { cdb } = task;
    const header = new Uint8Array(isLong(cdb) ? 8 : 4);
    header[1] = cdb.getUint8(isLong(cdb) ? 1 : 2) & LISTS_AND_FORMAT;
    reply(task, services, header);
  },
};
