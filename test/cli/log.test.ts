// Log lines, and descriptors that won't have them: a disk without space, a pipe that nobody reads, one whose reader has gone.

import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger, readerOf } from '../../src/cli/log.ts';
import { Scratch } from '../support/scratch.ts';
import { mountObstacle, SmallFileSystem } from '../support/small-file-system.ts';

const JSON_LINES = { level: 'info', format: 'json' } as const;
const READABLE = { level: 'info', format: 'pretty' } as const;
const TERMINAL = readerOf({ isTTY: true }, {});
const FILE = readerOf({}, {});
const FORMATS = [['json', JSON_LINES] as const, ['pretty', READABLE] as const];

let scratch: Scratch;
let descriptor: number;

beforeEach(() => {
  scratch = new Scratch('log');
});

afterEach(() => {
  closeSync(descriptor);
  scratch[Symbol.dispose]();
});

/** A pipe of which both ends are open, and neither waits. */
function openPipe(): number {
  const path = scratch.file('pipe');
  spawnSync('mkfifo', [path]);
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

/** Everything that is in a pipe. */
function drain(pipe: number): string {
  const parts: Buffer[] = [];
  const room = Buffer.alloc(65_536);
  try {
    for (;;) parts.push(Buffer.from(room.subarray(0, readSync(pipe, room))));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
  }
  return Buffer.concat(parts).toString();
}

describe('lines', () => {
  test('of JSON, with the time as anyone reads it', () => {
    descriptor = openSync(scratch.file('log'), 'w');
    const log = createLogger(JSON_LINES, TERMINAL, descriptor);
    log.info({ port: 3260 }, 'listening');
    log.debug('not for this level');
    const [line, end] = readFileSync(scratch.file('log'), 'utf8').split('\n');
    expect(JSON.parse(line!)).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      port: 3260,
      msg: 'listening',
    });
    expect(end).toBe('');
  });

  test('for a person, in colour on a terminal only', () => {
    descriptor = openSync(scratch.file('log'), 'w');
    createLogger({ level: 'info', format: 'auto' }, TERMINAL, descriptor).info({ port: 3260 }, 'listening');
    expect(readFileSync(scratch.file('log'), 'utf8')).toMatch(/\[\d\d:\d\d:\d\d\.\d{3}\] .*INFO.*listening/);
    expect(readFileSync(scratch.file('log'), 'utf8')).toContain('\u001b[');
    createLogger(READABLE, FILE, descriptor).warn('next');
    expect(readFileSync(scratch.file('log'), 'utf8')).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: next\n$/m);
  });

  test.each([
    ['1', false],
    ['0', false],
    ['', true],
  ])('for a person who says NO_COLOR=%s', (value, colours) => {
    descriptor = openSync(scratch.file('log'), 'w');
    const reader = readerOf({ isTTY: true }, { NO_COLOR: value });
    createLogger({ level: 'info', format: 'auto' }, reader, descriptor).info('listening');
    const written = readFileSync(scratch.file('log'), 'utf8');
    expect(written).toMatch(/\[\d\d:\d\d:\d\d\.\d{3}\] .*INFO.*listening/);
    expect(written.includes('\u001b[')).toBe(colours);
  });
});

describe.each(FORMATS)('%s that can’t be written is lost', (_name, settings) => {
  test('where there is no space', () => {
    descriptor = openSync('/dev/full', 'w');
    const log = createLogger(settings, FILE, descriptor);
    for (let line = 0; line < 3; line++) expect(() => log.fatal('no space')).not.toThrow();
  });

  test('when the reader has gone', () => {
    const pipe = openPipe();
    descriptor = openSync(scratch.file('pipe'), 'w');
    closeSync(pipe);
    const log = createLogger(settings, FILE, descriptor);
    log.info('to nobody');
    // Who opens a named pipe anew hears what comes then.
    const reader = openSync(scratch.file('pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    log.info('to somebody');
    expect(drainOnce(reader)).toContain('to somebody');
    closeSync(reader);
  });

  test('when a pipe stays full, and what comes once it is read is not', () => {
    descriptor = openPipe();
    const log = createLogger(settings, FILE, descriptor);
    // More than a pipe holds: the last line that got in is torn.
    for (let line = 0; line < 200; line++) log.info({ padding: 'x'.repeat(1000) }, 'until it is full');
    expect(drain(descriptor)).toContain('until it is full');
    log.info('read again');
    expect(drain(descriptor)).toMatch(/read again/);
  });

  test.runIf(mountObstacle() === null)('on a disk without space, and what comes once there is some is not', () => {
    using disk = new SmallFileSystem(65_536);
    descriptor = openSync(disk.file('log'), 'a');
    const log = createLogger(settings, FILE, descriptor);
    log.info('first');
    writeFileSync(disk.file('rest'), '');
    expect(() => writeFileSync(disk.file('rest'), Buffer.alloc(2 ** 20))).toThrow('ENOSPC');
    const padding = 'x'.repeat(1000);
    for (let line = 0; line < 10; line++) log.info({ padding }, 'no space');
    rmSync(disk.file('rest'));
    log.info('last');
    const lines = readFileSync(disk.file('log'), 'utf8').trimEnd().split('\n');
    expect(lines.at(0)).toContain('first');
    // On a line of its own, behind the part of one for which there was still space.
    expect(lines.at(-1)).toContain('last');
    expect(lines.at(-1)).not.toContain('x');
  });
});

/** What is in a pipe now. */
function drainOnce(pipe: number): string {
  const room = Buffer.alloc(65_536);
  return room.subarray(0, readSync(pipe, room)).toString();
}
