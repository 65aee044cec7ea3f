// A custom unit and its disk, with the thread's end left out: both sides in one, woken when the test says so.

import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { CustomBackend } from '../../src/backend/custom.ts';
import { NONE } from '../../src/base/free-list.ts';
import { Errno } from '../../src/kernel/errno.ts';
import { DiskOperation, Exchange } from '../../src/ring/exchange.ts';
import { Piece } from '../../src/scsi/task.ts';
import { ScriptedEngine } from '../support/scripted-engine.ts';

const { EIO, ENOSPC, ENXIO, ETIMEDOUT } = constants.errno;
const { ENOTRECOVERABLE } = Errno;
const TIMEOUT_MS = 5000;

class Bench {
  readonly engine = new ScriptedEngine();
  readonly memory: SharedArrayBuffer;
  /** The disk's side. */
  readonly disk: Exchange;
  readonly backend: CustomBackend<Piece>;
  readonly ended: (readonly [piece: number, errno: number])[] = [];
  /** Of the unit's losses: each errno that was noted. */
  readonly noted: number[] = [];
  rings = 0;
  closed = false;
  whenEnded = (): void => {};
  #pieces = 0;

  constructor(places: number, copying = 'by V8') {
    if (copying === 'by address') this.engine.copyByAddress();
    this.memory = Exchange.allocate(places);
    this.disk = new Exchange(this.memory);
    const bell = {
      postMessage: () => this.rings++,
      close: () => {
        this.closed = true;
      },
    };
    const parcel = { unit: 1, memory: this.memory, bell };
    const complete = (piece: Piece, errno: number) => {
      this.ended.push([piece.index, errno]);
      this.whenEnded();
    };
    const { noted } = this;
    const loss = {
      get happened() {
        return noted.length !== 0;
      },
      note: (errno: number) => void noted.push(errno),
    };
    this.backend = new CustomBackend<Piece>(this.engine.engine, parcel, TIMEOUT_MS, complete, loss);
  }

