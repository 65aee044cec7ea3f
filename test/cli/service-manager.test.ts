// What a service manager hears of a whole run of `lunaring serve`, and what becomes of one that does not listen.

import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { ServiceManager } from '../../src/cli/service-manager.ts';
import { DatagramListener } from '../support/datagram-listener.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { Scratch } from '../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const LUNS = [{ lun: 0, backend: 'null' as const, size: '1GiB' }];

/** A log that keeps its messages. */
function keepingLog() {
  const messages: string[] = [];
  return { messages, log: pino({ level: 'warn' }, { write: (line) => messages.push(JSON.parse(line).msg) }) };
}

describe('a service manager', () => {
  test('hears that the target is ready, alive, and stopping', async () => {
    using scratch = new Scratch('notify');
    const socket = scratch.file('notify');
    using listener = await DatagramListener.start(socket);
    await using target = await TargetProcess.start(
      { targets: [{ name: TARGET_NAME, luns: LUNS }], tuning: { workers: 2, slabMiB: 16, nopIntervalMs: 0 } },
      { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '1000000' } },
    );
    const ready = await listener.next();
    expect(ready.split('\n')).toEqual([
      'READY=1',
      `MAINPID=${target.pid}`,
      expect.stringContaining(`STATUS=serving on 127.0.0.1:${target.port} (`),
    ]);
    using initiator = await RawInitiator.logIn(target.port);
    // Idle workers are alive as well: nothing is asked of them here, for longer than they are believed without a sign.
    for (let times = 0; times < 12; times++)
      expect(await listener.next()).toMatch(/^WATCHDOG=1\nSTATUS=serving on .* sessions$/);
    const nextBut = async (prefix: string): Promise<string> => {
      for (;;) {
        const heard = await listener.next();
        if (!heard.startsWith(prefix)) return heard;
      }
    };
    process.kill(target.pid, 'SIGHUP');
    expect(await nextBut('WATCHDOG=1')).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    expect(await nextBut('WATCHDOG=1')).toBe('READY=1');
    await initiator.logOut();
    target.drain();
    expect(await nextBut('WATCHDOG=1')).toMatch(/^STOPPING=1\n/);
    await target.stop();
  });

  test('hears of the end of a reload that fails as well', async () => {
    using listener = await DatagramListener.start(`@lunaring-reload-${process.pid}`);
    using manager = new ServiceManager({ NOTIFY_SOCKET: `@lunaring-reload-${process.pid}` }, keepingLog().log);
    const failed = manager.whileReloading(() => Promise.reject(new Error('not this time')));
    await expect(failed).rejects.toThrow('not this time');
    expect(await listener.next()).toMatch(/^RELOADING=1/);
    expect(await listener.next()).toBe('READY=1');
  });

  test('is not told of a life that is none', async () => {
    using listener = await DatagramListener.start(`@lunaring-watchdog-${process.pid}`);
    const { log, messages } = keepingLog();
    const environment = { NOTIFY_SOCKET: `@lunaring-watchdog-${process.pid}`, WATCHDOG_USEC: '20000' };
    using manager = new ServiceManager(environment, log);
    const pulses = [null, 'worker 1 is stuck', 'worker 1 is stuck', null];
    manager.watch(
      () => (pulses.length === 0 ? 'the test is over' : pulses.shift()!),
      () => `${pulses.length} to come`,
    );
    expect(await listener.next()).toBe('WATCHDOG=1\nSTATUS=3 to come');
    expect(await listener.next()).toBe('WATCHDOG=1\nSTATUS=0 to come');
    expect(messages.slice(0, 2)).toEqual(Array(2).fill('the watchdog is not fed: worker 1 is stuck'));
  });

  test.each([
    ['there is none', {}],
    ['it wants no signs of life', { NOTIFY_SOCKET: '/nowhere' }],
    ['they are wanted of another process', { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' }],
    ['it says something else', { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: 'soon' }],
  ])('gets no signs of life when %s', (_, environment) => {
    const interval = vi.spyOn(globalThis, 'setInterval');
    using manager = new ServiceManager(environment, keepingLog().log);
    manager.watch(
      () => null,
      () => '',
    );
    expect(interval).not.toHaveBeenCalled();
    interval.mockRestore();
  });

  test('that does not listen is mentioned in the log, and the target serves', () => {
    const { log, messages } = keepingLog();
    using manager = new ServiceManager({ NOTIFY_SOCKET: '/nowhere/notify' }, log);
    manager.ready('serving');
    manager.stopping();
    expect(messages).toEqual(Array(2).fill('the service manager does not hear us: sendto: ENOENT'));
    using _other = new ServiceManager({ NOTIFY_SOCKET: 'vsock:2:1' }, log);
    expect(messages.at(-1)).toMatch(/^NOTIFY_SOCKET can't be used: vsock:2:1/);
  });
});
