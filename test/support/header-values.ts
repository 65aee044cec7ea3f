// Headers by name: any layout's fields as a plain object, to and from 48 bytes, and which layout an opcode has.
// Judges nothing: a test may write any value into any field, reserved ones included.

import type { ByteField, Field, FieldSpec, Layout } from '../../src/base/layout.ts';
import { AsyncMessage } from '../../src/pdu/async-message.ts';
import { BHS_SIZE, Bhs } from '../../src/pdu/bhs.ts';
import { DataIn } from '../../src/pdu/data-in.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LoginRequest } from '../../src/pdu/login-request.ts';
import { LoginResponse } from '../../src/pdu/login-response.ts';
import { LogoutRequest, LogoutResponse } from '../../src/pdu/logout.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { Opcode, opcodeName } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { Reject } from '../../src/pdu/reject.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { SnackRequest } from '../../src/pdu/snack.ts';
import { TaskManagementRequest, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { TextRequest, TextResponse } from '../../src/pdu/text-pdu.ts';

/** Any layout. */
export type AnyLayout = Layout<Record<string, FieldSpec<unknown>>>;

type Value<Accessor> = Accessor extends Field<number> ? number : Accessor extends ByteField ? Uint8Array : never;

/** The fields of a layout and their values. */
export type HeaderValues<L> = { [Name in Exclude<keyof L, 'size' | 'fields'>]: Value<L[Name]> };

/** What initiators send. */
export const REQUESTS: ReadonlyMap<AnyLayout, Opcode> = new Map<AnyLayout, Opcode>([
  [NopOut, Opcode.NOP_OUT],
  [ScsiCommand, Opcode.SCSI_COMMAND],
  [TaskManagementRequest, Opcode.TASK_MANAGEMENT_REQUEST],
  [LoginRequest, Opcode.LOGIN_REQUEST],
  [TextRequest, Opcode.TEXT_REQUEST],
  [DataOut, Opcode.DATA_OUT],
  [LogoutRequest, Opcode.LOGOUT_REQUEST],
  [SnackRequest, Opcode.SNACK_REQUEST],
]);

/** What targets send. */
export const REPLIES: ReadonlyMap<AnyLayout, Opcode> = new Map<AnyLayout, Opcode>([
  [NopIn, Opcode.NOP_IN],
  [ScsiResponse, Opcode.SCSI_RESPONSE],
  [TaskManagementResponse, Opcode.TASK_MANAGEMENT_RESPONSE],
  [LoginResponse, Opcode.LOGIN_RESPONSE],
  [TextResponse, Opcode.TEXT_RESPONSE],
  [DataIn, Opcode.DATA_IN],
  [LogoutResponse, Opcode.LOGOUT_RESPONSE],
  [R2T, Opcode.R2T],
  [AsyncMessage, Opcode.ASYNC_MESSAGE],
  [Reject, Opcode.REJECT],
]);

const LAYOUT_OF_REPLY = new Map([...REPLIES].map(([layout, opcode]) => [opcode as number, layout]));

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A structure with the given fields, all others zero. */
export function encode<L extends AnyLayout>(layout: L, values: Partial<HeaderValues<L>>): Buffer {
  const header = Buffer.alloc(layout.size);
  for (const [name, value] of Object.entries(values)) {
    const field = layout[name] as Field<number> | ByteField;
    if ('set' in field) field.set(viewOf(header), 0, value as number);
    else field.copyFrom(viewOf(header), 0, value as Uint8Array);
  }
  return header;
}

/** Every field of the structure that `bytes` begins with. */
export function decode<L extends AnyLayout>(layout: L, bytes: Uint8Array): HeaderValues<L> {
  const view = viewOf(bytes);
  const values = layout.fields.map((name) => {
    const field = layout[name] as Field<number> | ByteField;
    return [name, 'get' in field ? field.get(view, 0) : field.copy(view, 0)];
  });
  return Object.fromEntries(values) as HeaderValues<L>;
}

/** The structure at offset `at`, one line per field, reserved ones in hex. */
export function inspect(layout: AnyLayout, view: DataView, at: number): string {
  const lines = layout.fields.map((name) => {
    const field = layout[name] as Field<number> | ByteField;
    const value = 'get' in field ? `${field.get(view, at)}` : Buffer.from(field.copy(view, at)).toString('hex');
    return `${String(field.offset).padStart(4)}  ${name.padEnd(28)} ${value}`;
  });
  return lines.join('\n');
}

/** A header that a target sent, field by field: for the message of a failing test. */
export function describeHeader(header: Uint8Array, opcode: number): string {
  return `${opcodeName(opcode)}\n${inspect(LAYOUT_OF_REPLY.get(opcode) ?? Bhs, viewOf(header.subarray(0, BHS_SIZE)), 0)}`;
}

/** The LUN field for unit `lun`: peripheral addressing below 256, flat space addressing above (SAM-5 §4.7). */
export function lunField(lun: number): Uint8Array {
  const field = Buffer.alloc(8);
  field.writeUInt16BE(lun < 256 ? lun : 0x4000 | lun);
  return field;
}
