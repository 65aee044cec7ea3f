// The files for the results: refused before anything is measured, and none lost because another can't be written.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.ts';
import { prepareOutputs, writeOutputs } from '../../bench/outputs.ts';
import type { Results } from '../../bench/results.ts';
import { Scratch } from '../support/scratch.ts';

const resultsFor = (json: string, html: string): Results => ({
  machine: {},
  options: readOptions(['--json', json, '--html', html])!,
  targets: {},
  all: [],
  manySessions: null,
  clientCpuCount: 1,
});

test('a file that can not be made is refused', () => {
  using scratch = new Scratch('outputs-test');
  const { options } = resultsFor(scratch.file('nowhere/results.json'), scratch.file('report.html'));
  expect(() => prepareOutputs(options)).toThrow(UsageError);
  expect(() => prepareOutputs(options)).toThrow('--json');
});

test('what is there already stays until there are results', () => {
  using scratch = new Scratch('outputs-test');
  const json = scratch.noise('results.json', 100);
  const results = resultsFor(json, scratch.file('report.html'));
  prepareOutputs(results.options);
  expect(readFileSync(json)).toHaveLength(100);
  expect(writeOutputs(results)).toEqual([]);
  expect(JSON.parse(readFileSync(json, 'utf8')).results).toEqual([]);
  expect(readFileSync(scratch.file('report.html'), 'utf8')).toContain('</html>');
});

test('one is written though the other can not be, as when a disk has gone', () => {
  using scratch = new Scratch('outputs-test');
  const folder = scratch.file('gone');
  const faults = writeOutputs(resultsFor(`${folder}/results.json`, scratch.file('report.html')));
  expect(faults.map(({ message }) => message)).toEqual([expect.stringContaining('ENOENT')]);
  expect(readFileSync(scratch.file('report.html'), 'utf8')).toContain('</html>');
});
