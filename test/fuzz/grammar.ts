// Grammars of what initiators send in full feature phase, for fast-check: every PDU with any field, mostly with values that get far.
// CDBs are made from the table that REPORT SUPPORTED OPERATION CODES is answered from, so that every command is among them.

import fc from 'fast-check';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LogoutRequest } from '../../src/pdu/logout.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { IMMEDIATE_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { SnackRequest } from '../../src/pdu/snack.ts';
import { TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { TextRequest } from '../../src/pdu/text-pdu.ts';
import { COMMANDS, type CommandUsage } from '../../src/scsi/operation-codes.ts';
import { type AnyLayout, encode, type HeaderValues } from '../support/header-values.ts';
import { extendedCdb } from '../support/initiator-command.ts';
import type { FuzzPdu } from './fuzz-pdu.ts';
import { operationalText } from './login-grammar.ts';

const byte = fc.integer({ min: 0, max: 255 });
const word = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(0, 1, RESERVED_TAG, 0x7fffffff, 0x80000000) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);
/** Few, so that tasks are referred to, and tags used twice. */
const tag = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 24 }) }, { weight: 1, arbitrary: word });
const immediate = fc.constantFrom(0, IMMEDIATE_BIT);

const lun = fc
  .oneof(
    { weight: 8, arbitrary: fc.constantFrom('00', '0001', '0002') },
    { weight: 1, arbitrary: fc.constantFrom('0003', '4001', 'c101', 'ffffffffffffffff') },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((each) => Buffer.from(each).toString('hex')),
    },
  )
  .map((hex) => Buffer.from(hex.padEnd(16, '0'), 'hex'));

const cdbByte = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 8 }) },
  { weight: 1, arbitrary: byte },
);

/** A CDB of `usage`: zeroes and small numbers where it may have bits, and now and then bits where it may not. */
function cdbOf(usage: CommandUsage): fc.Arbitrary<Buffer> {
  const bytes = usage.usage;
  const variable = usage.opcode === 0x7f;
  return fc
    .tuple(fc.array(cdbByte, { minLength: bytes.length, maxLength: bytes.length }), fc.integer({ min: 0, max: 39 }))
    .map(([values, slip]) => {
      const cdb = Buffer.from(values.map((value, index) => value & bytes[index]!));
      cdb[0] = usage.opcode;
      if (variable) {
        cdb[7] = bytes[7]!;
        cdb.writeUInt16BE(usage.serviceAction, 8);
      } else if (usage.serviceAction >= 0) cdb[1] = (cdb[1]! & 0xe0) | usage.serviceAction;
      if (slip < cdb.length) cdb[slip] = values[slip]!;
      return cdb;
    });
}

const cdb = fc.oneof(
  ...COMMANDS.map(cdbOf),
  fc.uint8Array({ minLength: 6, maxLength: 32 }).map((each) => Buffer.from(each)),
);

/** Parameter data are mostly zeroes and small numbers: random bytes are refused by their first. */
const data = fc
  .oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.constantFrom(4, 8, 12, 16, 24, 32, 512, 1024, 4096) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 9000 }) },
  )
  .chain((length) =>
    fc.array(cdbByte, { minLength: Math.min(length, 48), maxLength: Math.min(length, 48) }).map((start) => {
      const bytes = Buffer.alloc(length);
      bytes.set(start);
      return bytes;
    }),
  );
const transferLength = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 24, 96, 252, 512, 4096, 65_536, 300_000) },
  { weight: 1, arbitrary: word },
);

function pduOf<L extends AnyLayout>(
  layout: L,
  opcode: number,
  fields: { readonly [Name in keyof HeaderValues<L>]?: fc.Arbitrary<HeaderValues<L>[Name]> },
  data: fc.Arbitrary<Buffer> = fc.constant(Buffer.alloc(0)),
): fc.Arbitrary<FuzzPdu> {
  return fc
    .tuple(immediate, fc.record(fields as Record<string, fc.Arbitrary<unknown>>), data)
    .map(([now, values, segment]) => ({
      header: encode(layout, { opcode: opcode | now, ...values } as unknown as Partial<HeaderValues<L>>),
      ahs: Buffer.alloc(0),
      data: segment,
      numbered: true,
      damage: 'none',
    }));
}

