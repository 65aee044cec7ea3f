// CDB USAGE DATA is what the target does: a bit that a command's map leaves out changes nothing, or is refused by name.
// How the maps are reported is operation-codes.test.ts's.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OperationCode } from '../../../src/scsi/cdb.ts';
import { COMMANDS, type CommandUsage } from '../../../src/scsi/operation-codes.ts';
import { AdditionalSense } from '../../../src/scsi/sense.ts';
import { ScsiBench } from '../../support/scsi-bench.ts';

/** `28`, or `9e/10`, or `7f/0009`. */
function nameOf({ opcode, serviceAction }: CommandUsage): string {
  const digits = opcode === OperationCode.VARIABLE_LENGTH ? 4 : 2;
  const code = opcode.toString(16).padStart(2, '0');
  return serviceAction < 0 ? code : `${code}/${serviceAction.toString(16).padStart(digits, '0')}`;
}

/** CDBs that are taken, of commands that refuse one of zeroes or do nothing for it. */
const TAKEN: Readonly<Record<string, string>> = {
  '08': '08 000000 01 00',
  '0a': '0a 000000 01 00',
  '1a': '1a 00 3f 00 ff 00',
  '28': '28 00 00000000 00 0001 00',
  '2a': '2a 00 00000000 00 0001 00',
  '2e': '2e 00 00000000 00 0001 00',
  '2f': '2f 00 00000000 00 0001 00',
  '3b': '3b 0a 00 000000 000200 00',
  '3c': '3c 0b 00 000000 000200 00',
  '41': '41 00 00000000 00 0001 00',
  '5a': '5a 00 3f 00 000000 00ff 00',
  '5f/00': '5f 00 00 0000 00000018 00',
  '5f/06': '5f 06 00 0000 00000018 00',
  '88': '88 00 0000000000000000 00000001 00 00',
  '89': '89 00 0000000000000000 000000 01 00 00',
  '8a': '8a 00 0000000000000000 00000001 00 00',
  '8b': '8b 00 0000000000000000 00000001 00 00',
  '8e': '8e 00 0000000000000000 00000001 00 00',
  '8f': '8f 00 0000000000000000 00000001 00 00',
  '93': '93 00 0000000000000000 00000001 00 00',
  a0: 'a0 00 00 000000 00000010 00 00',
};

/** 512 for all others. */
const DATA_BYTES: Readonly<Record<string, number>> = { '5f/00': 24, '5f/06': 24, '89': 1024 };

const READS_AND_WRITES = '28 2a 2e 2f 88 89 8a 8b 8e 8f 9c a8 aa ae af';
const NO_PROTECTION = 'RDPROTECT, WRPROTECT, VRPROTECT: units have no protection information';

type Field = readonly [why: string, commands: string, bits: string];

/** What no map has, and is refused nonetheless; sense data name the first byte. */
const UNLISTED: readonly Field[] = [
  [NO_PROTECTION, READS_AND_WRITES, '00e0'],
  [`${NO_PROTECTION}; no ANCHOR, PBDATA, LBDATA`, '93', '00f6'],
  [`${NO_PROTECTION}; no ANCHOR, UNMAP, PBDATA, LBDATA`, '41', '00fe'],
  [NO_PROTECTION, '7f/0009 7f/000a 7f/000b 7f/000c', '00000000000000000000e0'],
  [`${NO_PROTECTION}; no ANCHOR, PBDATA, LBDATA`, '7f/000d', '00000000000000000000f6'],
  ['CMDDT, which is obsolete: the data would be others', '12', '0002'],
  ['a third party, or an extent: both would reserve other than what was asked for', '16 17 56 57', '001f'],
  ['ANCHOR: no block is anchored', '42', '0001'],
  ['ZNR: units have no zones', '48/01 48/02 48/03 48/1f', '0040'],
  ['reserved bytes of a command that destroys all data', '48/01 48/02 48/03 48/1f', '0000ffffffffff'],
  ['PCR: nothing is counted that could be reset', '4c', '0002'],
  ['ATOMIC BOUNDARY: writes have none', '9c', '00000000000000000000ffff'],
];

