import { afterEach, describe, expect, test, vi } from 'vitest';
import { serve } from '../../src/cli/serve.ts';
import { ConfigurationError } from '../../src/config/finding.ts';
import { FakeTarget, FakeWorld } from './fake-world.ts';

afterEach(() => vi.restoreAllMocks());

const QUIET = { LUNARING_LOG_LEVEL: 'silent' };

/** A promise to be kept later: Promise.withResolvers is not in Node 20. */
function deferred() {
  let resolve!: () => void;
  const promise = new Promise<void>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

/** Starts serving a target that does nothing, and waits until it is up. `signal` is what the process would deliver. */
async function start(environment: Record<string, string> = QUIET, target = new FakeTarget()) {
  const world = new FakeWorld(environment);
  const before = process.listeners('SIGTERM');
  const finished = await new Promise<{ code: ReturnType<typeof serve> }>((resolve) => {
    const started: { code?: ReturnType<typeof serve> } = {};
    world.startTarget = async () => {
      setImmediate(() => resolve({ code: started.code! }));
      return target;
    };
    started.code = serve({}, world);
  });
  const [handler] = process.listeners('SIGTERM').filter((listener) => !before.includes(listener));
  return { world, target, code: finished.code, signal: () => handler?.('SIGTERM'), before };
}

describe('serve', () => {
  test('says that it is up, stops at the first signal, and answers 0', async () => {
    const { world, target, code, signal, before } = await start();
    expect(world.printed).toContain('is ready');
    expect(target.stopped).toBe(0);
    signal();
    expect(await code).toBe(0);
    expect(target.stopped).toBe(1);
    expect(process.listeners('SIGTERM')).toEqual(before);
  });

  test('ends on the spot at the second signal', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const target = new FakeTarget();
    const stopped = deferred();
    target.stop = () => stopped.promise;
    const { code, signal } = await start(QUIET, target);
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000);
    signal();
    // npm passes on what the terminal has sent already.
    clock.mockReturnValue(1020);
    signal();
    expect(kill).not.toHaveBeenCalled();
    clock.mockReturnValue(3000);
    signal();
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGTERM');
    stopped.resolve();
    expect(await code).toBe(0);
  });

  test('stops and answers 1 when the target can’t go on', async () => {
    const { target, code } = await start();
    target.fail(new Error('every worker is gone'));
    expect(await code).toBe(1);
    expect(target.stopped).toBe(1);
  });

  test('stops in order even when the reason can’t be logged', async () => {
    const { target, code } = await start();
    const reason = new Error('every worker is gone');
    Object.defineProperty(reason, 'message', {
      get() {
        throw new Error('there is nothing to say');
      },
    });
    target.fail(reason);
    expect(await code).toBe(1);
    expect(target.stopped).toBe(1);
  });

  test('does not hang when stopping fails', async () => {
    const target = new FakeTarget();
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    target.stop = async () => {
      throw new Error('a worker does not answer');
    };
    const { code, signal } = await start(QUIET, target);
    signal();
    await code;
    expect(kill).toHaveBeenCalledExactlyOnceWith(process.pid, 'SIGKILL');
  });

  test('a signal during the start stops the target as soon as it is up', async () => {
    const world = new FakeWorld(QUIET);
    const target = new FakeTarget();
    const before = process.listeners('SIGTERM');
    world.startTarget = async () => {
      const [handler] = process.listeners('SIGTERM').filter((listener) => !before.includes(listener));
      handler?.('SIGTERM');
      return target;
    };
    expect(await serve({}, world)).toBe(0);
    expect(target.stopped).toBe(1);
  });

  test('answers 1 when the target can’t be started', async () => {
    expect(await serve({}, new FakeWorld(QUIET))).toBe(1);
  });

  test('answers 2 for what the configuration says, whoever finds it', async () => {
    const refused = new FakeWorld({ LUNARING_WORKERS: 'many' });
    expect(await serve({}, refused)).toBe(2);
    expect(refused.complained).toContain('LUNARING_WORKERS');

    const finding = {
      severity: 'error',
      path: 'p',
      origin: 'o',
      received: 'r',
      allowed: 'a',
      remedy: 'buy a disk',
    } as const;
    const later = new FakeWorld(QUIET);
    later.startTarget = async () => {
      throw new ConfigurationError([finding]);
    };
    expect(await serve({}, later)).toBe(2);
    expect(later.complained).toContain('buy a disk');
  });

  test('prints one line of JSON when the log is JSON', async () => {
    const { world, code, signal } = await start({ ...QUIET, LUNARING_LOG_FORMAT: 'json' });
    signal();
    await code;
    expect(world.printed.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(world.printed)).toMatchObject({ event: 'ready', engine: 'uring', workers: 2 });
  });
});
