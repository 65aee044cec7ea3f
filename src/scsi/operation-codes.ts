// REPORT SUPPORTED OPERATION CODES (SPC-5), and the table it is answered from: every command, with the CDB bits that mean something.
// Dispatch is the switch in commands.ts; a test holds the two together.

import { Cdb12, OperationCode, SERVICE_ACTION_MASK } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { blank, joined, reply } from './reply.ts';
import { failField } from './sense.ts';
import type { Task } from './task.ts';

/** What some units can do: unmap blocks, write atomically. */
type Ability = 'thin' | 'atomic';

/** A command as this report tells of it. */
export interface CommandUsage {
  readonly opcode: number;
  /** -1: the operation code has none. */
  readonly serviceAction: number;
  /** CDB USAGE DATA: the operation code, the service action, and a one for each other bit that is looked at. */
  readonly usage: Uint8Array;
  /** Only units that can do this have it. */
  readonly needs: Ability | null;
}

function hasServiceAction(opcode: number): boolean {
  return (
    opcode === OperationCode.SANITIZE ||
    opcode === OperationCode.VARIABLE_LENGTH ||
    opcode === OperationCode.THIRD_PARTY_COPY_OUT ||
    opcode === OperationCode.THIRD_PARTY_COPY_IN ||
    opcode === OperationCode.SERVICE_ACTION_IN_16 ||
    opcode === OperationCode.MAINTENANCE_IN ||
    opcode === OperationCode.MAINTENANCE_OUT ||
    opcode === OperationCode.PERSISTENT_RESERVE_IN ||
    opcode === OperationCode.PERSISTENT_RESERVE_OUT
  );
}

function command(usage: string, needs: Ability | null = null): CommandUsage {
  const bytes = Uint8Array.from(Buffer.from(usage.replaceAll(' ', ''), 'hex'));
  const opcode = bytes[0]!;
  const inCdb =
    opcode === OperationCode.VARIABLE_LENGTH ? (bytes[8]! << 8) | bytes[9]! : bytes[1]! & SERVICE_ACTION_MASK;
  const serviceAction = hasServiceAction(opcode) ? inCdb : -1;
  return { opcode, serviceAction, usage: bytes, needs };
}

