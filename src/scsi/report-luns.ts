// REPORT LUNS (SPC-5): the units this nexus may address. Answers for every LUN, before any unit attention.
// Which units those are is the nexus' LUN map.

import { Cdb12 } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { writeLun } from './lun.ts';
import type { Nexus } from './nexus.ts';
import { blank, reply } from './reply.ts';
import { AdditionalSense, failField } from './sense.ts';

/** SELECT REPORT. There are no well known units, so everything is what a report without them would be. */
const Select = { addressable: 0x00, wellKnown: 0x01, all: 0x02 } as const;

const HEADER_BYTES = 8;
const ENTRY_BYTES = 8;
/** Room for the header and one LUN is the least that may be asked for. */
const ALLOCATION_LENGTH_MIN = 16;

/** Who reads the inventory needs not be told any more that it has changed (SPC-5). */
function inventoryReported(nexus: Nexus): void {
  for (const unit of nexus.units.values()) unit.dropAttention(nexus, AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
}

export const reportLuns: ColdCommand = {
  ...REPLY,
  name: 'REPORT LUNS',
  anyLun: true,
  beforeAttention: true,
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: (task, _unit, services) => {
    const nexus = task.nexus!;
    const select = task.cdb.getUint8(2);
    if (select > Select.all) {
      failField(task, 2);
      return;
    }
    if (task.transferLength < ALLOCATION_LENGTH_MIN) {
      failField(task, Cdb12.transferLength.offset);
      return;
    }
    const luns = select === Select.wellKnown ? [] : nexus.luns;
    const { bytes, view } = blank(HEADER_BYTES + luns.length * ENTRY_BYTES);
    view.setUint32(0, luns.length * ENTRY_BYTES);
    for (const [index, lun] of luns.entries()) writeLun(view, HEADER_BYTES + index * ENTRY_BYTES, lun);
    inventoryReported(nexus);
    reply(task, services, bytes);
  },
};
