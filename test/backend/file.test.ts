// The file backend against an engine that answers as a disk on a bad day does.

import { constants } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Loss } from '../../src/backend/backend.ts';
import { FileBackend } from '../../src/backend/file.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { Piece } from '../../src/scsi/task.ts';
import { type FileCall, ScriptedEngine } from '../support/scripted-engine.ts';
import { makeLoss } from '../support/scsi-bench.ts';

const { EINVAL, EIO, ENOSPC, EOPNOTSUPP } = constants.errno;
const FD = 9;
const ZEROES_BYTES = 256 * 1024;

interface Rig {
  readonly engine: ScriptedEngine;
  readonly backend: FileBackend<Piece>;
  readonly piece: Piece;
  /** Errnos that were reported. */
  readonly ended: number[];
  /** What other workers know as well. */
  readonly loss: Loss;
  /** Answers the last call with each result in turn; the calls that were made, from the first. */
  answer(...results: number[]): FileCall[];
}

function rig(options: { direct?: boolean; canPunch?: boolean; skew?: number } = {}): Rig {
  const engine = new ScriptedEngine(options.skew);
  const ended: number[] = [];
  const { direct = false, canPunch = true } = options;
  const snapshot = { kind: 'file', fd: FD, path: '/disk', direct, canPunch } as const;
  const loss = makeLoss();
  const backend = new FileBackend<Piece>(engine.engine, snapshot, (_, errno) => ended.push(errno), loss);
  const piece = new Piece(42);
  piece.at = 4096;
  piece.address = 4096;
  piece.length = 8192;
  piece.offset = 65536;
  const answer = (...results: number[]): FileCall[] => {
    for (const result of results) backend.fileDone(piece, result);
    return engine.calls;
  };
  return { engine, backend, piece, ended, loss, answer };
}

describe('a read', () => {
  it('is one operation, and never ends inside the call', () => {
    const { backend, piece, engine, ended, answer } = rig();
    backend.read(piece);
    expect(ended).toEqual([]);
    expect(engine.calls).toEqual([
      { call: 'read', fd: FD, address: 4096, length: 8192, offset: 65536, durable: false, token: 42 },
    ]);
    answer(8192);
    expect(ended).toEqual([0]);
  });

  it('goes on where a short one stopped', () => {
    const { backend, piece, ended, answer } = rig();
    backend.read(piece);
    const calls = answer(100, 8000, 92);
    expect(calls.map(({ address, length, offset }) => [address - 4096, length, offset - 65536])).toEqual([
      [0, 8192, 0],
      [100, 8092, 100],
      [8100, 92, 8100],
    ]);
    expect(ended).toEqual([0]);
  });

  it('fails at the end of a file that has become shorter than the unit', () => {
    const { backend, piece, ended, answer } = rig();
    backend.read(piece);
    answer(4096, 0);
    expect(ended).toEqual([EIO]);
  });

  it('passes an error on', () => {
    const { backend, piece, ended, answer } = rig();
    backend.read(piece);
    answer(512, -EIO);
    expect(ended).toEqual([EIO]);
  });

  it('with O_DIRECT goes on at a sector, and gives up when that is where it was', () => {
    const { backend, piece, engine, ended, answer } = rig({ direct: true });
    backend.read(piece);
    answer(1000);
    expect(engine.calls.at(-1)).toMatchObject({ address: 4096 + 512, length: 8192 - 512, offset: 65536 + 512 });
    answer(100);
    expect(ended).toEqual([EIO]);
  });

  it('with any short transfers ends after exactly its bytes, or with an error', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.integer({ min: 0, max: 4096 }), { maxLength: 30 }), (direct, sizes) => {
        const { backend, piece, engine, ended, answer } = rig({ direct });
        backend.read(piece);
        for (const size of sizes) {
          if (ended.length !== 0) break;
          const { length, offset, address } = engine.calls.at(-1)!;
          expect(offset - 65536).toBe(address - 4096);
          expect(offset + length).toBe(65536 + 8192);
          if (direct) expect(offset % 512).toBe(0);
          answer(Math.min(size, length));
        }
        if (ended.length === 0) answer(engine.calls.at(-1)!.length);
        expect(ended.length).toBe(1);
      }),
    );
  });
});

describe('a write', () => {
  it('by direct I/O keeps FUA over its parts', () => {
    const { backend, piece, ended, answer } = rig({ direct: true });
    piece.durable = true;
    backend.write(piece);
    const calls = answer(4096, 4096);
    expect(calls.map(({ call, durable, length }) => [call, durable, length])).toEqual([
      ['write', true, 8192],
      ['write', true, 4096],
    ]);
    expect(ended).toEqual([0]);
  });

  it('reports a full disk', () => {
    const { backend, piece, ended, answer } = rig();
    backend.write(piece);
    answer(4096, -ENOSPC);
    expect(ended).toEqual([ENOSPC]);
  });
});

