// A unit in a file or on a block device, through the engine's file operations.
// Sees a short transfer through to its end, finds a way to clear a range that this file system knows, and promises nothing once a sync failed.

import { type Engine, RangeMode, Stretch } from '../engine/engine.ts';
import { SLOT_ALIGNMENT } from '../engine/slab.ts';
import { Errno } from '../kernel/errno.ts';
import type { BackendSnapshot } from '../ring/messages.ts';
import type { Allocation, Backend, BlockComplete, BlockIo, Loss } from './backend.ts';
import { ZEROES_BYTES, zeroesOf } from './zeroes.ts';

/** What an operation is doing now, kept in `io.operation`. */
const Operation = {
  read: 0,
  write: 1,
  sync: 2,
  /** clear: giving the blocks back. */
  punch: 3,
  /** clear: zeroing them in place. */
  zero: 4,
  /** clear: writing zeroes, a stretch at a time. */
  fill: 5,
  pause: 6,
  /** write, durable: syncing what is in the page cache by now. */
  persist: 7,
  /** sync, write: not the disk's to answer any more. */
  refuse: 8,
  /** write, durable, direct: writing once more what failed, without having it last. */
  rewrite: 9,
} as const;

/**
 * O_DIRECT takes offsets, lengths and memory in whole sectors: the rest of a short transfer starts at a multiple of the smallest
 * there are. Devices with larger ones stop at a multiple of theirs anyway, unless the file ends there.
 */
const DIRECT_ALIGNMENT = SLOT_ALIGNMENT;

/**
 * See the file's head. The kernel tells of what it could not write to the disk at one sync, whoever's write it was, and only once per
 * open file: the pages are clean afterwards, and the next sync has nothing to do and succeeds (fsync(2)). What the first that fails may
 * have lost was acknowledged, so that nothing can be promised from then on, to nobody, until the file is opened anew. The same goes for
 * direct I/O, where it is the device's cache that nobody can vouch for.
 *
 * Of two syncs that end together the kernel tells one: the other, on another worker, may have been answered before this one heard.
 */
export class FileBackend<Io extends BlockIo> implements Backend<Io> {
  readonly kind = 'file';
  readonly immediate = false;
  readonly lender = null;
  readonly atomic = false;
  readonly #engine: Engine;
  readonly #fd: number;
  readonly #direct: boolean;
  readonly #complete: BlockComplete<Io>;
  readonly #loss: Loss;
  // Cleared when the file system or device turned out not to know it: asked once, not at every command.
  #canPunch: boolean;
  #canZero = true;

  constructor(
    engine: Engine,
    snapshot: Extract<BackendSnapshot, { kind: 'file' }>,
    complete: BlockComplete<Io>,
    loss: Loss,
  ) {
    this.#engine = engine;
    this.#fd = snapshot.fd;
    this.#direct = snapshot.direct;
    this.#canPunch = snapshot.canPunch;
    this.#complete = complete;
    this.#loss = loss;
  }

  /** Allocates nothing. */
  read(io: Io): void {
    io.operation = Operation.read;
    io.progress = 0;
    this.#engine.read(this.#fd, io.address, io.length, io.offset, io.index);
  }