const commandFlags = fc
  .tuple(fc.constantFrom(0x80, 0x80, 0x80, 0), fc.constantFrom(0, 0x40, 0x20, 0x60), fc.integer({ min: 0, max: 7 }))
  .map(([final, direction, attribute]) => final | direction | attribute);

const scsiCommand = fc
  .tuple(
    cdb,
    pduOf(
      ScsiCommand,
      Opcode.SCSI_COMMAND,
      { flags: commandFlags, lun, initiatorTaskTag: tag, expectedDataTransferLength: transferLength },
      data,
    ),
  )
  .map(([bytes, pdu]): FuzzPdu => {
    pdu.header.set(bytes.subarray(0, 16), 32);
    return { ...pdu, ahs: extendedCdb(bytes.subarray(16)) };
  });

const dataOut = pduOf(
  DataOut,
  Opcode.DATA_OUT,
  {
    flags: fc.constantFrom(0, 0x80),
    lun,
    initiatorTaskTag: tag,
    targetTransferTag: word,
    dataSN: fc.integer({ min: 0, max: 3 }),
    bufferOffset: fc.constantFrom(0, 512, 4096, 65_536, 0xffffffff),
  },
  data,
);

const taskManagement = pduOf(TaskManagementRequest, Opcode.TASK_MANAGEMENT_REQUEST, {
  flags: fc.integer({ min: 0, max: 15 }).map((each) => 0x80 | each),
  lun,
  initiatorTaskTag: tag,
  referencedTaskTag: tag,
  refCmdSN: word,
  expDataSN: word,
});

const nopOut = pduOf(
  NopOut,
  Opcode.NOP_OUT,
  { flags: fc.constantFrom(0x80, 0), lun, initiatorTaskTag: tag, targetTransferTag: word },
  data,
);

const text = pduOf(
  TextRequest,
  Opcode.TEXT_REQUEST,
  {
    flags: fc.constantFrom(0x80, 0x80, 0x40, 0),
    lun,
    initiatorTaskTag: tag,
    targetTransferTag: fc.oneof(fc.constant(RESERVED_TAG), word),
  },
  operationalText,
);

const logout = pduOf(LogoutRequest, Opcode.LOGOUT_REQUEST, {
  flags: fc.integer({ min: 0, max: 4 }).map((reason) => 0x80 | reason),
  initiatorTaskTag: tag,
  cid: fc.integer({ min: 0, max: 3 }),
});

const snack = pduOf(SnackRequest, Opcode.SNACK_REQUEST, {
  flags: fc.integer({ min: 0, max: 15 }).map((each) => 0x80 | each),
  initiatorTaskTag: tag,
  targetTransferTag: word,
  begRun: word,
  runLength: word,
});

/** A header of noise under any opcode. */
const anything: fc.Arbitrary<FuzzPdu> = fc
  .tuple(fc.uint8Array({ minLength: 48, maxLength: 48 }), data)
  .map(([header, segment]) => ({
    header: Buffer.from(header),
    ahs: Buffer.alloc(0),
    data: segment,
    numbered: false,
    damage: 'none',
  }));

/** What an initiator may send, likely or not, once it is logged in. */
export const fullFeaturePdu: fc.Arbitrary<FuzzPdu> = fc.oneof(
  { weight: 60, arbitrary: scsiCommand },
  { weight: 12, arbitrary: dataOut },
  { weight: 8, arbitrary: taskManagement },
  { weight: 8, arbitrary: nopOut },
  { weight: 6, arbitrary: text },
  { weight: 3, arbitrary: snack },
  { weight: 2, arbitrary: anything },
  { weight: 1, arbitrary: logout },
);