describe('a durable write through the page cache', () => {
  it('is written, in parts if need be, and then its range is synced', () => {
    const { backend, piece, ended, answer } = rig();
    piece.durable = true;
    backend.write(piece);
    const calls = answer(4096, 4096);
    expect(calls.map(({ call, durable, offset, length }) => [call, durable, offset - 65536, length])).toEqual([
      ['write', false, 0, 8192],
      ['write', false, 4096, 4096],
      ['sync', false, 0, 8192],
    ]);
    expect(ended).toEqual([]);
    answer(0);
    expect(ended).toEqual([0]);
  });

  it('that can not be written has lost nothing', () => {
    const { backend, piece, ended, loss, answer } = rig();
    piece.durable = true;
    backend.write(piece);
    answer(4096, -ENOSPC);
    backend.sync(piece);
    answer(0);
    expect({ ended, happened: loss.happened }).toEqual({ ended: [ENOSPC, 0], happened: false });
  });

  it('whose sync fails is not known to have kept any of it, nor what was acknowledged before', () => {
    const { backend, piece, ended, loss, answer } = rig();
    piece.durable = true;
    backend.write(piece);
    answer(8192, -ENOSPC);
    expect({ ended, happened: loss.happened }).toEqual({ ended: [Errno.ENOTRECOVERABLE], happened: true });
    expect(piece.progress).toBe(0);
  });
});

describe('a durable write by direct I/O', () => {
  const durably = () => {
    const made = rig({ direct: true });
    made.piece.durable = true;
    made.backend.write(made.piece);
    return made;
  };

  it('that fails is tried once more without lasting', () => {
    const { ended, answer } = durably();
    const calls = answer(4096, -EIO);
    expect(calls.map(({ call, durable, offset, length }) => [call, durable, offset - 65536, length])).toEqual([
      ['write', true, 0, 8192],
      ['write', true, 4096, 4096],
      ['write', false, 4096, 4096],
    ]);
    expect(ended).toEqual([]);
  });

  it('that then can be written failed at its sync: nothing is promised any more', () => {
    const { backend, piece, engine, ended, loss, answer } = durably();
    const note = vi.spyOn(loss, 'note');
    answer(-ENOSPC, 4096, 4096);
    expect({ ended, noted: note.mock.calls }).toEqual({ ended: [Errno.ENOTRECOVERABLE], noted: [[ENOSPC]] });
    expect(piece.progress).toBe(0);
    backend.sync(piece);
    answer(0);
    expect(engine.calls.map(({ call }) => call)).toEqual(['write', 'write', 'write', 'nextTurn']);
    expect(ended).toEqual([Errno.ENOTRECOVERABLE, Errno.ENOTRECOVERABLE]);
  });

  it('that then can not be written either has lost nothing, and says where it failed', () => {
    const { backend, piece, ended, loss, answer } = durably();
    answer(-EIO, 4096, -ENOSPC);
    expect({ ended, progress: piece.progress, happened: loss.happened }).toEqual({
      ended: [ENOSPC],
      progress: 4096,
      happened: false,
    });
    backend.sync(piece);
    answer(0);
    expect(ended).toEqual([ENOSPC, 0]);
  });

  it('does not succeed when another worker has heard meanwhile what was lost', () => {
    const { ended, loss, answer } = durably();
    loss.note(EIO);
    answer(8192);
    expect(ended).toEqual([Errno.ENOTRECOVERABLE]);
  });
});

describe('sync', () => {
  it('asks for all of the file', () => {
    const { backend, piece, engine, ended, answer } = rig();
    backend.sync(piece);
    expect(engine.calls).toMatchObject([{ call: 'sync', fd: FD, offset: 0, length: 0, token: 42 }]);
    answer(0);
    expect(ended).toEqual([0]);
  });

  it.each([false, true])(
    'that fails (direct: %s) is followed by none that succeeds, and by no durable write',
    (direct) => {
      const { backend, piece, engine, ended, answer } = rig({ direct });
      backend.sync(piece);
      answer(-EIO);
      backend.sync(piece);
      answer(0);
      piece.durable = true;
      backend.write(piece);
      expect(ended.length).toBe(2);
      answer(0);
      // Neither was asked of the disk: it would have said yes.
      expect(engine.calls.map(({ call }) => call)).toEqual(['sync', 'nextTurn', 'nextTurn']);
      expect(ended).toEqual([Errno.ENOTRECOVERABLE, Errno.ENOTRECOVERABLE, Errno.ENOTRECOVERABLE]);
    },
  );

  it('does not succeed when another worker has heard meanwhile what was lost', () => {
    const { backend, piece, ended, loss, answer } = rig();
    backend.sync(piece);
    loss.note(EIO);
    answer(0);
    expect(ended).toEqual([Errno.ENOTRECOVERABLE]);
  });

  it('that failed keeps nobody from reading, and from writing what nobody promises to keep', () => {
    const { backend, piece, ended, loss, answer } = rig();
    loss.note(EIO);
    backend.read(piece);
    answer(8192);
    backend.write(piece);
    answer(8192);
    expect(ended).toEqual([0, 0]);
  });
});

