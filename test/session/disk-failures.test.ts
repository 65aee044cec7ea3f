// What the log says of a disk that fails: at once, and then so rarely that it stays readable.

import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { SLOT_BYTES_MAX } from '../../src/engine/slab.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { R2T } from '../../src/pdu/r2t.ts';
import { ScsiResponse, UNDERFLOW_BIT } from '../../src/pdu/scsi-response.ts';
import { Status } from '../../src/scsi/task.ts';
import { QUIET_MS } from '../../src/session/disk-failures.ts';
import { read16, synchronizeCache16, write16 } from '../support/cdbs.ts';
import { decode } from '../support/header-values.ts';
import { BLOCK_BYTES, SessionBench, SimLun } from '../support/session-bench.ts';
import type { SimInitiator } from '../support/sim-initiator.ts';

const { EIO, ENOSPC } = constants.errno;

/** A bench whose file fails, one initiator, and what was logged of disks. */
function failing(errno: number) {
  const bench = new SessionBench();
  const initiator = bench.logIn();
  bench.file.errno = errno;
  const logged = () => bench.log.filter((line) => line.includes('disk operation'));
  return { bench, initiator, logged };
}

function read(bench: SessionBench, initiator: SimInitiator, lba: number, lun: number = SimLun.FILE): void {
  initiator.command(read16(lba, 1), { lun, read: BLOCK_BYTES });
  bench.settle();
}

describe('a command whose pieces the disk answers in another order, and some of them with an error', () => {
  const PIECE = SLOT_BYTES_MAX;
  const BLOCKS_PER_PIECE = PIECE / BLOCK_BYTES;
  /** Behind the length, in the fixed format: INFORMATION. */
  const INFORMATION_AT = 2 + 3;

  const answer = (initiator: SimInitiator) => {
    const pdu = initiator.replies().at(-1)!;
    const { status, flags, residualCount } = decode(ScsiResponse, pdu.header);
    return { status, flags, residualCount, lba: pdu.data.readUInt32BE(INFORMATION_AT) };
  };

  it('if it is a READ counts all that it did not send as residual: hosts take what is before the LBA in error for read', () => {
    const { bench, initiator } = failing(EIO);
    bench.file.stuckBelow = PIECE;
    initiator.command(read16(0, 4 * BLOCKS_PER_PIECE), { read: 4 * PIECE });
    bench.settle();
    bench.file.errno = 0;
    bench.file.stuckBelow = 0;
    bench.settle();
    expect(answer(initiator)).toEqual({
      status: Status.CHECK_CONDITION,
      flags: FINAL_BIT | UNDERFLOW_BIT,
      residualCount: 4 * PIECE,
      lba: BLOCKS_PER_PIECE,
    });
  });

  it('if it is a READ does not count what it did send', () => {
    const { bench, initiator } = failing(0);
    initiator.command(read16(0, 16 * BLOCKS_PER_PIECE), { read: 16 * PIECE });
    const sent: number[] = [];
    for (let turn = 0; sent.length === 0 && turn < 10; turn++) {
      bench.engine.turn();
      sent.push(...initiator.replies().map(({ data }) => data.length));
    }
    bench.file.errno = EIO;
    bench.settle();
    const { lba, residualCount } = answer(initiator);
    expect(lba).toBeGreaterThanOrEqual(sent.length * BLOCKS_PER_PIECE);
    expect(residualCount).toBe(16 * PIECE - lba * BLOCK_BYTES);
  });

  it('tells the first LBA in error', () => {
    const { bench, initiator } = failing(EIO);
    const length = 2 * PIECE;
    bench.file.stuckBelow = PIECE;
    const tag = initiator.command(write16(0, 2 * BLOCKS_PER_PIECE), { write: length });
    for (let round = 0; round < 2; round++) {
      bench.settle();
      const { targetTransferTag, bufferOffset, desiredDataTransferLength } = decode(
        R2T,
        initiator.replies()[0]!.header,
      );
      initiator.dataOut(tag, new Uint8Array(desiredDataTransferLength), { targetTransferTag, bufferOffset });
    }
    bench.settle();
    bench.file.stuckBelow = 0;
    bench.settle();
    expect(answer(initiator)).toMatchObject({ status: Status.CHECK_CONDITION, lba: 0 });
  });
});

describe('a disk that fails', () => {
  it('is logged at once: what was done where, what came of it, and what to do', () => {
    const { bench, initiator, logged } = failing(EIO);
    read(bench, initiator, 21);
    expect(logged()).toEqual([
      'a disk operation failed: EIO, read at LBA 21; the disk failed, or the file is shorter than the unit by now: look at dmesg, and at the length of the file',
    ]);
  });

  it('is logged again only after a while, with the number of failures in between and the last of them', () => {
    const { bench, initiator, logged } = failing(EIO);
    for (let lba = 0; lba < 5; lba++) read(bench, initiator, lba);
    bench.pass(QUIET_MS - 1);
    expect(logged()).toHaveLength(1);
    bench.pass(1000);
    expect(logged()).toHaveLength(2);
    expect(logged()[1]).toMatch(/^4 disk operations failed, the last: EIO, read at LBA 4;/);
    bench.pass(2 * QUIET_MS);
    expect(logged()).toHaveLength(2);
  });

  it('is logged at once again when it has been well in between', () => {
    const { bench, initiator, logged } = failing(EIO);
    read(bench, initiator, 0);
    bench.pass(2 * QUIET_MS);
    read(bench, initiator, 1);
    expect(logged()).toHaveLength(2);
    expect(logged()[1]).toMatch(/^a disk operation failed: .* LBA 1;/);
  });

  it('is logged with what to do about a lack of space', () => {
    const { bench, initiator, logged } = failing(ENOSPC);
    initiator.command(write16(8, 1), { write: BLOCK_BYTES, data: Buffer.alloc(BLOCK_BYTES) });
    bench.settle();
    expect(logged()).toEqual([
      'a disk operation failed: ENOSPC, write at LBA 8; the file system is full: make room, and initiators can write again',
    ]);
  });

  it('has lost writes when a sync fails: that is said at once, whatever was said just before, and once', () => {
    const { bench, initiator, logged } = failing(EIO);
    read(bench, initiator, 21);
    const lost = () => bench.log.filter((line) => line.includes('may be lost'));
    for (let round = 0; round < 2; round++) {
      initiator.command(synchronizeCache16());
      bench.settle();
    }
    expect(lost()).toEqual([
      'writes that were acknowledged may be lost: a sync failed with EIO; SYNCHRONIZE CACHE and writes with FUA fail from now on; mend the disk, check or restore what is on the unit, then remove it and add it again, or start the target again (docs/administration.md)',
    ]);
    // Who goes on asking is counted as ever. No block is named where none failed.
    bench.pass(QUIET_MS + 1000);
    expect(logged()[1]).toMatch(/^2 disk operations failed, the last: ENOTRECOVERABLE, sync; a sync failed before, /);
  });

  it('is logged for what was written to it', () => {
    const { bench, initiator, logged } = failing(EIO);
    initiator.command(write16(8, 1), { write: BLOCK_BYTES, data: Buffer.alloc(BLOCK_BYTES) });
    bench.settle();
    expect(logged()[0]).toMatch(/EIO, write at LBA 8;/);
  });

  it('is no reason to log anything of another', () => {
    const { bench, initiator, logged } = failing(EIO);
    read(bench, initiator, 0, SimLun.MEMORY);
    expect(logged()).toEqual([]);
  });
});
