import { linkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FileLunSettings } from '../../src/config/settings.ts';
import { Holders } from '../../src/control/holders.ts';
import { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
let holders: Holders;
beforeEach(() => {
  scratch = new Scratch('holders');
  holders = new Holders();
  writeFileSync(scratch.file('a.img'), '');
  linkSync(scratch.file('a.img'), scratch.file('b.img'));
});
afterEach(() => scratch[Symbol.dispose]());

const lun = (name: string, readOnly: boolean): FileLunSettings => {
  return {
    lun: 0,
    backend: 'file',
    path: scratch.file(name),
    direct: true,
    blockSize: 512,
    readOnly,
    removable: false,
  };
};
const judge = (name: string, readOnly: boolean) => () => holders.judge(lun(name, readOnly), 'the new one');

test('a place is written by one unit, or read by many, whatever it is called', () => {
  holders.add(lun('a.img', false), 1, 'the first');
  expect(judge('b.img', false)).toThrow(/b\.img: also served as the first/);
  expect(judge('b.img', true)).toThrow(/also served as the first/);
  holders.remove(1);
  expect(judge('b.img', false)).not.toThrow();
});

test('readers keep writers away until the last of them has left', () => {
  holders.add(lun('a.img', true), 1, 'the first');
  holders.add(lun('b.img', true), 2, 'the second');
  expect(judge('a.img', true)).not.toThrow();
  holders.remove(2);
  expect(judge('a.img', false)).toThrow(/also served as the first/);
  expect(holders.has(scratch.file('b.img'))).toBe(true);
  holders.remove(1);
  expect(judge('a.img', false)).not.toThrow();
  expect(holders.has(scratch.file('b.img'))).toBe(false);
});

test('a copy goes its own way', () => {
  holders.add(lun('a.img', true), 1, 'the first');
  const copy = holders.copy();
  copy.remove(1);
  copy.add(lun('a.img', false), 2, 'the second');
  expect(judge('a.img', true)).not.toThrow();
  expect(() => copy.judge(lun('a.img', true), 'the new one')).toThrow(/also served as the second/);
});
