// Removing what is stored in files: what was written is on the disk when that resolves, and main serves others until then.

import { fstatSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { THIS_MACHINE } from '../../src/control/machine.ts';
import { syncStorage, syncStorageAtEnd } from '../../src/control/storage-sync.ts';
import type { UnitSnapshot } from '../../src/ring/messages.ts';
import { OperatedTarget } from './operated-target.ts';

const A = 'iqn.2026-11.com.example:a';
const LACKS = 'what was written last may not be on the disk';
const EIO = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' });

/** Syncs that have yet to end, by descriptor. */
const syncing = new Map<number, (error: Error | null) => void>();
const sync = (fd: number): Promise<void> =>
  new Promise((resolve, reject) => {
    syncing.set(fd, (error) => (error === null ? resolve() : reject(error)));
  });

/** The sync of that descriptor ends. */
function end(fd: number, error: Error | null = null): void {
  const done = syncing.get(fd)!;
  syncing.delete(fd);
  done(error);
}

let target: OperatedTarget;
beforeEach(() => {
  const luns = [
    { lun: 0, path: 'a.img', size: '1MiB', direct: false },
    { lun: 1, path: 'b.img', size: '1MiB', direct: false },
  ];
  target = new OperatedTarget([{ name: A, luns }]);
  target.sync = sync;
  syncing.clear();
});
afterEach(() => target[Symbol.dispose]());

function logOf() {
  const lines: string[] = [];
  return { lines, log: pino({}, { write: (line: string) => void lines.push(line) }) };
}

function fdOf({ backend }: UnitSnapshot): number {
  if (backend.kind !== 'file') throw new Error('a unit in a file');
  return backend.fd;
}

describe('a unit that is removed', () => {
  test('is gone at once, and closed when the disk has it all, however long that takes', async () => {
    const { administration, catalog } = target;
    const fd = fdOf(catalog.units[0]!);
    let removed = false;
    const removal = administration.removeUnit(A, 0).then(() => {
      removed = true;
    });
    await vi.waitFor(() => expect([...syncing.keys()]).toEqual([fd]));
    expect(catalog.units.map(({ lun }) => lun)).toEqual([1]);
    expect(catalog.store.withOpenStorage().map(({ lun }) => lun)).toEqual([1, 0]);
    expect({ removed, open: fstatSync(fd).isFile() }).toEqual({ removed: false, open: true });
    // Others are changed meanwhile.
    expect(administration.growUnit(A, 1, 2 ** 21)).toBe(true);
    end(fd);
    await removal;
    expect(catalog.store.withOpenStorage().map(({ lun }) => lun)).toEqual([1]);
  });

  test('is closed though its sync failed: nobody is left who could be told', async () => {
    const { administration, catalog } = target;
    const fd = fdOf(catalog.units[0]!);
    const removal = administration.removeUnit(A, 0);
    await vi.waitFor(() => expect(syncing.has(fd)).toBe(true));
    end(fd, EIO);
    expect(await removal).toBe(true);
  });
});

describe('the storage of several units', () => {
  test('is synced one after the other, and every failure is logged', async () => {
    const { lines, log } = logOf();
    const { units } = target.catalog;
    const [first, second] = units.map(fdOf);
    const synced = syncStorage(units, { ...THIS_MACHINE, sync }, log);
    expect([...syncing.keys()]).toEqual([first]);
    end(first!, EIO);
    await vi.waitFor(() => expect([...syncing.keys()]).toEqual([second]));
    end(second!);
    await synced;
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ lun: 0, err: { code: 'EIO' }, msg: LACKS }]);
  });

  test('is synced at the end of the process, but for what nobody could write to', () => {
    const { lines, log } = logOf();
    const [first, second] = target.catalog.units;
    // A descriptor that nobody has: who syncs it hears so.
    const backend = { ...first!.backend, fd: 2 ** 30 } as UnitSnapshot['backend'];
    syncStorageAtEnd(
      [
        { ...first!, backend },
        { ...second!, backend, readOnly: true },
      ],
      log,
    );
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ lun: 0, err: { code: 'EBADF' }, msg: LACKS }]);
  });
});
