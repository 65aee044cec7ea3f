// The side of a custom disk that runs its functions: what they are given, what becomes of their errors, and of a worker that has left.

import { constants } from 'node:os';
import { setImmediate as turn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Disk, DiskError } from '../../src/backend/disk.ts';
import { NONE } from '../../src/base/free-list.ts';
import { PAGE_BYTES } from '../../src/base/page.ts';
import { type DiskReport, DiskServer } from '../../src/control/disk-server.ts';
import { DiskOperation, EXCHANGE_DATA_BYTES, Exchange } from '../../src/ring/exchange.ts';

const { EBUSY, ECANCELED, EIO, ENOSPC } = constants.errno;

/** A disk's server, and the worker's end of a link to it. */
function connect(disk: Partial<Disk>, places = 4) {
  const reports: DiskReport[] = [];
  const server = new DiskServer({ read: () => {}, ...disk }, (report) => reports.push(report));
  const worker = new Exchange(Exchange.allocate(places));
  const { port1, port2 } = new MessageChannel();
  server.connect({ memory: worker.memory, port: port1, wakeFd: -1 });
  onTestFinished(() => port2.close());
  return {
    server,
    worker,
    reports,
    port: port2,
    /** The server's end. */
    served: port1,
    bytes: (place: number, length: number) => new Uint8Array(worker.memory, worker.dataAt(place), length),
    /** Asks, and waits for the answer. */
    async run(operation: DiskOperation, offset: number, length: number): Promise<[errno: number, failedAt: number]> {
      worker.workerHeard();
      const heard = new Promise((resolve) => port2.once('message', resolve));
      if (worker.ask(0, operation, offset, length)) port2.postMessage(0);
      await heard;
      expect(worker.nextAnswered()).toBe(0);
      return [worker.errnoOf(0), worker.errnoOf(0) === 0 ? 0 : worker.failedAtOf(0)];
    },
  };
}

/** Another worker's end of a link to the same disk. */
function link(server: DiskServer) {
  const worker = new Exchange(Exchange.allocate(4));
  const { port1, port2 } = new MessageChannel();
  server.connect({ memory: worker.memory, port: port1, wakeFd: -1 });
  onTestFinished(() => port2.close());
  return { worker, port: port2 };
}

/** A disk whose functions end when they are told to. */
function heldDisk() {
  const calls: string[] = [];
  const ends: (() => void)[] = [];
  const hold = (call: string): Promise<void> => {
    calls.push(call);
    return new Promise((resolve) => ends.push(resolve));
  };
  return {
    calls,
    /** Ends the call that was made first of those that have yet to end. */
    async end(): Promise<void> {
      ends.shift()!();
      await turn();
    },
    read: (_: Uint8Array, offset: number) => hold(`read ${offset}`),
    write: (data: Uint8Array, offset: number) => hold(`write ${data[0]} at ${offset}`),
    flush: () => hold('flush'),
    unmap: (offset: number, length: number) => hold(`unmap ${offset}+${length}`),
  };
}

/** Without the pages that it shares with its neighbours. */
const insideOf = (data: Uint8Array) => data.subarray(PAGE_BYTES, -PAGE_BYTES);

