import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { removeDurably, replaceDurably } from '../../src/control/durable-file.ts';
import { repositoryRoot } from '../support/repository.ts';
import { Scratch } from '../support/scratch.ts';

/** What became of the disk, in order: the text of a file that was synced, the end of a path, a directory that was synced. */
const disk = vi.hoisted(() => ({ failsDirectories: false, refusesOwners: false, events: [] as string[] }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const fsyncSync = (fd: number): void => {
    if (disk.failsDirectories && fs.fstatSync(fd).isDirectory()) throw new Error('EIO: i/o error, fsync');
    fs.fsyncSync(fd);
    disk.events.push(fs.fstatSync(fd).isDirectory() ? 'directory' : fs.readFileSync(`/proc/self/fd/${fd}`, 'utf8'));
  };
  const renameSync = (from: string, to: string): void => {
    fs.renameSync(from, to);
    disk.events.push('renamed');
  };
  const rmSync: typeof fs.rmSync = (path, options) => {
    fs.rmSync(path, options);
    disk.events.push('removed');
  };
  const fchownSync = (fd: number, uid: number, gid: number): void => {
    if (disk.refusesOwners) throw Object.assign(new Error('EPERM: operation not permitted, fchown'), { code: 'EPERM' });
    fs.fchownSync(fd, uid, gid);
  };
  return { ...fs, fsyncSync, fchownSync, renameSync, rmSync };
});

const MODULE = join(repositoryRoot(), 'dist/src/control/durable-file.js');
const root = process.getuid!() === 0;
/** Nobody has these, which is no matter. */
const [USER, GROUP, OTHER_GROUP] = [54_321, 54_322, 54_323];

let scratch: Scratch;
let path: string;
beforeEach(() => {
  scratch = new Scratch('durable');
  path = scratch.file('kept');
  writeFileSync(path, 'before');
  disk.events = [];
});
afterEach(() => scratch[Symbol.dispose]());

/** Whose it is, and who may use it. */
function ownership() {
  const { uid, gid, mode } = statSync(path);
  return [uid, gid, (mode & 0o777).toString(8)];
}

describe('a file that is replaced', () => {
  test('is its owner’s alone', () => {
    chmodSync(path, 0o644);
    replaceDurably(path, 'after');
    expect([readFileSync(path, 'utf8'), ownership()[2]]).toEqual(['after', '600']);
  });

  test.each([0o640, 0o664, 0o600, 0o444])('keeps the permissions %o where it is to be like it was', (mode) => {
    chmodSync(path, mode);
    const before = ownership();
    replaceDurably(path, 'after', statSync(path));
    expect([readFileSync(path, 'utf8'), ownership()]).toEqual(['after', before]);
  });

  test('is on the disk before it takes the place of the other, and the change of places before that is told', () => {
    replaceDurably(path, 'after');
    expect(disk.events).toEqual(['after', 'renamed', 'directory']);
    disk.events = [];
    removeDurably(path);
    expect(disk.events).toEqual(['removed', 'directory']);
  });

  test('keeps its permissions where nobody may change owners, and it is in the group that a new file has', () => {
    chmodSync(path, 0o640);
    const before = ownership();
    disk.refusesOwners = true;
    try {
      replaceDurably(path, 'after', statSync(path));
      expect(ownership()).toEqual(before);
      replaceDurably(path, 'after', { uid: USER, gid: GROUP, mode: 0o640 });
      expect(ownership()[2]).toBe('600');
    } finally {
      disk.refusesOwners = false;
    }
  });

  test('leaves every other file alone, whatever it is called', () => {
    const others = [`${path}.new`, scratch.file('.kept.new'), scratch.file('.kept.0123456789abcdef.new.mine')];
    for (const other of others) writeFileSync(other, 'mine');
    replaceDurably(path, 'after');
    expect(others.map((other) => readFileSync(other, 'utf8'))).toEqual(['mine', 'mine', 'mine']);
    expect(readdirSync(scratch.path)).toHaveLength(others.length + 1);
  });

  test('takes no heed of what a crash has left, and clears away what is old of it', () => {
    const [old, young] = [scratch.file('.kept.0123456789abcdef.new'), scratch.file('.kept.fedcba9876543210.new')];
    for (const leftover of [old, young]) writeFileSync(leftover, 'half');
    const yesterday = new Date(Date.now() - 24 * 60 * 60 * 1000);
    utimesSync(old, yesterday, yesterday);
    replaceDurably(path, 'after');
    expect(readdirSync(scratch.path).toSorted()).toEqual(['.kept.fedcba9876543210.new', 'kept']);
  });

  test('that can’t be stays what it was, and leaves nothing beside it', () => {
    const folder = scratch.file('folder');
    mkdirSync(folder);
    expect(() => replaceDurably(folder, 'after')).toThrow(/EISDIR|ENOTDIR/);
    expect([statSync(folder).isDirectory(), readdirSync(scratch.path).toSorted()]).toEqual([true, ['folder', 'kept']]);
  });
});

