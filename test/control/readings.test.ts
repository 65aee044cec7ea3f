// What is read of all units together does not fall when one of them goes.

import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { TARGETS_MAX } from '../../src/config/limits.ts';
import { loadSettings } from '../../src/config/load.ts';
import { Catalog } from '../../src/control/catalog.ts';
import { Readings, type ReadingsContext } from '../../src/control/readings.ts';
import { Figure, Figures, sumFigures, UNIT_FIGURES_MAX } from '../../src/ring/figures.ts';
import { Scratch } from '../support/scratch.ts';

const NAME = 'iqn.2026-11.com.example:a';

test('a unit that is removed stays in the totals of the workers, at every moment', () => {
  using scratch = new Scratch('readings');
  const file = scratch.file('lunaring.json');
  const luns = [0, 1].map((lun) => ({ lun, backend: 'memory', size: '1MiB' }));
  writeFileSync(file, JSON.stringify({ targets: [{ name: NAME, luns }] }));
  const { settings } = loadSettings({ file, environment: {}, workingDirectory: scratch.path });
  const unitFigures = Figures.create(2, 8);
  const catalog = new Catalog(settings!, { machineId: 'test', figures: unitFigures });
  const readings = new Readings({ catalog, unitFigures } as unknown as ReadingsContext);
  for (const { figures } of catalog.units) unitFigures.block(1, figures)[Figure.reads] = 100;
  const totals = () => {
    const byWorker = readings.unitTotals();
    return [...byWorker, sumFigures(byWorker)].map((figures) => figures[Figure.reads]);
  };
  expect(totals()).toEqual([0, 200, 200]);
  const removed = catalog.removeUnit(catalog.find(NAME)!, 1);
  expect(readings.units()).toHaveLength(1);
  expect(totals()).toEqual([0, 200, 200]);
  removed!.close();
  expect(totals()).toEqual([0, 200, 200]);
  catalog.close();
});

test('each unit of the most targets that there may be is counted, with eight of them at each', () => {
  using scratch = new Scratch('readings');
  const file = scratch.file('lunaring.json');
  const luns = Array.from({ length: 8 }, (_, lun) => ({ lun, backend: 'null', size: '1MiB' }));
  const targets = Array.from({ length: TARGETS_MAX }, (_, index) => ({ name: `${NAME}${index}`, luns }));
  writeFileSync(file, JSON.stringify({ targets }));
  const { settings } = loadSettings({ file, environment: {}, workingDirectory: scratch.path });
  const unitFigures = Figures.create(2, UNIT_FIGURES_MAX);
  const catalog = new Catalog(settings!, { machineId: 'test', figures: unitFigures });
  for (const { figures } of catalog.units) unitFigures.block(1, figures)[Figure.reads]!++;
  const readings = new Readings({ catalog, unitFigures } as unknown as ReadingsContext);
  expect(sumFigures(readings.unitTotals())[Figure.reads]).toBe(8 * TARGETS_MAX);
  catalog.close();
});
