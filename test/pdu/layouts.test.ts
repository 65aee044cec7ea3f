// Every PDU against a twin that is written the other way round: the drawing of RFC 7143 §11, word by word.
// layout() itself refuses holes and overlaps; here each field is shown to be where the RFC draws it.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteField, Field } from '../../src/base/layout.ts';
import { AsyncMessage } from '../../src/pdu/async-message.ts';
import { BHS_SIZE, Bhs, padded } from '../../src/pdu/bhs.ts';
import { DataIn } from '../../src/pdu/data-in.ts';
import { DataOut } from '../../src/pdu/data-out.ts';
import { LoginRequest } from '../../src/pdu/login-request.ts';
import { LoginResponse } from '../../src/pdu/login-response.ts';
import { LogoutRequest, LogoutResponse } from '../../src/pdu/logout.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { opcodeName } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { Reject } from '../../src/pdu/reject.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { ScsiResponse } from '../../src/pdu/scsi-response.ts';
import { SnackRequest } from '../../src/pdu/snack.ts';
import { TaskManagementRequest, TaskManagementResponse } from '../../src/pdu/task-management.ts';
import { TextRequest, TextResponse } from '../../src/pdu/text-pdu.ts';
import { inspect } from '../support/header-values.ts';

type AnyField = Field<number> | ByteField;

/** The words of each header from byte 8 on, four bytes a word; `-` is reserved, `lun` takes two words, `a/b` shares one by 16 bits. */
const DRAWINGS = {
  ScsiCommand: [ScsiCommand, 'lun . initiatorTaskTag expectedDataTransferLength cmdSN expStatSN cdb . . .'],
  ScsiResponse: [
    ScsiResponse,
    '- . initiatorTaskTag snackTag statSN expCmdSN maxCmdSN expDataSN bidirectionalReadResidualCount residualCount',
  ],
  TaskManagementRequest: [
    TaskManagementRequest,
    'lun . initiatorTaskTag referencedTaskTag cmdSN expStatSN refCmdSN expDataSN - .',
  ],
  TaskManagementResponse: [TaskManagementResponse, '- . initiatorTaskTag - statSN expCmdSN maxCmdSN - . .'],
  DataOut: [DataOut, 'lun . initiatorTaskTag targetTransferTag - expStatSN - dataSN bufferOffset -'],
  DataIn: [
    DataIn,
    'lun . initiatorTaskTag targetTransferTag statSN expCmdSN maxCmdSN dataSN bufferOffset residualCount',
  ],
  R2T: [
    R2T,
    'lun . initiatorTaskTag targetTransferTag statSN expCmdSN maxCmdSN r2tSN bufferOffset desiredDataTransferLength',
  ],
  AsyncMessage: [
    AsyncMessage,
    'lun . initiatorTaskTag - statSN expCmdSN maxCmdSN asyncEvent|asyncVCode/parameter1 parameter2/parameter3 -',
  ],
  TextRequest: [TextRequest, 'lun . initiatorTaskTag targetTransferTag cmdSN expStatSN - . . .'],
  TextResponse: [TextResponse, 'lun . initiatorTaskTag targetTransferTag statSN expCmdSN maxCmdSN - . .'],
  LoginRequest: [LoginRequest, 'isid ./tsih initiatorTaskTag cid/- cmdSN expStatSN - . . .'],
  LoginResponse: [
    LoginResponse,
    'isid ./tsih initiatorTaskTag - statSN expCmdSN maxCmdSN statusClass|statusDetail/- . .',
  ],
  LogoutRequest: [LogoutRequest, '- . initiatorTaskTag cid/- cmdSN expStatSN - . . .'],
  LogoutResponse: [LogoutResponse, '- . initiatorTaskTag - statSN expCmdSN maxCmdSN - time2Wait/time2Retain -'],
  SnackRequest: [SnackRequest, 'lun . initiatorTaskTag targetTransferTag - expStatSN - . begRun runLength'],
  Reject: [Reject, '- . initiatorTaskTag - statSN expCmdSN maxCmdSN dataSN - .'],
  NopOut: [NopOut, 'lun . initiatorTaskTag targetTransferTag cmdSN expStatSN - . . .'],
  NopIn: [NopIn, 'lun . initiatorTaskTag targetTransferTag statSN expCmdSN maxCmdSN - . .'],
} as const;

/** Where each field of a drawing begins. */
function offsetsOf(drawing: string): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const [word, text] of drawing.split(' ').entries()) {
    let at = 8 + 4 * word;
    for (const half of text.split('/')) {
      const parts = half.split('|');
      for (const [index, part] of parts.entries()) if (part !== '.' && part !== '-') offsets.set(part, at + index);
      at += 2;
    }
  }
  return offsets;
}