  /** Allocates nothing. */
  write(io: Io): void {
    io.progress = 0;
    io.operation = Operation.write;
    if (io.durable && this.#loss.happened) this.#refuse(io);
    else this.#write(io);
  }

  sync(io: Io): void {
    if (this.#loss.happened) {
      this.#refuse(io);
      return;
    }
    io.operation = Operation.sync;
    this.#engine.sync(this.#fd, io.index);
  }

  clear(io: Io, deallocate: boolean): void {
    io.progress = 0;
    if (deallocate && this.#canPunch) this.#clearRange(io, Operation.punch);
    else if (this.#canZero) this.#clearRange(io, Operation.zero);
    else this.#fill(io);
  }

  pause(io: Io): void {
    io.operation = Operation.pause;
    this.#engine.nextTurn(io.index);
  }

  allocationAt(offset: number, end: number): Allocation {
    const data = this.#engine.findStretch(this.#fd, Stretch.data, offset);
    if (data > offset || data === -Errno.ENXIO) return { allocated: false, end: data < 0 ? end : Math.min(data, end) };
    const hole = data < 0 ? data : this.#engine.findStretch(this.#fd, Stretch.hole, offset);
    if (hole < 0) return { allocated: true, end };
    // A hole at the offset itself: another thread has just made it. One byte is enough for the caller to go on from.
    return { allocated: true, end: Math.min(Math.max(hole, offset + 1), end) };
  }

  /** Allocates nothing. */
  fileDone(io: Io, result: number): void {
    switch (io.operation) {
      case Operation.read:
      case Operation.write:
      case Operation.rewrite:
      case Operation.fill:
        this.#moved(io, result);
        return;
      case Operation.punch:
      case Operation.zero:
        this.#cleared(io, result);
        return;
      case Operation.persist:
      case Operation.sync:
        this.#synced(io, result);
        return;
      case Operation.refuse:
        this.#complete(io, Errno.ENOTRECOVERABLE);
        return;
      default:
        this.#complete(io, 0);
    }
  }

  detach(): void {}

  /** Goes on after a transfer of `moved` bytes, or ends. Allocates nothing. */
  #moved(io: Io, moved: number): void {
    if (moved < 0) {
      if (this.#lasts(io)) this.#rewrite(io, -moved);
      else this.#complete(io, -moved);
      return;
    }
    const end = io.progress + moved;
    if (end >= io.length) {
      this.#movedAll(io);
      return;
    }
    const progress = this.#direct ? end - (end % DIRECT_ALIGNMENT) : end;
    // No way on: the file has become shorter than the unit (0 bytes read), or a block can't be written.
    if (progress <= io.progress) {
      this.#complete(io, Errno.EIO);
      return;
    }
    io.progress = progress;
    if (io.operation === Operation.read) {
      const rest = io.length - progress;
      this.#engine.read(this.#fd, io.address + progress, rest, io.offset + progress, io.index);
    } else if (io.operation === Operation.fill) {
      this.#fill(io);
    } else {
      this.#write(io);
    }
  }

  /** Allocates nothing. */
  #movedAll(io: Io): void {
    if (io.operation === Operation.rewrite) this.#synced(io, -io.failure);
    else if (this.#lasts(io)) this.#synced(io, 0);
    else if (io.operation === Operation.write && io.durable) this.#persist(io);
    else this.#complete(io, 0);
  }

  /**
   * Whether this is a write and its sync in one, as they are by direct I/O: many devices do both as one, without emptying their caches.
   * Through the page cache a durable write is a write and then a sync: of both in one call nobody could say which failed, and a full file
   * system, or a block that can't be read to be changed in part, has lost nothing. Allocates nothing.
   */
  #lasts(io: Io): boolean {
    return io.operation === Operation.write && io.durable && this.#direct;
  }

  /** Writes what is left. Allocates nothing. */
  #write(io: Io): void {
    const { progress } = io;
    const rest = io.length - progress;
    this.#engine.write(this.#fd, io.address + progress, rest, io.offset + progress, this.#lasts(io), io.index);
  }

  /**
   * Of a write and its sync in one `errno` does not say which failed. What can't be written fails again, and has lost nothing. What can
   * be written failed at the sync, and next time the disk would not say so. Allocates nothing.
   */
  #rewrite(io: Io, errno: number): void {
    io.operation = Operation.rewrite;
    io.failure = errno;
    this.#write(io);
  }

  /** Allocates nothing. */
  #persist(io: Io): void {
    io.operation = Operation.persist;
    this.#engine.sync(this.#fd, io.index, io.offset, io.length);
  }

  /** Another sync may have failed meanwhile, on whichever worker, and have heard what was to be told of our own writes. */
  #synced(io: Io, result: number): void {
    if (result < 0) this.#loss.note(-result);
    // Nothing of a write is sure before its sync has succeeded.
    io.progress = 0;
    this.#complete(io, result < 0 || this.#loss.happened ? Errno.ENOTRECOVERABLE : 0);
  }

  #refuse(io: Io): void {
    io.operation = Operation.refuse;
    this.#engine.nextTurn(io.index);
  }

  #clearRange(io: Io, operation: typeof Operation.punch | typeof Operation.zero): void {
    io.operation = operation;
    const mode = operation === Operation.punch ? RangeMode.punchHole : RangeMode.zero;
    this.#engine.clearRange(this.#fd, mode, io.offset, io.length, io.index);
  }

  /** A range was cleared, or this way of clearing it does not work here and the next one is tried. */
  #cleared(io: Io, result: number): void {
    const errno = result < 0 ? -result : 0;
    const unsupported = errno === Errno.EOPNOTSUPP || errno === Errno.ENOSYS;
    if (unsupported && io.operation === Operation.punch) this.#canPunch = false;
    if (unsupported && io.operation === Operation.zero) this.#canZero = false;
    // EINVAL: a block device whose sectors are larger than this range; writing is what is left for it.
    if (!unsupported && errno !== Errno.EINVAL) this.#complete(io, errno);
    else if (io.operation === Operation.punch && this.#canZero) this.#clearRange(io, Operation.zero);
    else this.#fill(io);
  }

  /** Writes the next stretch of zeroes. */
  #fill(io: Io): void {
    io.operation = Operation.fill;
    const length = Math.min(ZEROES_BYTES, io.length - io.progress);
    this.#engine.write(this.#fd, zeroesOf(this.#engine), length, io.offset + io.progress, false, io.index);
  }
}
