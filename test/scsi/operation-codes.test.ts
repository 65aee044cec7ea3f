// REPORT SUPPORTED OPERATION CODES and its siblings; and that what is reported is what is dispatched.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OperationCode, VariableLength } from '../../src/scsi/cdb.ts';
import { commandFor } from '../../src/scsi/commands.ts';
import { MODE_PAGES } from '../../src/scsi/mode-pages.ts';
import { COMMANDS } from '../../src/scsi/operation-codes.ts';
import { decodeReadWrite } from '../../src/scsi/read-write.ts';
import { Status, Task } from '../../src/scsi/task.ts';
import { repositoryRoot } from '../support/repository.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

function report(
  bench: ScsiBench,
  options: string,
  opcode = '00',
  serviceAction = '0000',
): ReturnType<ScsiBench['run']> {
  return bench.run(`a3 0c ${options} ${opcode} ${serviceAction} 00010000 00 00`);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** CDBs of 32 bytes are reported one by one. */
const LISTED = COMMANDS.filter(({ opcode }) => opcode !== OperationCode.VARIABLE_LENGTH).length;

describe('the table of commands', () => {
  it('is in ascending order, each with a CDB as long as its operation code says', () => {
    const order = COMMANDS.map(({ opcode, serviceAction }) => opcode * 2 ** 16 + serviceAction);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
    const lengths = [6, 10, 10, 32, 16, 12];
    for (const { opcode, usage } of COMMANDS) expect(usage.length, hex(opcode, 2)).toBe(lengths[opcode >>> 5]);
  });

  it.each([0x34, 0x35, 0x90, 0x91])('says that IMMED of %i is taken, as it is', (opcode) => {
    expect(COMMANDS.find((each) => each.opcode === opcode)?.usage[1]).toBe(0x02);
    const rest = '00'.repeat(opcode < 0x80 ? 8 : 14);
    expect(new ScsiBench().run(`${hex(opcode, 2)} 02 ${rest}`).status).toBe(Status.GOOD);
  });

  it('has exactly the operation codes that are dispatched', () => {
    const bench = new ScsiBench({ thin: true, atomic: true });
    for (let opcode = 0; opcode < 256; opcode++) {
      const task = new Task();
      task.nexus = bench.nexus;
      task.unit = bench.unit;
      task.cdb.setUint8(0, opcode);
      task.cdb.setUint8(9, opcode === OperationCode.VARIABLE_LENGTH ? VariableLength.READ_32 : 0);
      const dispatched = decodeReadWrite(task) || commandFor(task) !== null;
      expect(dispatched, hex(opcode, 2)).toBe(COMMANDS.some((each) => each.opcode === opcode));
    }
  });

  it('has exactly the service actions that are not refused at byte 1', () => {
    const bench = new ScsiBench({ thin: true, atomic: true });
    const opcodes = new Set(COMMANDS.filter((each) => each.serviceAction >= 0).map((each) => each.opcode));
    for (const opcode of opcodes) {
      for (let serviceAction = 0; serviceAction < 32; serviceAction++) {
        const variable = opcode === OperationCode.VARIABLE_LENGTH;
        const rest = `${'0'.repeat(10)} 18 ${hex(serviceAction, 4)} ${'0'.repeat(44)}`;
        const { sense } = bench.run(variable ? `7f 00 ${rest}` : `${hex(opcode, 2)} ${hex(serviceAction, 2)}`);
        const listed = COMMANDS.some((each) => each.opcode === opcode && each.serviceAction === serviceAction);
        expect(sense.endsWith(variable ? 'c00008' : 'c00001'), `${hex(opcode, 2)}/${hex(serviceAction, 2)}`).toBe(
          !listed,
        );
      }
    }
  });
});

describe('REPORT SUPPORTED OPERATION CODES', () => {
  it('lists all of them', () => {
    const { data } = report(new ScsiBench({ thin: true, atomic: true }), '00');
    expect(data.readUInt32BE(0)).toBe(8 * LISTED);
    expect(data.length).toBe(4 + 8 * LISTED);
    expect(data.includes(Buffer.from('2800000000000' + '00a', 'hex'))).toBe(true);
    expect(data.includes(Buffer.from('9e0000100001' + '0010', 'hex'))).toBe(true);
  });

  it('reports CDBs of 32 bytes to who asks for them', () => {
    const { data } = report(new ScsiBench(), '02', '7f', '0009');
    expect([data[1], data.readUInt16BE(2), data.length]).toEqual([0b011, 32, 36]);
    expect(report(new ScsiBench(), '02', '7f', '0001').data[1]).toBe(0b001);
  });

  it('lists UNMAP only for thin units', () => {
    const has = (thin: boolean): boolean =>
      report(new ScsiBench({ thin }), '00').data.includes(Buffer.from('420000000000000a', 'hex'));
    expect(has(true)).toBe(true);
    expect(has(false)).toBe(false);
  });

  it('lists WRITE ATOMIC(16) only for units that can', () => {
    const has = (atomic: boolean): boolean =>
      report(new ScsiBench({ atomic }), '00').data.includes(Buffer.from('9c00000000000010', 'hex'));
    expect(has(true)).toBe(true);
    expect(has(false)).toBe(false);
  });

  it('adds timeout descriptors with RCTD', () => {
    const { data } = report(new ScsiBench({ thin: true, atomic: true }), '80');
    expect(data.readUInt32BE(0)).toBe(20 * LISTED);
    for (let at = 4; at < data.length; at += 20) {
      expect(data[at + 5]! & 0x02).toBe(0x02);
      expect(data.readUInt16BE(at + 8)).toBe(10);
    }
  });

  it('describes every command by itself in the way it asks to be described', () => {
    const bench = new ScsiBench({ thin: true, atomic: true });
    for (const { opcode, serviceAction, usage } of COMMANDS) {
      const has = serviceAction >= 0;
      const action = hex(Math.max(0, serviceAction), 4);
      const one = report(bench, has ? '02' : '01', hex(opcode, 2), action);
      expect(one.data.toString('hex')).toBe(`0003${hex(usage.length, 4)}${Buffer.from(usage).toString('hex')}`);
      expect(report(bench, '03', hex(opcode, 2), action).data.equals(one.data)).toBe(true);
      expect(report(bench, has ? '01' : '02', hex(opcode, 2), action).additionalSense).toBe(0x2400);
    }
  });

  it('shows DPO and FUA of READ(10) as used', () => {
    expect(report(new ScsiBench(), '01', '28').data.toString('hex')).toBe('0003000a' + '2818ffffffff00ffff00');
  });

  it('says of a command that it is not there', () => {
    const bench = new ScsiBench();
    expect(report(bench, '01', '05').data.toString('hex')).toBe('00010000');
    expect(report(bench, '02', '9e', '0013').data.toString('hex')).toBe('00010000');
    expect(report(bench, '03', '28', '0001').data.toString('hex')).toBe('00010000');
  });

  it.each(['9d', '9f', 'a9', 'ab'])(
    'says of the operation code %s, which has service actions elsewhere, that it is not there',
    (opcode) => {
      for (const [options, serviceAction] of [
        ['01', '0000'],
        ['02', '0011'],
        ['03', '0011'],
      ] as const) {
        const { status, data } = report(new ScsiBench(), options, opcode, serviceAction);
        expect([status, data.toString('hex')]).toEqual([Status.GOOD, '00010000']);
      }
    },
  );

  it.each(['42', '9c'])(
    'says of %s that it is not there, asked either way, of a unit that has no use for it',
    (opcode) => {
      for (const options of ['01', '02', '03']) {
        const { status, data } = report(new ScsiBench(), options, opcode);
        expect([status, data.toString('hex')], options).toEqual([Status.GOOD, '00010000']);
      }
    },
  );

  it('refuses an option that it does not know', () => {
    expect(report(new ScsiBench(), '04').sense.slice(-6)).toBe('c00002');
  });
});

describe('REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS', () => {
  it('tells what the session does: abort, clear, and the resets', () => {
    const bench = new ScsiBench();
    expect(bench.run('a3 0d 00 000000 00000004 00 00').data.toString('hex')).toBe('da000000');
    expect(bench.run('a3 0d 80 000000 00000010 00 00').data.toString('hex')).toBe(`da00000c${'00'.repeat(12)}`);
  });
});

describe('docs/scsi.md', () => {
  const page = readFileSync(join(repositoryRoot(), 'docs/scsi.md'), 'utf8');

  /** Codes in the tables of a section, `9Eh/10h` as `9e/10`. */
  function codesUnder(heading: string): string[] {
    const section = new RegExp(`^## ${heading}\n(.*?)(?=^## )`, 'ms').exec(page)![1]!;
    const rows = section.split('\n').filter((line) => line.startsWith('| '));
    return rows
      .flatMap((line) => [...line.matchAll(/`([0-9A-F]{2})h(?:\/([0-9A-F]{2,4})h)?`/g)])
      .map(([, code, below]) => (below === undefined ? code! : `${code}/${below}`).toLowerCase());
  }

  /** The codes in a list of pages that a unit answers with. */
  const pagesIn = (data: Buffer) => [...data.subarray(4)].map((code) => hex(code, 2));

  it('has every command, and no other', () => {
    const reported = COMMANDS.map(({ opcode, serviceAction }) => {
      if (serviceAction < 0) return hex(opcode, 2);
      return `${hex(opcode, 2)}/${hex(serviceAction, opcode === OperationCode.VARIABLE_LENGTH ? 4 : 2)}`;
    });
    expect(codesUnder('Commands').sort()).toEqual(reported.sort());
  });

  it('has every page, and no other', () => {
    const bench = new ScsiBench();
    expect(codesUnder('Vital product data')).toEqual(pagesIn(bench.run('12 01 00 00ff 00').data));
    expect(codesUnder('Log pages')).toEqual(pagesIn(bench.run('4d 00 00 00 00 0000 00ff 00').data));
    const modePages = MODE_PAGES.map(
      ({ code, subpage }) => hex(code, 2) + (subpage === 0 ? '' : `/${hex(subpage, 2)}`),
    );
    expect(codesUnder('Mode pages')).toEqual(modePages);
  });
});
