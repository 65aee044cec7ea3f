import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/command-line.ts';
import { VERSION } from '../../src/cli/version.ts';
import { FakeTarget, FakeWorld } from './fake-world.ts';

async function said(...parameters: string[]) {
  const world = new FakeWorld({ LUNARING_LOG_LEVEL: 'silent' });
  const code = await run(parameters, world);
  return { code, ...world };
}

describe('the command line', () => {
  test('explains itself', async () => {
    const { code, printed } = await said('--help');
    expect(code).toBe(0);
    for (const word of ['serve', 'check', 'env', 'explain', 'Examples', 'Exit status']) expect(printed).toContain(word);
  });

  test.each([['--version'], ['-V']])('%s prints the version of the package', async (option) => {
    expect(await said(option)).toMatchObject({ code: 0, printed: `${VERSION}\n` });
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('runs the commands', async () => {
    expect((await said('env')).printed).toContain('LUNARING_WORKERS');
    expect((await said('explain', '0203')).printed).toContain('TargetNotFound');
    expect((await said('check', '--config', '/nonexistent')).code).toBe(2);
  });

  test.each([[[]], [['serve']]])('%j serves', async (parameters) => {
    const world = new FakeWorld({ LUNARING_LOG_LEVEL: 'silent' });
    const target = new FakeTarget();
    world.startTarget = async () => {
      setImmediate(() => target.fail(new Error('enough')));
      return target;
    };
    expect(await run(parameters, world)).toBe(1);
    expect(target.stopped).toBe(1);
  });

  test.each([
    ['srve', 'did you mean serve?'],
    ['frobnicate', "unknown command 'frobnicate'"],
    ['--cofnig', '--config'],
  ])('answers 2 to %s, and suggests what may be meant', async (word, hint) => {
    const { code, complained } = await said(word);
    expect(code).toBe(2);
    expect(complained).toContain(hint);
  });
});
