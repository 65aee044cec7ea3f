// What is logged of operations that the storage of a unit fails: the first at once, those that follow as a count, so that a dying disk
// fills no log. What initiators hear of them is scsi/sense.ts's, and how often commands failed is counted in ring/figures.ts.

import type { Loss } from '../backend/backend.ts';
import { Errno, errnoName } from '../kernel/errno.ts';
import type { LostWrites } from '../ring/lost-writes.ts';
import type { UnitFailure, UnitSnapshot } from '../ring/messages.ts';
import type { LogicalUnit } from '../scsi/logical-unit.ts';
import type { Piece } from '../scsi/task.ts';

/** After a line about a unit there is none for so long, milliseconds. */
export const QUIET_MS = 10_000;

/** What to do about lost writes. */
const LOSS_REMEDY =
  'mend the disk, check or restore what is on the unit, then remove it and add it again, or start the target again (docs/administration.md)';

const GONE = 'the device is gone: bring it back, then start the target again';

/** What to do, by errno. */
const REMEDIES: Readonly<Record<number, string>> = {
  [Errno.EIO]:
    'the disk failed, or the file is shorter than the unit by now: look at dmesg, and at the length of the file',
  [Errno.ENOSPC]: 'the file system is full: make room, and initiators can write again',
  [Errno.EDQUOT]: 'the quota is used up: raise it or make room, and initiators can write again',
  [Errno.EROFS]: 'the file system is read-only by now: look at dmesg, and mount it for writing',
  [Errno.EPERM]: 'the file may not be changed: look at its attributes (lsattr)',
  [Errno.ENODEV]: GONE,
  [Errno.ENXIO]: GONE,
  [Errno.ENOTRECOVERABLE]: `a sync failed before, and nothing is promised to last since then: ${LOSS_REMEDY}`,
  [Errno.ETIMEDOUT]: 'the disk did not answer in time: it is overloaded or hangs',
};

/** Where a program keeps the blocks there is no file to look at. Of what else its functions answer the program alone knows why. */
const CUSTOM_REMEDIES: Readonly<Record<number, string>> = {
  [Errno.ENXIO]:
    'its function said hardware, or its thread is gone: mend it, or remove the unit and add it again (docs/library.md)',
  [Errno.ENOTRECOVERABLE]: REMEDIES[Errno.ENOTRECOVERABLE]!,
  [Errno.ETIMEDOUT]: REMEDIES[Errno.ETIMEDOUT]!,
};

function remedyFor(errno: number, { backend }: UnitSnapshot): string {
  if (backend.kind === 'custom') {
    return CUSTOM_REMEDIES[errno] ?? "a function of the program's disk failed: the program knows why (docs/library.md)";
  }
  return REMEDIES[errno] ?? 'errno(3) says what it means';
}

/** Of an operation; of lost writes there is less to say. */
type DiskFailure = Required<UnitFailure>;

/** What is known of a unit that fails. */
interface Trouble {
  quietUntil: number;
  /** Since the last line. */
  failures: number;
  last: DiskFailure | null;
  remedy: string;
}

/** The failures of one worker's units. */
export class DiskFailures {
  readonly #lostWrites: LostWrites;
  readonly #log: (message: string, failure: UnitFailure) => void;
  readonly #troubles = new Map<LogicalUnit, Trouble>();

  /** `lostWrites` is what all workers have found out. */
  constructor(lostWrites: LostWrites, log: (message: string, failure: UnitFailure) => void) {
    this.#lostWrites = lostWrites;
    this.#log = log;
  }

  /** The backend of `piece` answered with `errno`, at `now` on the engine's clock. */
  note(piece: Piece, errno: number, now: number): void {
    const unit = piece.unit!;
    // Of lost writes there is a line already.
    const quietUntil = errno === Errno.ENOTRECOVERABLE ? now + QUIET_MS : now;
    const trouble = this.#troubles.get(unit) ?? { quietUntil, failures: 0, last: null, remedy: '' };
    this.#troubles.set(unit, trouble);
    trouble.failures++;
    trouble.last = describe(unit, piece, errno, trouble.failures);
    trouble.remedy = remedyFor(errno, unit.snapshot);
    if (now >= trouble.quietUntil) this.#say(trouble, now);
  }

  /** What the unit's backend asks, and says when a sync fails. Of all workers the one that finds out logs it, once. */
  lossOf(snapshot: UnitSnapshot): Loss {
    const { id } = snapshot;
    const lostWrites = this.#lostWrites;
    return {
      get happened() {
        return lostWrites.errnoOf(id) !== 0;
      },
      note: (errno) => {
        if (lostWrites.note(id, errno)) this.#sayLost(snapshot, errno);
      },
    };
  }

  #sayLost({ targetName, lun, backend }: UnitSnapshot, errno: number): void {
    const path = backend.kind === 'file' ? backend.path : '';
    const what = `writes that were acknowledged may be lost: a sync failed with ${errnoName(errno)}`;
    const since = 'SYNCHRONIZE CACHE and writes with FUA fail from now on';
    this.#log(`${what}; ${since}; ${LOSS_REMEDY}`, { targetName, lun, path, errno: errnoName(errno) });
  }

  /** About once a second: says what has not been said, and forgets units that are well again. */
  tick(now: number): void {
    for (const [unit, trouble] of this.#troubles) {
      if (now < trouble.quietUntil) continue;
      if (trouble.failures === 0) this.#troubles.delete(unit);
      else this.#say(trouble, now);
    }
  }

  #say(trouble: Trouble, now: number): void {
    const failure = trouble.last!;
    const { operation, errno, lba, failures } = failure;
    const where = lba === null ? '' : ` at LBA ${lba}`;
    const what = failures === 1 ? 'a disk operation failed' : `${failures} disk operations failed, the last`;
    this.#log(`${what}: ${errno}, ${operation}${where}; ${trouble.remedy}`, failure);
    trouble.quietUntil = now + QUIET_MS;
    trouble.failures = 0;
  }
}

function describe({ snapshot, blockSize }: LogicalUnit, piece: Piece, errno: number, failures: number): DiskFailure {
  const { targetName, lun, backend } = snapshot;
  return {
    targetName,
    lun,
    path: backend.kind === 'file' ? backend.path : '',
    operation: piece.asked,
    // What was done before is not what failed.
    lba: piece.asked === 'sync' ? null : Math.floor((piece.offset + piece.progress) / blockSize),
    errno: errnoName(errno),
    failures,
  };
}