/** What the maps have: other values of these fields are taken, but not those that differ from {@link TAKEN} in these bits alone. */
const LISTED: readonly Field[] = [
  ['FMTPINFO: units have no protection information', '04', '00c0'],
  ['PAGE CODE without EVPD', '12', '0000ff'],
  ['RTD with a list, and a list without PF', '15', '00020000ff'],
  ['RTD with a list, and a list without PF', '55', '00020000000000ffff'],
  ['PC 11b, and pages that there are none of', '1a 5a', '00003f'],
  ['subpages that there are none of', '1a 5a 4d', '000000ff'],
  ['LOEJ, where the medium stays', '1b', '0000000002'],
  ['SELF-TEST CODE: only the default self-test', '1d', '00e0'],
  ['a list without PF', '1d', '000000ffff'],
  ['LOGICAL BLOCK ADDRESS without PMI', '25', '0000ffffffff'],
  ['LOGICAL BLOCK ADDRESS without PMI', '9e/10', '0000ffffffffffffffff'],
  ['BYTCHK 10b', '2e 2f 8e 8f ae af', '0004'],
  ['BYTCHK 10b', '7f/000a 7f/000c', '0000000000000000000004'],
  ['modes that there are none of', '3b', '001f'],
  ['modes that there are none of', '3c', '0016'],
  ['more than the echo buffer has', '3b', '000000000000fff0'],
  ['a list, where there is none', '48/02 48/03 48/1f 4c 56 57', '00000000000000ffff'],
  ['SP: no log parameter is saved', '4c 4d', '0001'],
  ['log pages that there are none of', '4d', '00003d'],
  ['REPORT TYPE: all blocks', '7f/0012', '00000000000000000000ff'],
  ['REPORT TYPE: all blocks', '9e/12', '0000000000000000000000000000ff'],
  ['more blocks than can be compared at once', '89', '00000000000000000000000000ff'],
  ['blocks that are not whole atomic ones', '9c', '00000000000000000007'],
  ['blocks that are not whole atomic ones, or more than can be written at once', '9c', '000000000000000000000000fc07'],
  ['SELECT REPORT: logical units of other kinds', 'a0', '0000fc'],
  ['ALLOCATION LENGTH below 16', 'a0', '00000000000000000010'],
  ['PARAMETER DATA FORMAT of none', 'a3/0a', '00c0'],
  ['REPORTING OPTIONS of none', 'a3/0c', '000004'],
  ['REPORTING OPTIONS for a command with service actions, of one that has none', 'a3/0c', '000002'],
];

function cdbOf(command: CommandUsage): Buffer {
  const taken = TAKEN[nameOf(command)];
  if (taken !== undefined) return Buffer.from(taken.replaceAll(' ', ''), 'hex');
  const cdb = Buffer.alloc(command.usage.length);
  cdb[0] = command.opcode;
  if (command.opcode === OperationCode.VARIABLE_LENGTH) {
    cdb[7] = cdb.length - 8;
    cdb.writeUInt16BE(command.serviceAction, 8);
  } else if (command.serviceAction >= 0) {
    cdb[1] = command.serviceAction;
  }
  return cdb;
}

/** The fields of a command, from their first byte on. */
function fieldsOf(fields: readonly Field[], name: string): string[] {
  return fields.filter(([, commands]) => commands.split(' ').includes(name)).map(([, , bits]) => bits);
}

/** Whether a bit says which command it is, or how long. */
function isName({ opcode, serviceAction }: CommandUsage, at: number, bit: number): boolean {
  if (opcode === OperationCode.VARIABLE_LENGTH) return at >= 7 && at <= 9;
  return serviceAction >= 0 && at === 1 && bit < 0x20;
}

/** Turns over bit by bit what the map has, or has not: the fields for which that is refused; the others change nothing, if that is asked for. */
function refusedFields(command: CommandUsage, listed: boolean): string[] {
  const bench = new ScsiBench({ thin: true, atomic: true });
  const data = new Uint8Array(DATA_BYTES[nameOf(command)] ?? 512);
  const cdb = cdbOf(command);
  const run = () => bench.run(cdb.toString('hex'), { data });
  run();
  const usual = run();
  const refused = new Map<number, Buffer>();
  for (let at = 1; at < cdb.length; at++) {
    for (let bit = 0x80; bit > 0; bit >>>= 1) {
      if (((command.usage[at]! & bit) !== 0) !== listed || isName(command, at, bit)) continue;
      cdb[at]! ^= bit;
      const outcome = run();
      cdb[at]! ^= bit;
      if (outcome.additionalSense !== AdditionalSense.INVALID_FIELD_IN_CDB || outcome.sense === usual.sense) {
        if (!listed) expect(outcome).toEqual(usual);
        continue;
      }
      const field = Number.parseInt(outcome.sense.slice(-4), 16);
      const bits = refused.get(field) ?? Buffer.alloc(cdb.length);
      if (!listed && !refused.has(field)) expect(field, `byte ${at}, bit ${bit}`).toBe(at);
      bits[at]! |= bit;
      refused.set(field, bits);
    }
  }
  return [...refused.values()].map((bits) => bits.toString('hex').replace(/(00)+$/, ''));
}

/** SAM-5: NACA, where no unit has NORMACA, is an invalid field, whatever the command; it is in the CONTROL byte. */
function naca({ opcode, usage }: CommandUsage): string {
  return `${'00'.repeat(opcode === OperationCode.VARIABLE_LENGTH ? 1 : usage.length - 1)}04`;
}

describe.each(COMMANDS.map((command) => [nameOf(command), command] as const))(
  'the map of %s (SPC-5)',
  (name, command) => {
    beforeEach(() => {
      // REPORT TIMESTAMP tells the same twice.
      vi.useFakeTimers({ toFake: ['Date'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('leaves out what changes nothing, or is refused at its field', () => {
      expect(refusedFields(command, false).sort()).toEqual([...fieldsOf(UNLISTED, name), naca(command)].sort());
    });

    it('has what is taken', () => {
      expect(refusedFields(command, true).sort()).toEqual(fieldsOf(LISTED, name).sort());
    });
  },
);
