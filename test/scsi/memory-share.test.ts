import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/engine/slab.ts';
import { MemoryShare, MemoryShares } from '../../src/scsi/memory-share.ts';
import { Task } from '../../src/scsi/task.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

describe('MemoryShare', () => {
  const shares = (): MemoryShares => new MemoryShares(new Slab({ bytes: 64 * MIB, receiveBytes: 4096 }));

  it('leaves room for others, the less to each the more of them have something', () => {
    const all = shares();
    const alone = all.bytesMax;
    expect(alone).toBeGreaterThan(4 * MIB);
    const taken = Array.from({ length: 8 }, () => {
      const share = new MemoryShare(all);
      share.take(all.bytesMax, all.cellsMax);
      return share;
    });
    expect(all.active).toBe(8);
    expect(all.bytesMax).toBeLessThan(alone / 3);
    expect(taken.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(48 * MIB);
    for (const share of taken) share.give(share.bytes, share.cells);
    expect([all.active, all.bytesMax]).toEqual([0, alone]);
  });

  it('always has room for one piece and the headers to send it with', () => {
    const all = shares();
    all.activate(10_000);
    const share = new MemoryShare(all);
    expect(share.hasRoom(256 * KIB, 32)).toBe(true);
    share.take(256 * KIB, 32);
    expect(share.hasRoom(0, 1)).toBe(false);
  });

  it('has as much room again for data that come unasked', () => {
    const all = shares();
    const share = new MemoryShare(all);
    share.take(all.bytesMax, 0);
    expect(share.hasRoom(1, 0)).toBe(false);
    expect(share.hasRoomUnasked(all.bytesMax)).toBe(true);
    expect(share.hasRoomUnasked(all.bytesMax + 1)).toBe(false);
  });

  it('has its room for what was asked for beside data that came unasked', () => {
    const all = shares();
    const share = new MemoryShare(all);
    share.take(2 * all.bytesMax, 0);
    share.unasked += 2 * all.bytesMax;
    expect([share.hasRoomUnasked(1), share.hasRoom(all.bytesMax, 1)]).toEqual([false, true]);
    share.take(all.bytesMax, 0);
    expect(share.hasRoom(1, 0)).toBe(false);
  });

  it('has room beside all that for what commands keep, and counts as one that has something', () => {
    const all = shares();
    const share = new MemoryShare(all);
    share.take(2 * all.bytesMax, all.cellsMax);
    expect(share.hasRoomToKeep(all.bytesMax + 1)).toBe(true);
    share.keep(all.bytesMax);
    expect([share.hasRoomToKeep(1), all.active]).toEqual([false, 1]);
    share.give(share.bytes, share.cells);
    expect([share.hasRoom(all.bytesMax, 1), all.active]).toEqual([true, 1]);
    share.keep(-share.kept);
    expect(all.active).toBe(0);
  });

  it('says once that it was relieved, and only if somebody waits', () => {
    const all = shares();
    const share = new MemoryShare(all);
    share.take(3 * KIB, 3);
    share.give(KIB, 1);
    expect(all.relieved).toEqual([]);
    share.waiting.push(new Task());
    share.give(KIB, 1);
    share.give(KIB, 1);
    expect(all.relieved).toEqual([share]);
  });
});