  piece(offset: number, length: number): Piece {
    const piece = new Piece(this.#pieces++);
    piece.at = piece.index * 8192;
    piece.address = this.engine.slab.base + piece.at;
    piece.offset = offset;
    piece.length = length;
    return piece;
  }

  dataOf(place: number, length: number): Uint8Array {
    return new Uint8Array(this.memory, this.disk.dataAt(place), length);
  }

  slabOf(piece: Piece): Uint8Array {
    return this.engine.slab.bytes.subarray(piece.at, piece.at + piece.length);
  }
}

describe.each(['by V8', 'by address'])('a custom unit, copying %s', (copying) => {
  it('gives a WRITE’s data to the disk, and has a READ’s from it', () => {
    const bench = new Bench(4, copying);
    const written = bench.piece(512, 1024);
    bench.slabOf(written).fill(0xab);
    bench.backend.write(written);
    const place = bench.disk.nextAsked();
    expect(bench.disk.operationOf(place)).toBe(DiskOperation.write);
    expect(Buffer.from(bench.dataOf(place, 1024)).equals(Buffer.alloc(1024, 0xab))).toBe(true);
    bench.disk.answer(place, 0, 0);
    bench.backend.answered();
    const read = bench.piece(2048, 512);
    bench.backend.read(read);
    const other = bench.disk.nextAsked();
    expect([bench.disk.offsetOf(other), bench.disk.lengthOf(other)]).toEqual([2048, 512]);
    bench.dataOf(other, 512).set(new Uint8Array(512).fill(0xcd));
    bench.disk.answer(other, 0, 0);
    expect(bench.ended).toEqual([[0, 0]]);
    bench.backend.answered();
    expect(bench.ended).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(Buffer.from(bench.slabOf(read)).equals(Buffer.alloc(512, 0xcd))).toBe(true);
  });
});

describe('a custom unit', () => {
  it('says what it wants done', () => {
    const bench = new Bench(8);
    const durable = bench.piece(0, 512);
    durable.durable = true;
    bench.backend.write(durable);
    bench.backend.sync(bench.piece(0, 0));
    bench.backend.clear(bench.piece(0, 2 ** 24), true);
    bench.backend.clear(bench.piece(0, 2 ** 24), false);
    const asked = [0, 1, 2, 3].map(() => bench.disk.operationOf(bench.disk.nextAsked()));
    expect(asked).toEqual([DiskOperation.writeDurably, DiskOperation.flush, DiskOperation.unmap, DiskOperation.zero]);
    expect(bench.rings).toBe(1);
  });

  it('says which block failed, and takes no data from a read that did', () => {
    const bench = new Bench(1);
    const piece = bench.piece(4096, 2048);
    bench.slabOf(piece).fill(0x11);
    bench.backend.read(piece);
    const place = bench.disk.nextAsked();
    bench.dataOf(place, 2048).fill(0x22);
    bench.disk.answer(place, EIO, 1024);
    bench.backend.answered();
    expect(bench.ended).toEqual([[0, EIO]]);
    expect(piece.progress).toBe(1024);
    expect(bench.slabOf(piece).every((byte) => byte === 0x11)).toBe(true);
  });

  it('has operations wait in order while the disk is busy', () => {
    const bench = new Bench(1);
    for (const offset of [0, 512, 1024]) bench.backend.read(bench.piece(offset, 512));
    for (const offset of [0, 512, 1024]) {
      expect(bench.disk.offsetOf(bench.disk.nextAsked())).toBe(offset);
      expect(bench.disk.nextAsked()).toBe(NONE);
      bench.disk.answer(0, 0, 0);
      bench.backend.answered();
    }
    expect(bench.ended.map(([index]) => index)).toEqual([0, 1, 2]);
  });

  it('lets nobody pass those who wait, not even who asks in the moment in which a place is free', () => {
    const bench = new Bench(1);
    for (const offset of [0, 512]) bench.backend.read(bench.piece(offset, 512));
    bench.whenEnded = () => bench.backend.read(bench.piece(1024, 512));
    const served: number[] = [];
    for (let round = 0; round < 3; round++) {
      const place = bench.disk.nextAsked();
      served.push(bench.disk.offsetOf(place));
      bench.disk.answer(place, 0, 0);
      bench.backend.answered();
      bench.whenEnded = () => {};
    }
    expect(served).toEqual([0, 512, 1024]);
  });

  it('ends what has waited for too long, and keeps its memory from others until the function has answered', () => {
    const bench = new Bench(1);
    bench.engine.clock = 1000;
    const late = bench.piece(0, 512);
    bench.backend.read(late);
    const place = bench.disk.nextAsked();
    bench.engine.clock = 3000;
    const next = bench.piece(512, 512);
    bench.backend.read(next);
    bench.backend.tick(1000 + TIMEOUT_MS - 1);
    expect(bench.ended).toEqual([]);
    bench.backend.tick(1000 + TIMEOUT_MS);
    expect(bench.ended).toEqual([[0, ETIMEDOUT]]);
    expect(bench.disk.isGivenUp(place)).toBe(true);
    // The function still has its memory: nobody else gets it, and what it writes there reaches nobody.
    expect(bench.disk.nextAsked()).toBe(NONE);
    bench.slabOf(late).fill(0x33);
    bench.dataOf(place, 512).fill(0x44);
    bench.disk.answer(place, 0, 0);
    bench.backend.answered();
    expect(bench.ended).toHaveLength(1);
    expect(bench.slabOf(late).every((byte) => byte === 0x33)).toBe(true);
    // Now it is the next one's turn.
    expect(bench.disk.offsetOf(bench.disk.nextAsked())).toBe(512);
  });

  it('ends also what has waited for a place for too long', () => {
    const bench = new Bench(1);
    bench.backend.read(bench.piece(0, 512));
    bench.backend.read(bench.piece(512, 512));
    bench.backend.tick(TIMEOUT_MS);
    expect(bench.ended).toEqual([
      [0, ETIMEDOUT],
      [1, ETIMEDOUT],
    ]);
    bench.backend.tick(2 * TIMEOUT_MS);
    expect(bench.ended).toHaveLength(2);
  });

  it('fails everything once the thread is gone, never inside the call that asks', () => {
    const bench = new Bench(1);
    bench.backend.read(bench.piece(0, 512));
    bench.backend.read(bench.piece(512, 512));
    bench.backend.lost();
    expect(bench.ended).toEqual([
      [0, ENXIO],
      [1, ENXIO],
    ]);
    const after = bench.piece(0, 512);
    bench.backend.write(after);
    expect(bench.ended).toHaveLength(2);
    expect(bench.engine.calls.at(-1)).toMatchObject({ call: 'nextTurn', token: 2 });
    bench.backend.fileDone(after);
    expect(bench.ended.at(-1)).toEqual([2, ENXIO]);
  });

  it('promises nothing any more once a flush has failed, without asking the disk', () => {
    const bench = new Bench(2);
    bench.backend.sync(bench.piece(0, 0));
    bench.disk.answer(bench.disk.nextAsked(), EIO, 0, true);
    bench.backend.answered();
    expect(bench.noted).toEqual([EIO]);
    const [durable, sync, plain] = [bench.piece(0, 512), bench.piece(0, 0), bench.piece(0, 512)];
    durable.durable = true;
    bench.backend.write(durable);
    bench.backend.sync(sync);
    expect(bench.disk.nextAsked()).toBe(NONE);
    for (const piece of [durable, sync]) bench.backend.fileDone(piece);
    bench.backend.write(plain);
    bench.disk.answer(bench.disk.nextAsked(), 0, 0);
    bench.backend.answered();
    expect(bench.ended).toEqual([
      [0, ENOTRECOVERABLE],
      [1, ENOTRECOVERABLE],
      [2, ENOTRECOVERABLE],
      [3, 0],
    ]);
  });

  it('notes the failure of a flush that had had its time, and no other', () => {
    const bench = new Bench(2);
    const durable = bench.piece(0, 512);
    durable.durable = true;
    bench.backend.write(durable);
    bench.disk.answer(bench.disk.nextAsked(), ENOSPC, 0);
    bench.backend.answered();
    expect([bench.ended, bench.noted]).toEqual([[[0, ENOSPC]], []]);
    bench.backend.sync(bench.piece(0, 0));
    const place = bench.disk.nextAsked();
    bench.backend.tick(TIMEOUT_MS);
    expect([bench.ended.at(-1), bench.noted]).toEqual([[1, ETIMEDOUT], []]);
    bench.disk.answer(place, EIO, 0, true);
    bench.backend.answered();
    expect(bench.noted).toEqual([EIO]);
    expect(bench.ended).toHaveLength(2);
  });

  it('lets others have a turn when asked to pause, and closes its bell with the unit', () => {
    const bench = new Bench(1);
    const piece = bench.piece(0, 0);
    bench.backend.pause(piece);
    expect(bench.engine.calls.at(-1)).toMatchObject({ call: 'nextTurn' });
    bench.backend.fileDone(piece);
    expect(bench.ended).toEqual([[0, 0]]);
    bench.backend.detach();
    expect(bench.closed).toBe(true);
    expect(bench.engine.regions.size).toBe(0);
  });
});
