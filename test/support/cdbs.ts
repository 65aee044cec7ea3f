// Command descriptor blocks for tests, by the names of their commands.
// Only what is asked for often: any other is a few bytes in the test that needs it.

import { Cdb6, Cdb10, Cdb12, Cdb16, OperationCode } from '../../src/scsi/cdb.ts';
import { encode } from './header-values.ts';

export function testUnitReady(): Buffer {
  return Buffer.alloc(6);
}

export function read6(lba: number, blocks: number): Buffer {
  return encode(Cdb6, { opcode: OperationCode.READ_6, lba, transferLength: blocks });
}

export function read10(lba: number, blocks: number, flags = 0): Buffer {
  return encode(Cdb10, { opcode: OperationCode.READ_10, flags, lba, transferLength: blocks });
}

export function read12(lba: number, blocks: number): Buffer {
  return encode(Cdb12, { opcode: OperationCode.READ_12, lba, transferLength: blocks });
}

export function read16(lba: number, blocks: number, flags = 0): Buffer {
  return encode(Cdb16, { opcode: OperationCode.READ_16, flags, lba, transferLength: blocks });
}

export function write10(lba: number, blocks: number, flags = 0): Buffer {
  return encode(Cdb10, { opcode: OperationCode.WRITE_10, flags, lba, transferLength: blocks });
}

export function write16(lba: number, blocks: number, flags = 0): Buffer {
  return encode(Cdb16, { opcode: OperationCode.WRITE_16, flags, lba, transferLength: blocks });
}

export function synchronizeCache16(): Buffer {
  return encode(Cdb16, { opcode: OperationCode.SYNCHRONIZE_CACHE_16 });
}

/** Of the vital product data page `page`, or the standard data. */
export function inquiry(allocationLength: number, page?: number): Buffer {
  const cdb = Buffer.from([OperationCode.INQUIRY, page === undefined ? 0 : 1, page ?? 0, 0, 0, 0]);
  cdb.writeUInt16BE(allocationLength, 3);
  return cdb;
}

export function readCapacity10(): Buffer {
  return encode(Cdb10, { opcode: OperationCode.READ_CAPACITY_10 });
}

/** SERVICE ACTION IN(16), service action 0x10. */
export function readCapacity16(allocationLength = 32): Buffer {
  const flags = 0x10;
  return encode(Cdb16, { opcode: OperationCode.SERVICE_ACTION_IN_16, flags, transferLength: allocationLength });
}

export function reportLuns(allocationLength: number): Buffer {
  const cdb = Buffer.alloc(12);
  cdb[0] = OperationCode.REPORT_LUNS;
  cdb.writeUInt32BE(allocationLength, 6);
  return cdb;
}