describe('a directory that can’t be synced', () => {
  beforeEach(() => {
    disk.failsDirectories = true;
  });
  afterEach(() => {
    disk.failsDirectories = false;
  });

  test('is told of, and has the new text by then', () => {
    expect(() => replaceDurably(path, 'after')).toThrow('EIO');
    expect([readFileSync(path, 'utf8'), readdirSync(scratch.path)]).toEqual(['after', ['kept']]);
  });

  test('is told of when a file is removed', () => {
    expect(() => removeDurably(path)).toThrow('EIO');
    expect(existsSync(path)).toBe(false);
  });
});

describe.skipIf(!root)('a file of somebody else', () => {
  beforeEach(() => {
    chownSync(path, USER, GROUP);
    chmodSync(path, 0o640);
    chownSync(scratch.path, USER, GROUP);
  });

  /** Replaces it in a process that is a user's of some groups, under a mask that forbids the group everything. */
  function replaceAs(user: number, groups: readonly number[]) {
    const program = `
      const { statSync } = await import('node:fs');
      const { replaceDurably } = await import(${JSON.stringify(MODULE)});
      process.umask(0o077);
      process.setgroups(${JSON.stringify(groups)});
      process.setgid(${groups[0]});
      process.setuid(${user});
      replaceDurably(${JSON.stringify(path)}, 'after', statSync(${JSON.stringify(path)}));`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect([stderr, readFileSync(path, 'utf8')]).toEqual(['', 'after']);
  }

  test.each([
    ['replaced', `replaceDurably(path, 'after')`],
    ['removed', 'removeDurably(path)'],
  ])('is not %s in a directory that can’t be opened, and so not be synced', (_, call) => {
    chmodSync(scratch.path, 0o300);
    const program = `
      const { removeDurably, replaceDurably } = await import(${JSON.stringify(MODULE)});
      process.setgid(${GROUP});
      process.setuid(${USER});
      const path = ${JSON.stringify(path)};
      ${call};`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
    expect(stderr).toContain('EACCES');
    expect([readFileSync(path, 'utf8'), readdirSync(scratch.path)]).toEqual(['before', ['kept']]);
  });

  test('stays that user’s when root replaces it', () => {
    replaceAs(0, [0]);
    expect(ownership()).toEqual([USER, GROUP, '640']);
  });

  test('stays its group’s when a member replaces it', () => {
    chownSync(path, 0, GROUP);
    replaceAs(USER, [OTHER_GROUP, GROUP]);
    expect(ownership()).toEqual([USER, GROUP, '640']);
  });

  test('is no group’s when somebody replaces it who is not in its own', () => {
    chmodSync(path, 0o644);
    replaceAs(USER, [OTHER_GROUP]);
    expect(ownership()).toEqual([USER, OTHER_GROUP, '604']);
  });
});