describe('clear', () => {
  it('punches where space is to be given back, zeroes where it is to be kept', () => {
    const { backend, piece, ended, answer } = rig();
    backend.clear(piece, true);
    answer(0);
    backend.clear(piece, false);
    const calls = answer(0);
    expect(calls.map(({ call, length, offset }) => [call, length, offset])).toEqual([
      ['punchHole', 8192, 65536],
      ['zero', 8192, 65536],
    ]);
    expect(ended).toEqual([0, 0]);
  });

  it('falls back from punching to zeroing to writing, and remembers', () => {
    const { backend, piece, engine, ended, answer } = rig();
    backend.clear(piece, true);
    answer(-EOPNOTSUPP, -EOPNOTSUPP, 8192);
    expect(engine.calls.map(({ call }) => call)).toEqual(['punchHole', 'zero', 'write']);
    expect(ended).toEqual([0]);
    backend.clear(piece, true);
    expect(engine.calls.at(-1)!.call).toBe('write');
  });

  it('does not punch where main found that it can not', () => {
    const { backend, piece, engine } = rig({ canPunch: false });
    backend.clear(piece, true);
    expect(engine.calls.map(({ call }) => call)).toEqual(['zero']);
  });

  it('writes a range that the device takes only whole sectors for, and tries again next time', () => {
    const { backend, piece, engine, ended, answer } = rig();
    backend.clear(piece, true);
    answer(-EINVAL, -EINVAL, 8192);
    backend.clear(piece, true);
    expect(engine.calls.map(({ call }) => call)).toEqual(['punchHole', 'zero', 'write', 'punchHole']);
    expect(ended).toEqual([0]);
  });

  it('passes other errors on', () => {
    const { backend, piece, ended, answer } = rig();
    backend.clear(piece, true);
    answer(-ENOSPC);
    expect(ended).toEqual([ENOSPC]);
  });

  it('fills long ranges a stretch of zeroes at a time, from aligned memory', () => {
    const { backend, piece, engine, ended, answer } = rig({ skew: 24 });
    piece.length = 2 * ZEROES_BYTES + 1024;
    backend.clear(piece, false);
    answer(-EOPNOTSUPP, ZEROES_BYTES, 512, ZEROES_BYTES, 512);
    const [[base, memory]] = [...engine.regions] as [[number, SharedArrayBuffer]];
    const writes = engine.calls.slice(1);
    expect(writes.map(({ length, offset }) => [length, offset - 65536])).toEqual([
      [ZEROES_BYTES, 0],
      [ZEROES_BYTES, ZEROES_BYTES],
      [ZEROES_BYTES, ZEROES_BYTES + 512],
      [512, 2 * ZEROES_BYTES + 512],
    ]);
    for (const { address, length } of writes) {
      expect(address % 4096).toBe(0);
      expect(address).toBeGreaterThanOrEqual(base);
      expect(address + length).toBeLessThanOrEqual(base + memory.byteLength);
    }
    expect(ended).toEqual([0]);
  });
});

describe('the map of a file', () => {
  const { ENXIO } = constants.errno;
  it.each([
    ['space up to a hole', [5000, 7000], { allocated: true, end: 7000 }],
    ['space beyond what was asked about', [5000, 20_000], { allocated: true, end: 9000 }],
    ['a hole up to data', [6000], { allocated: false, end: 6000 }],
    ['a hole beyond what was asked about', [20_000], { allocated: false, end: 9000 }],
    ['nothing more', [-ENXIO], { allocated: false, end: 9000 }],
    ['a file system that does not tell', [-EINVAL], { allocated: true, end: 9000 }],
    ['a hole that was made between two questions', [5000, 5000], { allocated: true, end: 5001 }],
  ])('%s', (_, answers, expected) => {
    const { engine, backend } = rig();
    engine.stretches.push(...answers);
    expect(backend.allocationAt(5000, 9000)).toEqual(expected);
    expect(engine.stretches).toEqual([]);
  });
});

describe('a pause', () => {
  it('ends in the next turn', () => {
    const { backend, piece, engine, ended, answer } = rig();
    backend.pause(piece);
    expect(engine.calls.map(({ call, token }) => [call, token])).toEqual([['nextTurn', 42]]);
    expect(ended).toEqual([]);
    answer(0);
    expect(ended).toEqual([0]);
  });
});
