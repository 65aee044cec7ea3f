import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  judgeDirections,
  PartError,
  settleCredentialPart,
  settleTargetPart,
  settleUnitPart,
} from '../../src/config/part.ts';
import type { PortalSettings } from '../../src/config/settings.ts';
import { Scratch } from '../support/scratch.ts';

const PORTALS: readonly PortalSettings[] = [
  { address: '127.0.0.1', port: 3260, tag: 1, discovery: true },
  { address: '127.0.0.1', port: 3261, tag: 7, discovery: true },
];
const NAME = 'iqn.2026-11.com.example:a';

/** What is wrong, each as `path: received`. */
function complaints(settle: () => unknown): string[] {
  try {
    settle();
    return [];
  } catch (error) {
    if (error instanceof PartError) return error.findings.map(({ path, received }) => `${path}: ${received}`);
    throw error;
  }
}

const target = (document: unknown) => settleTargetPart(document, PORTALS, '/srv');
const unit = (document: unknown) => settleUnitPart(document, PORTALS, '/srv');
const credential = (document: unknown) => settleCredentialPart(document, PORTALS, '/srv');

describe('a target by itself', () => {
  test('is completed as one of a file is', () => {
    expect(target({ name: NAME.toUpperCase(), luns: [{ lun: 3, path: 'a.img', size: '1MiB' }] })).toMatchObject({
      name: NAME,
      portalGroups: [1, 7],
      sessionLimit: 64,
      luns: [{ lun: 3, path: '/srv/a.img', size: 2 ** 20, direct: true }],
    });
  });

  test('is judged in words that name places in it alone', () => {
    expect(complaints(() => target({ name: NAME, luns: [{ lun: -1, path: 'a' }], portalGroups: [2] }))).toEqual([
      'luns[0].lun: -1',
    ]);
    expect(complaints(() => target({ name: NAME, luns: [], portalGroups: [2] }))).toEqual(['portalGroups: 2']);
    expect(complaints(() => target('a target'))).toEqual(['the body: "a target"']);
    expect(complaints(() => target({ name: NAME, luns: [], acls: {} }))).toEqual(['acls: an unknown key, acls']);
  });

  test('shows no secret', () => {
    const users = [{ name: 'alice', secret: 'short' }];
    const said = complaints(() => target({ name: NAME, luns: [], auth: { method: 'chap', users } }));
    expect(said).toEqual(['auth.users[0].secret: [secret of 5 characters]']);
  });
});

describe('a unit by itself', () => {
  test('is completed', () => {
    expect(unit({ lun: 1, backend: 'null', size: '1GiB' })).toEqual({
      lun: 1,
      backend: 'null',
      size: 2 ** 30,
      blockSize: 512,
      readOnly: false,
      removable: false,
    });
  });

  test('has its world-wide name in small letters, however it is written', () => {
    const named = (naa: string) => ({ lun: 1, backend: 'null', size: '1GiB', naa });
    expect(unit(named('600A0B80000F1C2D600A0B80000F1C2D')).naa).toBe('600a0b80000f1c2d600a0b80000f1c2d');
    expect(unit(named('3ABCDEF012345678')).naa).toBe(unit(named('3abcdef012345678')).naa);
    expect(complaints(() => unit(named('4ABCDEF012345678')))).toEqual(['naa: "4ABCDEF012345678"']);
  });

  test('is judged', () => {
    expect(complaints(() => unit({ lun: 1, backend: 'null', size: '1KiB' }))).toEqual(['size: "1KiB"']);
    expect(complaints(() => unit(null))).toHaveLength(1);
  });
});

describe('a user by itself', () => {
  test('knows its secret, and the file that it came from', () => {
    using scratch = new Scratch('part');
    writeFileSync(scratch.file('alice.secret'), ' a secret of alice\n');
    const path = scratch.file('alice.secret');
    const alice = credential({ name: 'alice', secretFile: path });
    expect(alice).toMatchObject({ name: 'alice', secretFile: path });
    expect(alice.secret.reveal()).toBe('a secret of alice');
    expect(credential({ name: 'bob', secret: 'a secret of bob too' })).not.toHaveProperty('secretFile');
  });

  test('has one secret', () => {
    expect(complaints(() => credential({ name: 'alice' }))).toEqual(['the body: neither secret nor secretFile']);
    expect(complaints(() => credential({ name: 'alice', secretFile: 'none' }))).toEqual([
      'secretFile: /srv/none: ENOENT',
    ]);
    expect(complaints(() => credential({ name: '', secret: 'long enough for it' }))).toEqual(['name: ""']);
  });
});

describe('RFC 7143 §9.2.1: no secret serves both directions', () => {
  const chap = (secret: string, own: string) =>
    target({
      name: NAME,
      luns: [],
      auth: { method: 'chap', users: [{ name: 'a', secret }], mutual: { name: 't', secret: own } },
    }).auth;
  const [alice, bob, ours, theirs] = ['alice', 'bob', 'us', 'them'].map((who) => `the-secret-of-${who}`);
  const served = [{ method: 'none' } as const, chap(alice!, ours!)];

  test.each([
    ['each has its own', bob!, theirs!, []],
    ['targets share theirs, and users', alice!, ours!, []],
    ['the target proves itself with that of a user elsewhere', bob!, alice!, ["auth.mutual: a user's secret"]],
    ['a user has that of a target elsewhere', ours!, theirs!, ["auth.users: a target's own secret"]],
  ])('%s', (_, secret, own, expected) => {
    expect(complaints(() => judgeDirections(chap(secret, own), served))).toEqual(expected);
  });
});