const accessors = (layout: object) => layout as unknown as Record<string, AnyField>;

describe.each(Object.entries(DRAWINGS))('%s', (_name, [layout, drawing]) => {
  test('covers 48 bytes, with the fields that all PDUs share', () => {
    const fields = accessors(layout);
    expect(layout.size).toBe(BHS_SIZE);
    for (const name of ['opcode', 'flags', 'totalAHSLength', 'dataSegmentLength', 'initiatorTaskTag'] as const) {
      expect([name, fields[name]!.offset, fields[name]!.size]).toEqual([name, Bhs[name].offset, Bhs[name].size]);
    }
  });

  test('has each field where the RFC draws it', () => {
    const fields = accessors(layout);
    const named = layout.fields.filter((name) => !name.startsWith('reserved') && fields[name]!.offset >= 8);
    expect(named).toEqual([...offsetsOf(drawing).keys()]);
    for (const [name, offset] of offsetsOf(drawing)) expect([name, fields[name]!.offset]).toEqual([name, offset]);
  });

  test('reads back what it writes, and touches nothing else', () => {
    const fields = accessors(layout);
    const numeric = layout.fields.filter((name) => 'get' in fields[name]!);
    const at = 16;
    fc.assert(
      fc.property(fc.constantFrom(...numeric), fc.nat({ max: 0xffffffff }), fc.integer(), (name, raw, fill) => {
        const field = fields[name] as Field<number>;
        const value = raw % 2 ** (8 * field.size);
        const bytes = new Uint8Array(at + BHS_SIZE + 8).fill(fill);
        const before = bytes.slice();
        const view = new DataView(bytes.buffer);
        field.set(view, at, value);
        expect(field.get(view, at)).toBe(value);
        // The twin: big-endian, byte by byte.
        for (let index = 0; index < field.size; index++) {
          before[at + field.offset + index] = Math.floor(value / 2 ** (8 * (field.size - 1 - index))) & 0xff;
        }
        expect(bytes).toEqual(before);
      }),
      { numRuns: 50 },
    );
  });
});

describe('captured headers', () => {
  const view = (hex: string) => new DataView(Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex')).buffer);

  test('the READ(10) of RFC 7143, Appendix A', () => {
    const pdu = view(`01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018
      28000000 00000000 02000000 00000000`);
    expect(ScsiCommand.flags.get(pdu, 0)).toBe(0xc0);
    expect(ScsiCommand.initiatorTaskTag.get(pdu, 0)).toBe(0x14000000);
    expect(ScsiCommand.expectedDataTransferLength.get(pdu, 0)).toBe(1024);
    expect(ScsiCommand.cmdSN.get(pdu, 0)).toBe(20);
    expect(ScsiCommand.expStatSN.get(pdu, 0)).toBe(24);
    expect(Buffer.from(ScsiCommand.cdb.copy(pdu, 0)).toString('hex')).toMatch(/^28000000000000000200/);
  });

  test('a Login Request of libiscsi', () => {
    const pdu = view(
      '43870000000001b980860e3d000000007305f5360000000049f33eae00000001 00000000000000000000000000000000',
    );
    expect(LoginRequest.opcode.get(pdu, 0)).toBe(0x43);
    expect(LoginRequest.flags.get(pdu, 0)).toBe(0x87);
    expect(LoginRequest.dataSegmentLength.get(pdu, 0)).toBe(0x1b9);
    expect(Buffer.from(LoginRequest.isid.copy(pdu, 0)).toString('hex')).toBe('80860e3d0000');
    expect(LoginRequest.tsih.get(pdu, 0)).toBe(0);
    expect(LoginRequest.initiatorTaskTag.get(pdu, 0)).toBe(0x7305f536);
    expect(LoginRequest.cmdSN.get(pdu, 0)).toBe(0x49f33eae);
    expect(LoginRequest.expStatSN.get(pdu, 0)).toBe(1);
  });

  test('inspect prints every field of one, in order', () => {
    const pdu = view(
      '468000000000000000000000000000004165 7eeb0000000033ea603c 00000002 00000000000000000000000000000000',
    );
    const lines = inspect(LogoutRequest, pdu, 0).split('\n');
    expect(lines).toHaveLength(LogoutRequest.fields.length);
    expect(lines.find((line) => line.includes('initiatorTaskTag'))).toContain(String(0x41657eeb));
  });
});

test('padded rounds up to words', () => {
  expect([0, 1, 3, 4, 5, 8191, 8192].map(padded)).toEqual([0, 4, 4, 4, 8, 8192, 8192]);
});

test('opcodes have names, known or not', () => {
  expect(opcodeName(0x03)).toBe('Login Request');
  expect(opcodeName(0x1c)).toBe('opcode 0x1c');
});
