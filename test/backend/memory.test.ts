// The memory and null backends: what they copy, what they lend, and that they end inside the call.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryBackend, unitMemory } from '../../src/backend/memory.ts';
import { NullBackend } from '../../src/backend/null.ts';
import { AssertionFailure } from '../../src/base/assert.ts';
import { Piece } from '../../src/scsi/task.ts';
import { ScriptedEngine } from '../support/scripted-engine.ts';

const SIZE = 1024 * 1024;

const PAGE = 4096;
/** Where a buffer of many pages begins behind one: the C library keeps its length there. */
const SKEW = 16;

describe.each([
  ['by V8', 0],
  ['by V8', SKEW],
  ['by address', 0],
  ['by address', SKEW],
])('the memory backend, copying %s, in a buffer that begins %i bytes behind a page', (copying, skew) => {
  it('behaves like an array', () => {
    const engine = new ScriptedEngine(skew);
    if (copying === 'by address') engine.copyByAddress();
    const memory = unitMemory(SIZE);
    let ended = 0;
    const backend = new MemoryBackend<Piece>(engine.engine, memory, (_, errno) => {
      expect(errno).toBe(0);
      ended++;
    });
    const model = new Uint8Array(SIZE);
    const { bytes } = engine.slab;
    const piece = new Piece(0);
    const action = fc.tuple(
      fc.constantFrom('read', 'write', 'clear'),
      fc.nat({ max: SIZE - 1 }),
      fc.integer({ min: 1, max: 65536 }),
      fc.nat({ max: 255 }),
    );
    let expectedEnds = 0;
    fc.assert(
      fc.property(fc.array(action, { maxLength: 20 }), (actions) => {
        for (const [kind, offset, drawn, fill] of actions) {
          piece.offset = offset;
          piece.length = Math.min(drawn, SIZE - offset);
          piece.at = 8192;
          const data = bytes.subarray(piece.at, piece.at + piece.length);
          const there = model.subarray(offset, offset + piece.length);
          if (kind === 'write') {
            for (let index = 0; index < data.length; index++) data[index] = fill + index;
            there.set(data);
            backend.write(piece);
          } else if (kind === 'clear') {
            there.fill(0);
            backend.clear(piece);
          } else {
            data.fill(0x77);
            backend.read(piece);
            expect(Buffer.compare(data, there)).toBe(0);
          }
          expect(ended).toBe(++expectedEnds);
        }
        expect(Buffer.compare(new Uint8Array(memory, (PAGE - skew) % PAGE, SIZE), model)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('the memory backend', () => {
  it('lends its own bytes where the caller has no memory', () => {
    const engine = new ScriptedEngine();
    const backend = new MemoryBackend<Piece>(engine.engine, unitMemory(SIZE), () => {});
    const piece = new Piece(0);
    piece.offset = 12345;
    piece.length = 512;
    backend.read(piece);
    const [base] = [...engine.regions.keys()];
    expect(piece.address).toBe(base! + 12345);
    backend.detach();
    expect(engine.regions.size).toBe(0);
  });

  it('begins on a page, so that no copy has its target a few bytes behind its source', () => {
    const engine = new ScriptedEngine(SKEW);
    const backend = new MemoryBackend<Piece>(engine.engine, unitMemory(SIZE), () => {});
    const piece = new Piece(0);
    piece.offset = 512;
    piece.length = 512;
    backend.read(piece);
    expect(piece.address % PAGE).toBe(512);
    backend.detach();
    expect(engine.regions.size).toBe(0);
  });

  it('reaches across the seams of its views', () => {
    const engine = new ScriptedEngine();
    const seam = 2 ** 30;
    const memory = unitMemory(seam + SIZE);
    const backend = new MemoryBackend<Piece>(engine.engine, memory, () => {});
    const around = new Uint8Array(memory, seam - 4096, 8192);
    const piece = new Piece(0);
    piece.at = 0;
    piece.length = 4096;
    piece.offset = seam - 2048;
    engine.slab.bytes.fill(0x5a, 0, 4096);
    backend.write(piece);
    expect(around.findIndex((byte) => byte !== 0)).toBe(2048);
    expect(around.findLastIndex((byte) => byte !== 0)).toBe(6143);
    piece.offset = seam - 1024;
    piece.length = 2048;
    backend.clear(piece);
    expect(around.subarray(3072, 5120).every((byte) => byte === 0)).toBe(true);
    expect(around.filter((byte) => byte !== 0).length).toBe(2048);
    piece.offset = seam;
    piece.length = 2048;
    backend.read(piece);
    expect(Buffer.compare(engine.slab.bytes.subarray(0, 2048), around.subarray(4096, 6144))).toBe(0);
  });

  it('never touches what is not its own', () => {
    const engine = new ScriptedEngine();
    const backend = new MemoryBackend<Piece>(engine.engine, unitMemory(SIZE), () => {});
    const piece = new Piece(0);
    piece.at = 0;
    piece.offset = SIZE - 511;
    piece.length = 512;
    expect(() => backend.read(piece)).toThrow(AssertionFailure);
    expect(() => backend.write(piece)).toThrow(AssertionFailure);
    expect(() => backend.clear(piece)).toThrow(AssertionFailure);
    piece.at = -1;
    expect(() => backend.read(piece)).toThrow(AssertionFailure);
  });
});

describe('the memory backend with atomic writes', () => {
  it('reads once more what another worker has written atomically meanwhile', () => {
    const engine = new ScriptedEngine();
    engine.copyByAddress();
    const memory = unitMemory(SIZE, true);
    const ours = new MemoryBackend<Piece>(engine.engine, memory, () => {}, true);
    const other = new ScriptedEngine();
    const theirs = new MemoryBackend<Piece>(other.engine, memory, () => {}, true);
    const [read, write] = [new Piece(0), new Piece(1)];
    for (const piece of [read, write]) {
      piece.at = 8192;
      piece.offset = 4096;
      piece.length = 8192;
    }
    write.atomic = true;
    const writeOf = (byte: number): void => {
      other.slab.bytes.fill(byte, write.at, write.at + write.length);
      theirs.write(write);
    };
    writeOf(1);
    // The copy has come half way when the other worker writes, two times over.
    const whole = engine.slab.copyByAddress!;
    const writes = [2, 3];
    engine.slab.copyByAddress = (to, from, length) => {
      const half = length / 2;
      whole(to, from, half);
      const byte = writes.shift();
      if (byte !== undefined) writeOf(byte);
      whole(to + half, from + half, length - half);
    };
    ours.read(read);
    expect(engine.slab.bytes.subarray(read.at, read.at + read.length)).toEqual(new Uint8Array(8192).fill(3));
    expect(writes).toEqual([]);
  });
});

describe('the null backend', () => {
  it.each(['by V8', 'by address'])('reads zeroes into memory, or lends zeroes, copying %s', (copying) => {
    const engine = new ScriptedEngine();
    if (copying === 'by address') engine.copyByAddress();
    let ended = 0;
    const backend = new NullBackend<Piece>(engine.engine, () => ended++);
    const piece = new Piece(0);
    piece.length = 262144;
    piece.at = 4096;
    engine.slab.bytes.fill(0xff);
    backend.read(piece);
    expect(engine.slab.bytes.indexOf(0)).toBe(4096);
    expect(engine.slab.bytes.indexOf(0xff, 4096)).toBe(4096 + 262144);
    piece.at = -1;
    backend.read(piece);
    const [[base, memory]] = [...engine.regions] as [[number, SharedArrayBuffer]];
    const start = piece.address - base;
    expect(new Uint8Array(memory, start, piece.length).every((byte) => byte === 0)).toBe(true);
    backend.write(piece);
    backend.sync(piece);
    backend.clear(piece);
    expect(ended).toBe(5);
  });

  it('shares its zeroes with every other null unit of the engine', () => {
    const engine = new ScriptedEngine();
    new NullBackend<Piece>(engine.engine, () => {});
    new NullBackend<Piece>(engine.engine, () => {});
    expect(engine.regions.size).toBe(1);
  });
});

describe.each([
  [
    'memory',
    (engine: ScriptedEngine, ended: () => void) => new MemoryBackend<Piece>(engine.engine, unitMemory(8192), ended),
  ],
  ['null', (engine: ScriptedEngine, ended: () => void) => new NullBackend<Piece>(engine.engine, ended)],
] as const)('a pause on the %s backend', (_, make) => {
  it('ends in the next turn', () => {
    const engine = new ScriptedEngine();
    let ended = 0;
    const backend = make(engine, () => ended++);
    const piece = new Piece(42);
    backend.pause(piece);
    expect([engine.calls.length, ended]).toEqual([1, 0]);
    backend.fileDone(piece);
    expect(ended).toBe(1);
  });
});

describe('the map', () => {
  it('of memory is all space, of nothing all hole', () => {
    const engine = new ScriptedEngine();
    const memory = new MemoryBackend<Piece>(engine.engine, unitMemory(8192), () => {});
    expect(memory.allocationAt(512, 8192)).toEqual({ allocated: true, end: 8192 });
    const none = new NullBackend<Piece>(engine.engine, () => {});
    expect(none.allocationAt(512, 8192)).toEqual({ allocated: false, end: 8192 });
  });
});
