// REPORT LUNS: the inventory, and which reports there are.

import { describe, expect, it } from 'vitest';
import { AdditionalSense } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

function bench(): ScsiBench {
  const made = new ScsiBench();
  for (const lun of [1, 255, 256]) made.nexus.units.set(lun, made.unit);
  made.nexus.luns = [0, 1, 255, 256];
  return made;
}

const INVENTORY =
  '0000002000000000' + '0000000000000000' + '0001000000000000' + '00ff000000000000' + '4100000000000000';

describe('REPORT LUNS', () => {
  it.each(['00', '02'])('report %sh lists every LUN, flat above 255', (select) => {
    const { data } = bench().run(`a0 00 ${select} 000000 00001000 00 00`);
    expect(data.toString('hex')).toBe(INVENTORY);
  });

  it('report 01h lists well known units, and there are none', () => {
    expect(bench().run('a0 00 01 000000 00001000 00 00').data.toString('hex')).toBe('0000000000000000');
  });

  it('answers on a LUN that names no unit', () => {
    expect(bench().run('a0 00 00 000000 00001000 00 00', { lun: 77 }).data.toString('hex')).toBe(INVENTORY);
  });

  it('is cut to the allocation length, with the length of the whole list', () => {
    expect(bench().run('a0 00 00 000000 00000010 00 00').data.toString('hex')).toBe(INVENTORY.slice(0, 32));
  });

  it('refuses an allocation length without room for one LUN', () => {
    expect(bench().run('a0 00 00 000000 0000000f 00 00').sense.slice(-6)).toBe('c00006');
  });

  it('refuses a report that it does not know', () => {
    expect(bench().run('a0 00 10 000000 00001000 00 00').sense.slice(-6)).toBe('c00002');
  });

  it('comes before a unit attention and leaves it, unless it was about the inventory', () => {
    const made = bench();
    made.unit.attention(made.nexus, AdditionalSense.REPORTED_LUNS_DATA_HAS_CHANGED);
    made.unit.attention(made.nexus, AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET);
    expect(made.run('a0 00 00 000000 00001000 00 00').status).toBe(Status.GOOD);
    expect(made.run('00 00000000 00').additionalSense).toBe(AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET);
    expect(made.run('00 00000000 00').status).toBe(Status.GOOD);
  });
});
