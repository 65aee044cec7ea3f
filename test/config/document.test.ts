import { execFileSync, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigurationFile, readConfigurationFile } from '../../src/config/document.ts';
import { Scratch } from '../support/scratch.ts';

function read(text: string) {
  using scratch = new Scratch('document');
  const path = scratch.file('lunaring.yaml');
  writeFileSync(path, text);
  return readConfigurationFile(path);
}

function readGood(text: string): ConfigurationFile {
  const file = read(text);
  if (!(file instanceof ConfigurationFile)) throw new Error(file.received);
  return file;
}

describe('a configuration file', () => {
  test('may be YAML or JSON', () => {
    const expected = { log: { level: 'warn' }, targets: [{ luns: [1, 2] }] };
    expect(readGood('log: { level: warn }\ntargets:\n  - luns: [1, 2]\n').content).toEqual(expected);
    expect(readGood(JSON.stringify(expected)).content).toEqual(expected);
    expect(readGood(`\t${JSON.stringify(expected, null, '\t')}`).content).toEqual(expected);
  });

  test('may say nothing', () => {
    expect(readGood('{}').content).toEqual({});
    expect(readGood('# nothing yet\n').content).toEqual({});
    expect(readConfigurationFile('/dev/null')).toMatchObject({ content: {} });
  });

  test('that is empty may have been cut off, and is not taken for the defaults', () => {
    expect(read('')).toMatchObject({
      severity: 'error',
      received: 'nothing',
      remedy: expect.stringMatching(/again/),
    });
  });

  test('may come through a pipe, and once only: what is empty then is not taken for the defaults', () => {
    using scratch = new Scratch('document');
    const path = scratch.file('pipe');
    execFileSync('mkfifo', [path]);
    const readPipe = (text: string) => {
      spawn('sh', ['-c', 'printf %s "$0" > "$1"', text, path]);
      return readConfigurationFile(path);
    };
    expect(readPipe('log: { level: warn }')).toMatchObject({ content: { log: { level: 'warn' } } });
    expect(readPipe('')).toMatchObject({
      severity: 'error',
      received: 'nothing',
      remedy: expect.stringMatching(/once/),
    });
  });

  test('knows the line of each value, and of what a missing value would stand in', () => {
    const file = readGood('log:\n  level: warn\ntargets:\n  - name: a\n    luns: []\n');
    expect(file.where(['log', 'level'])).toBe('lunaring.yaml:2');
    expect(file.where(['targets', 0, 'luns'])).toBe('lunaring.yaml:5');
    expect(file.where(['targets', 0, 'alias'])).toBe('lunaring.yaml:4');
    expect(file.where(['tuning'])).toBe('lunaring.yaml');
    expect(file.has(['log', 'level'])).toBe(true);
    expect(file.has(['log', 'format'])).toBe(false);
  });

  test.each([
    ['a mistake', 'log: [\n  x: {\n'],
    ['a key given twice', 'log: {}\nlog: {}\n'],
    ['a list', '- 1\n- 2\n'],
    ['a text', 'serve my disk'],
  ])('with %s is a finding with its place', (_, text) => {
    expect(read(text)).toMatchObject({ severity: 'error', origin: expect.stringMatching(/^lunaring\.yaml/) });
  });

  test.each([
    'secret: "hunter2hunter2\n',
    'secret: @hunter2hunter2\n',
    'secret: [a] hunter2hunter2\n',
    "secret: 'x' 'hunter2hunter2'\n",
    'users: {a: {hunter2hunter2\n',
    '*hunter2hunter2 : 5\n',
  ])('never has a line of it quoted: %s', (text) => {
    const finding = read(text);
    expect(finding).not.toBeInstanceOf(ConfigurationFile);
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });

  test.each([
    'log: {}\nsecret: !env hunter2hunter2\n',
    'log: {}\nsecret: !hunter2hunter2\n',
    'log: {}\nluns: !include hunter2.yaml\n',
    'log: {}\nluns: !hunter2 [1]\n',
    'log: {}\nsecret: !<tag:hunter2> x\n',
  ])('with a tag that stands for nothing is a finding with its place, and without the tag: %s', (text) => {
    const finding = read(text);
    expect(finding).toMatchObject({
      severity: 'error',
      origin: 'lunaring.yaml:2',
      remedy: expect.stringContaining('secretFile'),
    });
    expect(JSON.stringify(finding)).not.toContain('hunter2');
  });

  test('may have the tags of every YAML, and an exclamation mark in quotes', () => {
    expect(readGood('a: !!str 12\nb: !!int "12"\nc: "!12"\nd: ! 12\n').content).toEqual({
      a: '12',
      b: 12,
      c: '!12',
      d: '12',
    });
  });

  test('that is missing is a finding', () => {
    expect(readConfigurationFile('/nonexistent/lunaring.yaml')).toMatchObject({ received: 'ENOENT' });
  });
});
