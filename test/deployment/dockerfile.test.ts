// The Dockerfile, as far as that can be told without building it: what it copies is there, and what it starts starts without the rest.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';

const TOP = repositoryRoot();
const LINES = readFileSync(join(TOP, 'docs/deployment/Dockerfile'), 'utf8')
  .replaceAll('\\\n', ' ')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(/\s+/));

const argumentsOf = (instruction: string): string[][] =>
  LINES.filter(([name]) => name === instruction).map(([, ...rest]) => rest);

test('the image runs what was copied into it, and needs nothing else', () => {
  using scratch = new Scratch('image');
  const copies = argumentsOf('COPY').filter(([from]) => from === '--from=build');
  expect(copies.length).toBeGreaterThan(2);
  for (const [, from, to] of copies) {
    const source = join(TOP, from!.replace(/^\/build\//, ''));
    expect(existsSync(source), source).toBe(true);
    const target = scratch.file(to!.endsWith('/') ? join(to!, 'package.json') : to!);
    if (source.endsWith('node_modules')) symlinkSync(source, target);
    else cpSync(source, target, { recursive: true });
  }
  const [[...entry]] = argumentsOf('ENTRYPOINT') as [string[]];
  const command = JSON.parse(entry.join(' ')) as string[];
  expect(command[0]).toBe('node');
  const link = argumentsOf('RUN').find((words) => words.includes('ln'))!;
  expect(link.slice(-2)).toEqual([command[1], '/usr/local/bin/lunaring']);
  const { status, stdout } = spawnSync(process.execPath, [scratch.file(command[1]!), '--version'], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^lunaring \d|^\d/);
});

test('the image runs as a user of its own, and as a version of Node that the package takes', () => {
  expect(argumentsOf('USER')).toEqual([['3260:3260']]);
  const { engines } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { engines: { node: string } };
  const least = Number(/\d+/.exec(engines.node)![0]);
  for (const [image] of argumentsOf('FROM'))
    expect(Number(/^node:(\d+)-/.exec(image!)![1])).toBeGreaterThanOrEqual(least);
});