/** In ascending order. */
export const COMMANDS: readonly CommandUsage[] = [
  command('00 00000000 00'), // TEST UNIT READY
  command('03 01 0000 ff 00'), // REQUEST SENSE
  command('04 f0 00 0000 00'), // FORMAT UNIT
  command('08 1fffff ff 00'), // READ(6)
  command('0a 1fffff ff 00'), // WRITE(6)
  command('12 01 ff ffff 00'), // INQUIRY
  command('15 13 0000 ff 00'), // MODE SELECT(6)
  command('16 00 000000 00'), // RESERVE(6)
  command('17 00 000000 00'), // RELEASE(6)
  command('1a 08 ff ff ff 00'), // MODE SENSE(6)
  command('1b 00 00 00 f7 00'), // START STOP UNIT
  command('1c 01 ff ffff 00'), // RECEIVE DIAGNOSTIC RESULTS
  command('1d f4 00 ffff 00'), // SEND DIAGNOSTIC
  command('1e 00 00 00 01 00'), // PREVENT ALLOW MEDIUM REMOVAL
  command('25 00 ffffffff 0000 01 00'), // READ CAPACITY(10)
  command('28 18 ffffffff 00 ffff 00'), // READ(10)
  command('2a 18 ffffffff 00 ffff 00'), // WRITE(10)
  command('2e 16 ffffffff 00 ffff 00'), // WRITE AND VERIFY(10)
  command('2f 16 ffffffff 00 ffff 00'), // VERIFY(10)
  command('34 02 ffffffff 00 ffff 00'), // PRE-FETCH(10)
  command('35 02 ffffffff 00 ffff 00'), // SYNCHRONIZE CACHE(10)
  command('37 00 1f 00000000 ffff 00'), // READ DEFECT DATA(10)
  command('3b 1f 00 000000 ffffff 00'), // WRITE BUFFER
  command('3c 1f 00 000000 ffffff 00'), // READ BUFFER(10)
  command('41 00 ffffffff 00 ffff 00'), // WRITE SAME(10)
  command('42 00 00000000 00 ffff 00', 'thin'), // UNMAP
  command('48 a1 0000000000 ffff 00'), // SANITIZE, OVERWRITE
  command('48 a2 0000000000 ffff 00', 'thin'), // BLOCK ERASE
  command('48 a3 0000000000 ffff 00'), // CRYPTOGRAPHIC ERASE
  command('48 1f 0000000000 ffff 00'), // EXIT FAILURE MODE
  command('4c 01 00 00000000 ffff 00'), // LOG SELECT
  command('4d 01 3f ff 00 ffff ffff 00'), // LOG SENSE
  command('55 13 0000000000 ffff 00'), // MODE SELECT(10)
  command('56 00 0000000000 ffff 00'), // RESERVE(10)
  command('57 00 0000000000 ffff 00'), // RELEASE(10)
  command('5a 18 ff ff 000000 ffff 00'), // MODE SENSE(10)
  command('5e 00 0000000000 ffff 00'), // PERSISTENT RESERVE IN, READ KEYS
  command('5e 01 0000000000 ffff 00'), // READ RESERVATION
  command('5e 02 0000000000 ffff 00'), // REPORT CAPABILITIES
  command('5e 03 0000000000 ffff 00'), // READ FULL STATUS
  command('5f 00 ff 0000 ffffffff 00'), // PERSISTENT RESERVE OUT, REGISTER
  command('5f 01 ff 0000 ffffffff 00'), // RESERVE
  command('5f 02 ff 0000 ffffffff 00'), // RELEASE
  command('5f 03 ff 0000 ffffffff 00'), // CLEAR
  command('5f 04 ff 0000 ffffffff 00'), // PREEMPT
  command('5f 05 ff 0000 ffffffff 00'), // PREEMPT AND ABORT
  command('5f 06 ff 0000 ffffffff 00'), // REGISTER AND IGNORE EXISTING KEY
  command('5f 07 ff 0000 ffffffff 00'), // REGISTER AND MOVE
  command('7f 00 00000000 00 18 0009 18 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // READ(32)
  command('7f 00 00000000 00 18 000a 16 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // VERIFY(32)
  command('7f 00 00000000 00 18 000b 18 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // WRITE(32)
  command('7f 00 00000000 00 18 000c 16 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // WRITE AND VERIFY(32)
  command('7f 00 00000000 00 18 000d 09 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // WRITE SAME(32)
  command('7f 00 00000000 00 18 0012 ff 00 ffffffffffffffff 00000000 0000 0000 ffffffff'), // GET LBA STATUS(32)
  command('83 00 0000000000000000 ffffffff 00 00'), // EXTENDED COPY(LID1)
  command('83 01 0000000000000000 ffffffff 00 00'), // EXTENDED COPY(LID4)
  command('84 00 ff 00000000000000 ffffffff 00 00'), // RECEIVE COPY STATUS(LID1)
  command('84 03 0000000000000000 ffffffff 00 00'), // RECEIVE COPY OPERATING PARAMETERS
  command('84 04 ff 00000000000000 ffffffff 00 00'), // RECEIVE COPY FAILURE DETAILS(LID1)
  command('84 05 ffffffff 00000000 ffffffff 00 00'), // RECEIVE COPY STATUS(LID4)
  command('88 18 ffffffffffffffff ffffffff 00 00'), // READ(16)
  command('89 18 ffffffffffffffff 000000 ff 00 00'), // COMPARE AND WRITE
  command('8a 18 ffffffffffffffff ffffffff 00 00'), // WRITE(16)
  command('8b 18 ffffffffffffffff ffffffff 00 00'), // ORWRITE(16)
  command('8e 16 ffffffffffffffff ffffffff 00 00'), // WRITE AND VERIFY(16)
  command('8f 16 ffffffffffffffff ffffffff 00 00'), // VERIFY(16)
  command('90 02 ffffffffffffffff ffffffff 00 00'), // PRE-FETCH(16)
  command('91 02 ffffffffffffffff ffffffff 00 00'), // SYNCHRONIZE CACHE(16)
  command('93 09 ffffffffffffffff ffffffff 00 00'), // WRITE SAME(16)
  command('9c 18 ffffffffffffffff 0000 ffff 00 00', 'atomic'), // WRITE ATOMIC(16)
  command('9e 10 ffffffffffffffff ffffffff 01 00'), // READ CAPACITY(16)
  command('9e 12 ffffffffffffffff ffffffff ff 00'), // GET LBA STATUS(16)
  command('a0 00 ff 000000 ffffffff 00 00'), // REPORT LUNS
  command('a3 ea 00000000 ffffffff 00 00'), // REPORT TARGET PORT GROUPS
  command('a3 0c 87 ff ffff ffffffff 00 00'), // REPORT SUPPORTED OPERATION CODES
  command('a3 0d 80 000000 ffffffff 00 00'), // REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS
  command('a3 0f 00000000 ffffffff 00 00'), // REPORT TIMESTAMP
  command('a4 0a 00000000 ffffffff 00 00'), // SET TARGET PORT GROUPS
  command('a4 0f 00000000 ffffffff 00 00'), // SET TIMESTAMP
  command('a8 18 ffffffff ffffffff 00 00'), // READ(12)
  command('aa 18 ffffffff ffffffff 00 00'), // WRITE(12)
  command('ae 16 ffffffff ffffffff 00 00'), // WRITE AND VERIFY(12)
  command('af 16 ffffffff ffffffff 00 00'), // VERIFY(12)
  command('b7 1f 00000000 ffffffff 00 00'), // READ DEFECT DATA(12)
];

/** REPORTING OPTIONS. */
const Reporting = { all: 0b000, withoutServiceAction: 0b001, withServiceAction: 0b010, either: 0b011 } as const;
/** RCTD: tell the timeouts too. */
const RCTD = 0x80;
const SUPPORTED = 0b011;
const NOT_SUPPORTED = 0b001;

function commandsOf(unit: LogicalUnit): readonly CommandUsage[] {
  const can = { thin: unit.snapshot.thin, atomic: unit.backend.atomic };
  return COMMANDS.filter(({ needs }) => needs === null || can[needs]);
}

/** A timeouts descriptor that names none: commands take as long as the storage takes. */
function timeouts(wanted: boolean): Uint8Array {
  const descriptor = new Uint8Array(wanted ? 12 : 0);
  if (wanted) descriptor[1] = 10;
  return descriptor;
}

/**
 * Every command but those with CDBs of 32 bytes, which are reported to who asks for them by name, as Linux does. An initiator that asks about
 * each one in the list may have room for 16 bytes only, as libiscsi's has.
 */
function allCommands(unit: LogicalUnit, timed: boolean): Uint8Array {
  const listed = commandsOf(unit).filter(({ opcode }) => opcode !== OperationCode.VARIABLE_LENGTH);
  const descriptors = listed.map(({ opcode, serviceAction, usage }) => {
    const { bytes, view } = blank(8);
    bytes[0] = opcode;
    view.setUint16(2, Math.max(0, serviceAction));
    bytes[5] = (timed ? 0x02 : 0) | (serviceAction >= 0 ? 0x01 : 0);
    view.setUint16(6, usage.length);
    return joined([bytes, timeouts(timed)]);
  });
  const body = joined(descriptors);
  const { bytes: header, view } = blank(4);
  view.setUint32(0, body.length);
  return joined([header, body]);
}

/** One command's data; null when the question does not fit the operation code, which has been refused. */
function oneCommand(task: Task, unit: LogicalUnit, reporting: number, timed: boolean): Uint8Array | null {
  const opcode = task.cdb.getUint8(3);
  const serviceAction = task.cdb.getUint16(4);
  const has = hasServiceAction(opcode);
  const fits = reporting === Reporting.either || (reporting === Reporting.withServiceAction) === has;
  const commands = commandsOf(unit);
  // Whoever asks about an operation code that is not there at all is told just that, either way.
  if (!fits && commands.some((each) => each.opcode === opcode)) {
    failField(task, 3);
    return null;
  }
  const wanted = has ? serviceAction : -1;
  // Option 011b asks for service action 0 of an operation code that has none.
  const plain = has || reporting === Reporting.withoutServiceAction || serviceAction === 0;
  const found = plain && commands.find((each) => each.opcode === opcode && each.serviceAction === wanted);
  if (!found) return Uint8Array.of(0, NOT_SUPPORTED, 0, 0);
  const header = Uint8Array.of(0, (timed ? 0x80 : 0) | SUPPORTED, 0, found.usage.length);
  return joined([header, found.usage, timeouts(timed)]);
}

export const reportSupportedOperationCodes: ColdCommand = {
  ...REPLY,
  name: 'REPORT SUPPORTED OPERATION CODES',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const options = task.cdb.getUint8(2);
    const timed = (options & RCTD) !== 0;
    const reporting = options & 0b111;
    if (reporting > Reporting.either) {
      failField(task, 2);
      return;
    }
    const data = reporting === Reporting.all ? allCommands(unit, timed) : oneCommand(task, unit, reporting, timed);
    if (data !== null) reply(task, services, data);
  },
};
