// Reading the seven fields of a SCSI Command header that the data path needs: through the layout's accessors, and in the ways that
// they are held against.

import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { Cdb16 } from '../../src/scsi/cdb.ts';
import { runMicro } from '../micro-table.ts';

const HEADERS = 1024;
const memory = new SharedArrayBuffer(HEADERS * BHS_SIZE);
const view = new DataView(memory);
const bytes = new Uint8Array(memory);
const buffer = Buffer.from(memory);

for (let index = 0; index < HEADERS; index++) {
  const at = index * BHS_SIZE;
  ScsiCommand.opcode.set(view, at, 0x01);
  ScsiCommand.flags.set(view, at, 0xc1);
  ScsiCommand.dataSegmentLength.set(view, at, index);
  ScsiCommand.initiatorTaskTag.set(view, at, index);
  ScsiCommand.expectedDataTransferLength.set(view, at, 4096);
  ScsiCommand.cmdSN.set(view, at, index);
  Cdb16.lba.set(view, at + 32, index * 8);
}

const END = HEADERS * BHS_SIZE;
const CDB = ScsiCommand.cdb.offset;

// Each variant has a loop of its own: one loop that takes the variants as functions would be compiled for none of them. The sums keep
// the compiler from leaving the work out.

await runMicro({
  title: 'seven fields of a SCSI Command',
  operations: HEADERS,
  variants: {
    'layout accessors': () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) {
        sum += ScsiCommand.opcode.get(view, at) + ScsiCommand.flags.get(view, at);
        sum += ScsiCommand.dataSegmentLength.get(view, at) + ScsiCommand.initiatorTaskTag.get(view, at);
        sum += ScsiCommand.expectedDataTransferLength.get(view, at) + ScsiCommand.cmdSN.get(view, at);
        sum += Cdb16.lba.get(view, at + CDB);
      }
      return sum;
    },
    'DataView with offsets written out': () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) {
        sum += view.getUint8(at) + view.getUint8(at + 1);
        sum += ((view.getUint8(at + 5) << 16) | view.getUint16(at + 6)) + view.getUint32(at + 16);
        sum += view.getUint32(at + 20) + view.getUint32(at + 24);
        sum += view.getUint32(at + 34) * 2 ** 32 + view.getUint32(at + 38);
      }
      return sum;
    },
    'Buffer.readUInt32BE and friends': () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) {
        sum += buffer.readUInt8(at) + buffer.readUInt8(at + 1);
        sum += buffer.readUIntBE(at + 5, 3) + buffer.readUInt32BE(at + 16);
        sum += buffer.readUInt32BE(at + 20) + buffer.readUInt32BE(at + 24);
        sum += buffer.readUInt32BE(at + 34) * 2 ** 32 + buffer.readUInt32BE(at + 38);
      }
      return sum;
    },
  },
});

await runMicro({
  title: 'a logical block address of 64 bits',
  operations: HEADERS,
  variants: {
    'layout accessor: two words as a number': () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) sum += Cdb16.lba.get(view, at + CDB);
      return sum;
    },
    BigInt: () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) sum += Number(view.getBigUint64(at + 34));
      return sum;
    },
  },
});

await runMicro({
  title: 'CRC32C of a header',
  operations: HEADERS,
  variants: {
    crc32c: () => {
      let sum = 0;
      for (let at = 0; at < END; at += BHS_SIZE) sum += crc32c(bytes, at, BHS_SIZE);
      return sum;
    },
  },
});
