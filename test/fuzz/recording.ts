// A session in which everything is right, of every kind of command, written down PDU by PDU: what the mutations start from.
// What the target answers is not looked at; the conformance tests do that.

import { LogoutReason, LogoutRequest } from '../../src/pdu/logout.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { TaskFunction, TaskManagementRequest } from '../../src/pdu/task-management.ts';
import * as cdbs from '../support/cdbs.ts';
import { lunField } from '../support/header-values.ts';
import type { CommandOptions } from '../support/initiator-command.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise } from '../support/scratch.ts';
import { type FuzzPdu, partsOf } from './fuzz-pdu.ts';

const BLOCK = 512;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
/** A UNMAP parameter list with one descriptor. */
const UNMAP_LIST = hex('0016 0010 00000000 0000000000000010 00000008 00000000');
const REGISTER = hex(`${'00'.repeat(8)} 00000000000000aa 00000000 00 00 0000`);
const RESERVED = hex(`00000000000000aa ${'00'.repeat(8)} 00000000 00 00 0000`);

/** One of every family, in an order that makes sense to a unit. */
const COMMANDS: readonly (readonly [cdb: Buffer, options: CommandOptions])[] = [
  [cdbs.testUnitReady(), {}],
  [cdbs.inquiry(96), { read: 96 }],
  [cdbs.inquiry(252, 0x00), { read: 252 }],
  [cdbs.inquiry(252, 0x83), { read: 252 }],
  [cdbs.inquiry(252, 0xb0), { read: 252 }],
  [cdbs.readCapacity10(), { read: 8 }],
  [cdbs.readCapacity16(), { read: 32 }],
  [cdbs.reportLuns(256), { read: 256 }],
  [hex('03 00 0000 fc 00'), { read: 252 }], // REQUEST SENSE
  [hex('1a 00 3f 00 fc 00'), { read: 252 }], // MODE SENSE(6)
  [hex('5a 00 3f ff 000000 00fc 00'), { read: 252 }], // MODE SENSE(10)
  [hex('4d 00 40 00 00 0000 00fc 00'), { read: 252 }], // LOG SENSE
  [hex('a3 0c 00 00 0000 00001000 00 00'), { read: 4096 }], // REPORT SUPPORTED OPERATION CODES
  [hex('a3 0a 00000000 00000100 00 00'), { read: 256 }], // REPORT TARGET PORT GROUPS
  [cdbs.write10(0, 16), { write: noise(16 * BLOCK, 1) }],
  [cdbs.write16(16, 8), { write: noise(8 * BLOCK, 2), immediateBytes: 0, unsolicitedBytes: 0 }],
  [cdbs.write10(64, 128), { write: noise(128 * BLOCK, 3), immediateBytes: BLOCK }],
  [cdbs.read6(0, 4), { read: 4 * BLOCK }],
  [cdbs.read10(0, 16), { read: 16 * BLOCK }],
  [cdbs.read12(8, 8), { read: 8 * BLOCK }],
  [cdbs.read16(64, 128), { read: 128 * BLOCK }],
  [hex('2e 02 00000000 00 0002 00'), { write: noise(2 * BLOCK, 4) }], // WRITE AND VERIFY(10)
  [hex('2f 02 00000000 00 0002 00'), { write: noise(2 * BLOCK, 4) }], // VERIFY(10)
  [hex('41 00 00000020 00 0010 00'), { write: noise(BLOCK, 5) }], // WRITE SAME(10)
  [hex('93 08 0000000000000040 00000008 00 00'), { write: Buffer.alloc(BLOCK) }], // WRITE SAME(16)
  [hex('89 00 0000000000000000 000000 01 00 00'), { write: Buffer.concat([noise(BLOCK, 4), noise(BLOCK, 6)]) }], // COMPARE AND WRITE
  [hex('8b 00 0000000000000000 00000001 00 00'), { write: noise(BLOCK, 7) }], // ORWRITE(16)
  [hex('42 00 00000000 00 0018 00'), { write: UNMAP_LIST }], // UNMAP
  [hex('9e 12 0000000000000000 00000100 00 00'), { read: 256 }], // GET LBA STATUS(16)
  [cdbs.synchronizeCache16(), {}],
  [hex('34 00 00000000 00 0010 00'), {}], // PRE-FETCH(10)
  [hex('5f 06 00 00000000 000018 00'), { write: REGISTER }], // REGISTER AND IGNORE EXISTING KEY
  [hex('5e 00 00000000 00 0100 00'), { read: 256 }], // PERSISTENT RESERVE IN
  [hex('5f 01 05 00000000 000018 00'), { write: RESERVED }], // RESERVE
  [hex('5f 03 00 00000000 000018 00'), { write: RESERVED }], // CLEAR
  [hex('3b 02 00 000000 000010 00'), { write: noise(16, 8) }], // WRITE BUFFER
  [hex('3c 02 00 000000 000010 00'), { read: 16 }], // READ BUFFER(10)
  [hex('1b 00 00 00 01 00'), {}], // START STOP UNIT
  [hex('16 00 000000 00'), {}], // RESERVE(6)
  [hex('17 00 000000 00'), {}], // RELEASE(6)
  [hex('1d 04 00 0000 00'), {}], // SEND DIAGNOSTIC
  [hex('a4 0f 00000000 0000000c 00 00'), { write: Buffer.alloc(12) }], // SET TIMESTAMP
  [hex(`7f 00 00000000 00 18 0009 00 00 ${'00'.repeat(8)} 00000000 0000 0000 00000002`), { read: 2 * BLOCK }], // READ(32)
];

/** Plays the session, and gives back every PDU that it sent after its login. */
export async function recordGoodSession(port: number, initiatorName: string): Promise<FuzzPdu[]> {
  const initiator = await RawInitiator.connect(port);
  initiator.session.initiatorName = initiatorName;
  const { status } = await initiator.login({ skipSecurity: true });
  if (status !== 0) throw new Error(`the session to be recorded is refused with 0x${status.toString(16)}`);
  const sent: FuzzPdu[] = [];
  const { wire } = initiator;
  const write = wire.write.bind(wire);
  wire.write = (bytes) => {
    sent.push(partsOf(bytes));
    write(bytes);
  };
  for (const lun of [0, 1]) {
    for (const [cdb, options] of COMMANDS) await initiator.command(cdb, { ...options, lun });
  }
  await initiator.ping();
  await initiator.text({ SendTargets: '' });
  for (const taskFunction of [TaskFunction.ABORT_TASK, TaskFunction.ABORT_TASK_SET, TaskFunction.LOGICAL_UNIT_RESET]) {
    const flags = FINAL_BIT | taskFunction;
    initiator.send(TaskManagementRequest, { flags, lun: lunField(0), referencedTaskTag: 1 }, { immediate: true });
    await initiator.receive();
  }
  initiator.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_SESSION, cid: 1 });
  while ((await initiator.receive()) !== null);
  wire.close();
  return sent;
}