describe('a disk’s server', () => {
  it('reads into memory that holds zeroes', async () => {
    const disk = connect({ read: async (buffer, offset) => void buffer.set([offset / 512], 1) });
    disk.bytes(0, 512).fill(0xff);
    expect(await disk.run(DiskOperation.read, 1024, 512)).toEqual([0, 0]);
    expect([...disk.bytes(0, 4)]).toEqual([0, 2, 0, 0]);
    expect(
      disk
        .bytes(0, 512)
        .subarray(4)
        .every((byte) => byte === 0),
    ).toBe(true);
  });

  it.each<[what: string, errno: number, then: (ok: () => void, no: (error: Error) => void) => void]>([
    ['answers twice', 0, (ok) => [ok(), ok()]],
    ['answers both ways', ENOSPC, (ok, no) => [no(new DiskError('space', 'full')), ok()]],
    [
      'throws when it has answered',
      0,
      (ok) => {
        ok();
        throw new Error('too late');
      },
    ],
    [
      'throws in place of an answer',
      EIO,
      () => {
        throw new Error('no');
      },
    ],
  ])('answers once when what a function returned %s', async (_, errno, then) => {
    // A promise of one's own make, or of another library's.
    const disk = connect({ read: () => ({ then }) as unknown as Promise<void> });
    expect((await disk.run(DiskOperation.read, 0, 512))[0]).toBe(errno);
    await turn();
    expect(disk.worker.nextAnswered()).toBe(NONE);
  });

  it('flushes behind a write that is to be durable', async () => {
    const calls: string[] = [];
    const disk = connect({
      write: (data, offset) => void calls.push(`write ${data.length} at ${offset}`),
      flush: async () => void calls.push('flush'),
    });
    await disk.run(DiskOperation.write, 512, 1024);
    await disk.run(DiskOperation.writeDurably, 0, 512);
    await disk.run(DiskOperation.flush, 0, 0);
    expect(calls).toEqual(['write 1024 at 512', 'write 512 at 0', 'flush', 'flush']);
  });

  it('answers for functions that the disk does not have', async () => {
    const calls: string[] = [];
    const disk = connect({ write: (data, offset) => void calls.push(`${offset}+${data.length} ${data[0]}`) });
    expect(await disk.run(DiskOperation.flush, 0, 0)).toEqual([0, 0]);
    expect(await disk.run(DiskOperation.unmap, 512, 600 * 1024)).toEqual([0, 0]);
    const zeroes = ['512+262144 0', '262656+262144 0', '524800+90112 0'];
    expect(calls).toEqual(zeroes);
    expect(await disk.run(DiskOperation.zero, 512, 600 * 1024)).toEqual([0, 0]);
    expect(calls).toEqual([...zeroes, ...zeroes]);
  });

  it('gives a range back by the disk’s own function', async () => {
    const calls: string[] = [];
    const disk = connect({ write: () => {}, unmap: (offset, length) => void calls.push(`${offset}+${length}`) });
    await disk.run(DiskOperation.unmap, 4096, 2 ** 24);
    expect(calls).toEqual(['4096+16777216']);
  });

  it('answers what an error means, thrown or rejected, and says where it was', async () => {
    const disk = connect({
      read(_, offset) {
        throw new DiskError('medium', 'a scratch', { offset: offset + 1024 });
      },
      write: () => Promise.reject(new DiskError('space', 'full')),
    });
    expect(await disk.run(DiskOperation.read, 4096, 2048)).toEqual([EIO, 1024]);
    expect(await disk.run(DiskOperation.read, 4096, 1024)).toEqual([EIO, 0]);
    expect(await disk.run(DiskOperation.write, 0, 512)).toEqual([ENOSPC, 0]);
    expect(disk.reports).toEqual([]);
  });

  it('reports errors that nobody meant, once per kind', async () => {
    const disk = connect({
      read: () => Promise.reject(new TypeError('a mistake')),
      flush: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' })),
    });
    for (let times = 0; times < 3; times++) expect(await disk.run(DiskOperation.read, 0, 512)).toEqual([EIO, 0]);
    expect(await disk.run(DiskOperation.flush, 0, 0)).toEqual([EIO, 0]);
    expect(disk.reports.map(({ operation }) => operation)).toEqual(['read', 'flush']);
    expect(disk.reports[0]!.error).toContain('TypeError: a mistake');
  });

  it.each<[what: string, make: () => unknown]>([
    ['an error whose offset is a bigint', () => Object.assign(new DiskError('medium', 'a scratch'), { offset: 0n })],
    ['an object that has no text', () => Object.create(null)],
    ['an error whose code is a symbol', () => Object.assign(new Error('odd'), { code: Symbol('odd') })],
    ['an error whose name is a symbol', () => Object.assign(new Error('odd'), { name: Symbol('odd') })],
    [
      'an error whose getters throw',
      () =>
        Object.defineProperty({}, 'code', {
          get() {
            throw new Error('odder');
          },
        }),
    ],
    [
      'a proxy that was revoked',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
  ])('answers and serves on when a function throws %s', async (_, make) => {
    const disk = connect({
      read() {
        throw make();
      },
      write: () => Promise.reject(make()),
    });
    expect(await disk.run(DiskOperation.read, 0, 512)).toEqual([EIO, 0]);
    expect(await disk.run(DiskOperation.write, 0, 512)).toEqual([EIO, 0]);
  });

  it.each<[what: string, operation: DiskOperation]>([
    ['SYNCHRONIZE CACHE', DiskOperation.flush],
    ['write that is to be durable', DiskOperation.writeDurably],
  ])('remembers that the flush for a %s has failed, for all workers', async (_, operation) => {
    let failure: DiskError | null = new DiskError('space', 'full', { offset: 512 });
    const disk = connect({
      write: () => {},
      flush() {
        if (failure !== null) throw failure;
      },
    });
    expect(await disk.run(operation, 0, 1024)).toEqual([ENOSPC, 0]);
    expect(disk.worker.hasLostWrites(0)).toBe(true);
    failure = null;
    expect(await disk.run(DiskOperation.write, 0, 512)).toEqual([0, 0]);
    const other = link(disk.server);
    other.worker.ask(0, DiskOperation.flush, 0, 0);
    other.port.postMessage(0);
    await expect.poll(() => other.worker.nextAnswered()).toBe(0);
    expect([other.worker.errnoOf(0), other.worker.hasLostWrites(0)]).toEqual([ENOSPC, true]);
  });

  it('remembers the failure of a flush also when its worker has left', async () => {
    let fail = (_: Error): void => {};
    const disk = connect({
      flush: () =>
        new Promise((_, reject) => {
          fail = reject;
        }),
    });
    disk.worker.ask(0, DiskOperation.flush, 0, 0);
    disk.port.postMessage(0);
    const left = new Promise((resolve) => disk.served.once('close', resolve));
    await turn();
    disk.port.close();
    await left;
    fail(new Error('lost'));
    const other = link(disk.server);
    other.worker.ask(0, DiskOperation.flush, 0, 0);
    other.port.postMessage(0);
    await turn();
    fail(new DiskError('notReady', 'later'));
    await expect.poll(() => other.worker.nextAnswered()).toBe(0);
    expect([other.worker.errnoOf(0), other.worker.hasLostWrites(0)]).toEqual([EIO, true]);
  });

  it('takes nothing for lost when a flush is to be asked for again, or what was to be flushed is not written', async () => {
    const failures = ['notReady', 'aborted'] as const;
    let flushes = 0;
    const disk = connect({
      write: () => Promise.reject(new DiskError('medium', 'a scratch')),
      flush() {
        const kind = failures[flushes++];
        if (kind !== undefined) throw new DiskError(kind, 'later');
      },
    });
    for (const errno of [EBUSY, ECANCELED, 0]) {
      expect(await disk.run(DiskOperation.writeDurably, 0, 512)).toEqual([EIO, 0]);
      expect(disk.worker.hasLostWrites(0)).toBe(false);
      expect(await disk.run(DiskOperation.flush, 0, 0)).toEqual([errno, 0]);
      expect(disk.worker.hasLostWrites(0)).toBe(false);
    }
  });

  it('serves what was asked before it listened, and ends operations in any order', async () => {
    const ends = new Map<number, () => void>();
    const read: Disk['read'] = (_, offset) => new Promise((resolve) => ends.set(offset, resolve));
    const { worker } = connect({ read });
    const memory = new Exchange(Exchange.allocate(2));
    const server = new DiskServer({ read }, () => {});
    memory.ask(0, DiskOperation.read, 512, 512);
    memory.ask(1, DiskOperation.read, 1024, 512);
    const { port1, port2 } = new MessageChannel();
    server.connect({ memory: memory.memory, port: port1, wakeFd: -1 });
    expect([...ends.keys()]).toEqual([512, 1024]);
    ends.get(1024)!();
    await turn();
    expect(memory.nextAnswered()).toBe(1);
    ends.get(512)!();
    await turn();
    expect(memory.nextAnswered()).toBe(0);
    expect(worker.nextAnswered()).toBe(NONE);
    port2.close();
  });

  it('lets a function end whose worker has left, and gives the memory back then', async () => {
    const ends = new Map<number, () => void>();
    const disk = connect({ write: (_, offset) => new Promise((resolve) => ends.set(offset, resolve)) });
    const data = disk.bytes(0, EXCHANGE_DATA_BYTES).fill(7);
    for (const place of [0, 1]) disk.worker.ask(place, DiskOperation.write, place * 512, 512);
    disk.port.postMessage(0);
    await expect.poll(() => ends.size).toBe(2);
    const left = new Promise((resolve) => disk.served.once('close', resolve));
    disk.port.close();
    await left;
    for (const end of ends.values()) {
      // What is still being written is the data.
      expect(data.every((byte) => byte === 7)).toBe(true);
      end();
      await turn();
    }
    expect(insideOf(data).every((byte) => byte === 0)).toBe(true);
  });

  it('has what overlaps a write that nobody waits for any more wait until it has ended', async () => {
    const held = heldDisk();
    const { worker, port, bytes } = connect(held, 6);
    for (const place of [0, 1]) bytes(place, 1).fill(place + 1);
    worker.ask(0, DiskOperation.write, 512, 1024);
    port.postMessage(0);
    await expect.poll(() => held.calls).toEqual(['write 1 at 512']);
    worker.giveUp(0);
    worker.ask(1, DiskOperation.write, 1024, 512);
    worker.ask(2, DiskOperation.read, 0, 1024);
    worker.ask(3, DiskOperation.unmap, 0, 512);
    worker.ask(4, DiskOperation.read, 1536, 512);
    worker.ask(5, DiskOperation.flush, 0, 0);
    port.postMessage(0);
    await expect.poll(() => held.calls).toHaveLength(3);
    expect(held.calls.slice(1)).toEqual(['read 1536', 'flush']);
    await held.end();
    // The unmap overlaps what was asked before it.
    expect(held.calls.slice(3)).toEqual(['write 2 at 1024', 'read 0']);
    for (let calls = 0; calls < 4; calls++) await held.end();
    expect(held.calls.slice(5)).toEqual(['unmap 0+512']);
  });

  it('has it wait also when the worker that wrote has left', async () => {
    const held = heldDisk();
    const { server, worker, port, served, bytes } = connect(held);
    const other = link(server);
    for (const place of [0, 1]) {
      bytes(place, 1).fill(place + 1);
      worker.ask(place, DiskOperation.write, 0, 512);
    }
    port.postMessage(0);
    await expect.poll(() => held.calls).toEqual(['write 1 at 0']);
    const left = new Promise((resolve) => served.once('close', resolve));
    port.close();
    await left;
    other.worker.ask(0, DiskOperation.read, 0, 512);
    other.port.postMessage(0);
    await turn();
    expect(held.calls).toHaveLength(1);
    await held.end();
    // What the other worker had asked for as well, and had not begun, is not done any more.
    expect(held.calls).toEqual(['write 1 at 0', 'read 0']);
  });

  it('takes what a worker asked before it failed before what others ask after that', async () => {
    const held = heldDisk();
    const { server, worker, bytes } = connect(held);
    const other = link(server);
    bytes(0, 1).fill(1);
    worker.ask(0, DiskOperation.write, 0, 512);
    other.worker.ask(0, DiskOperation.write, 0, 512);
    // The message of the first is still on its way.
    other.port.postMessage(0);
    await expect.poll(() => held.calls).toEqual(['write 1 at 0']);
    await held.end();
    expect(held.calls).toEqual(['write 1 at 0', 'write 0 at 0']);
  });

  it('gives the place back of an operation that waits when its worker waits no more, and does not run it', async () => {
    const held = heldDisk();
    const { worker, port } = connect(held);
    for (const place of [0, 1, 2]) worker.ask(place, DiskOperation.write, 0, 512);
    port.postMessage(0);
    await expect.poll(() => held.calls).toHaveLength(1);
    for (const place of [0, 1]) if (worker.giveUp(place)) port.postMessage(0);
    await expect.poll(() => worker.nextAnswered()).toBe(1);
    await held.end();
    expect(worker.nextAnswered()).toBe(0);
    expect(held.calls).toHaveLength(2);
    await held.end();
    expect(worker.nextAnswered()).toBe(2);
    expect(held.calls).toHaveLength(2);
  });

  it('runs nothing any more at its end that waits, and flushes and closes behind late writes, whoever asked for them', async () => {
    const held = heldDisk();
    const { server, worker, port } = connect({ ...held, close: () => void held.calls.push('close') });
    const other = link(server);
    for (const place of [0, 1]) worker.ask(place, DiskOperation.write, 0, 512);
    port.postMessage(0);
    await expect.poll(() => held.calls).toHaveLength(1);
    if (worker.giveUp(0)) port.postMessage(0);
    other.worker.ask(0, DiskOperation.unmap, 512, 512);
    other.worker.ask(1, DiskOperation.read, 1024, 512);
    other.port.postMessage(0);
    await expect.poll(() => held.calls).toHaveLength(3);
    const closed = server.close();
    await turn();
    await held.end();
    const asked = ['write 0 at 0', 'unmap 512+512', 'read 1024'];
    expect(held.calls).toEqual(asked);
    await held.end();
    // A read that is late harms nobody.
    expect(held.calls).toEqual([...asked, 'flush']);
    await held.end();
    await held.end();
    await closed;
    expect(held.calls).toEqual([...asked, 'flush', 'close']);
  });

  it('gives the memory back when a worker leaves that waits for nothing', async () => {
    const disk = connect({});
    const data = disk.bytes(0, EXCHANGE_DATA_BYTES).fill(7);
    await disk.run(DiskOperation.flush, 0, 0);
    const left = new Promise((resolve) => disk.served.once('close', resolve));
    await disk.server.close();
    await left;
    expect(insideOf(data).every((byte) => byte === 0)).toBe(true);
  });

  it('flushes and closes at the end, and says what went wrong with that', async () => {
    const calls: string[] = [];
    await connect({
      flush: () => void calls.push('flush'),
      close: async () => void calls.push('close'),
    }).server.close();
    expect(calls).toEqual(['flush', 'close']);
    const throwing = (message: string) => () => {
      throw new Error(message);
    };
    await expect(connect({ flush: () => Promise.reject(new Error('lost')) }).server.close()).rejects.toThrow('lost');
    await expect(connect({ close: throwing('stuck') }).server.close()).rejects.toThrow('stuck');
    const { server, reports } = connect({ flush: throwing('lost'), close: throwing('stuck') });
    await expect(server.close()).rejects.toThrow('lost');
    expect(reports).toEqual([{ operation: 'close', error: expect.stringContaining('stuck') }]);
  });
});
