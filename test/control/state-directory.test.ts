import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rehearseStateDirectory, StateDirectory } from '../../src/control/state-directory.ts';
import { StorageError } from '../../src/control/storage.ts';
import { Scratch } from '../support/scratch.ts';

let scratch: Scratch;
beforeEach(() => {
  scratch = new Scratch('state-directory');
});
afterEach(() => scratch[Symbol.dispose]());

/** Of what is wrong. */
function refusal(attempt: () => unknown): Partial<StorageError> {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const { key, received, remedy } = error;
    return { key, received, remedy };
  }
  return {};
}

describe('a state directory', () => {
  test('is named when it is missing, or none, whoever asks', () => {
    const [missing, file] = [scratch.file('missing'), scratch.file('file')];
    writeFileSync(file, '');
    for (const ask of [rehearseStateDirectory, (path: string) => new StateDirectory(path)]) {
      expect(refusal(() => ask(missing))).toEqual({
        key: 'stateDirectory',
        received: `${missing}: ENOENT`,
        remedy: `mkdir -p ${missing}`,
      });
      expect(refusal(() => ask(file))).toMatchObject({ key: 'stateDirectory', received: `${file}: ENOTDIR` });
    }
  });

  test('is one process’s alone until it lets go; who only asks needs no more than to write there', () => {
    const first = new StateDirectory(scratch.path);
    expect(refusal(() => new StateDirectory(scratch.path))).toMatchObject({
      key: 'stateDirectory',
      received: `${scratch.path}: locked`,
      remedy: expect.stringContaining(`fuser ${scratch.path}`),
    });
    expect(refusal(() => rehearseStateDirectory(scratch.path))).toEqual({});
    first.close();
    new StateDirectory(scratch.path).close();
  });

  test('has a place for each unit, by the name that no other has', () => {
    const path = scratch.file('state');
    mkdirSync(path);
    const directory = new StateDirectory(path);
    expect(directory.statePathOf({ naa: '3000000000000001' })).toBe(`${path}/naa.3000000000000001`);
    directory.close();
    rmSync(path, { recursive: true });
  });
});
