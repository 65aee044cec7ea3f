// Of the simulation's own judgement: the residuals that it takes for right, by direction, lengths and status (RFC 7143 §11.4.5).

import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/pdu/opcode.ts';
import { OVERFLOW_BIT, ScsiResponse, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { encode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';
import { type Command, SimTask, Status } from './task.ts';

const READ: Command = {
  name: 'READ',
  lun: 0,
  cdb: Buffer.alloc(10),
  data: null,
  read: 0,
  access: 'read',
  answered: () => {},
  over: () => {},
};
const WRITE: Command = { ...READ, name: 'WRITE', access: 'write' };

/** A response without data before it. */
function response(status: number, flags: number, residualCount: number): Pdu {
  const header = encode(ScsiResponse, { opcode: Opcode.SCSI_RESPONSE, status, flags: 0x80 | flags, residualCount });
  const sense = Buffer.from([0, 18, 0x70, 0, 5, ...Buffer.alloc(15)]);
  return { opcode: Opcode.SCSI_RESPONSE, header, data: status === Status.CHECK_CONDITION ? sense : Buffer.alloc(0) };
}

function answer(command: Command, ...values: Parameters<typeof response>): unknown {
  return new SimTask(1, command, 1, 0, 0).answer(response(...values));
}

describe('a residual', () => {
  const unwanted: Command = { ...READ, data: Buffer.alloc(512), unwanted: true, moves: 0, reads: false };
  const short: Command = { ...WRITE, data: Buffer.alloc(512), expected: 512, moves: 1024 };
  const long: Command = { ...WRITE, data: Buffer.alloc(1024), expected: 1024, moves: 512 };
  it.each<[string, Command, Parameters<typeof response>]>([
    ['that a WRITE has none', { ...WRITE, data: Buffer.alloc(512) }, [Status.GOOD, 0, 0]],
    ['of a WRITE with too little data', short, [Status.GOOD, OVERFLOW_BIT, 512]],
    ['of a WRITE with too much data', long, [Status.GOOD, UNDERFLOW_BIT, 512]],
    ['of a READ with data', unwanted, [Status.GOOD, UNDERFLOW_BIT, 512]],
    ['of a READ that fails at once', { ...READ, read: 512 }, [Status.CHECK_CONDITION, UNDERFLOW_BIT, 512]],
    ['of a WRITE that fails', long, [Status.CHECK_CONDITION, UNDERFLOW_BIT, 1024]],
  ])('%s is as it should be, and no other is', (_, command, [status, flags, count]) => {
    expect(() => answer(command, status, flags, count)).not.toThrow();
    expect(() => answer(command, status, flags ^ OVERFLOW_BIT ^ UNDERFLOW_BIT, count + 600)).toThrow(Violation);
    expect(() => answer(command, status, 0, 1)).toThrow(Violation);
    if (count !== 0 && command.data === null) expect(() => answer(command, status, 0, 0)).toThrow(Violation);
  });

  it('of a command that does nothing with its data tells of all of it', () => {
    expect(() => answer(unwanted, Status.GOOD, 0, 0)).toThrow('a residual is what did not move');
  });
});
