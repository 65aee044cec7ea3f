// EXTENDED COPY as simulated initiators send it, in both forms: within a unit and from one to another, which come and go meanwhile.
// What may be copied while others write is copy-source.ts's; whether a copy may fail, judgement.ts's.

import { copyList, copySegment, copyTarget, extendedCopy } from '../support/copy-lists.ts';
import type { BlockModel, Change } from './block-model.ts';
import { transfersMax } from './commands.ts';
import { CopySource } from './copy-source.ts';
import type { Random } from './random.ts';
import { naaOf } from './target.ts';
import { type Answer, type Command, Status, type Touch } from './task.ts';
import type { SimUnit } from './unit.ts';

/** With more of them under way at once, too much might be anywhere for a mistake to be told. */
const UNDER_WAY_MAX = 2;
/** A CSCD descriptor's block length that leaves it to the unit. */
const BLOCK_LENGTH_OF_UNIT = { 30: 0 };
const ABORTED_COMMAND = 0x0b;
const COPY_ABORTED = 0x0a;
/** LIST ID USAGE. */
const Usage = { hold: 0, mayDiscard: 2, none: 3 } as const;

interface Segment {
  readonly source: SimUnit;
  readonly destination: SimUnit;
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/** Makes copies. */
export class CopyCommands {
  readonly #random: Random;
  #listIdentifier = 0;
  #underWay = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether another may begin. */
  get mayBegin(): boolean {
    return this.#underWay < UNDER_WAY_MAX;
  }

  #segment(units: readonly SimUnit[]): Segment {
    const random = this.#random;
    const source = random.pick(units);
    // A block holds one value.
    const destination = random.pick(units.filter(({ blocks }) => blocks.blockSize === source.blocks.blockSize));
    const reach = Math.min(source.blocks.count, destination.blocks.count);
    const count = Math.min(
      random.chance(0.5) ? random.between(1, 8) : random.between(1, transfersMax(source.blocks)),
      reach,
    );
    const place = ({ blocks }: SimUnit): number =>
      random.chance(0.5)
        ? Math.min(blocks.count - count, random.between(0, 12))
        : random.between(0, blocks.count - count);
    return { source, destination, from: place(source), to: place(destination), count };
  }

  /** A copy that `unit` manages. When it has ended, `copied` hears what it may have brought to a unit. */
  copy(unit: SimUnit, units: readonly SimUnit[], copied: (blocks: BlockModel, change: Change) => void): Command {
    const random = this.#random;
    const long = random.chance(0.5);
    const usage = random.pick(Object.values(Usage));
    const segments = Array.from({ length: random.between(1, 3) }, () => this.#segment(units));
    const targets = units.map(({ lun }) => copyTarget(naaOf(lun), BLOCK_LENGTH_OF_UNIT));
    const data = copyList({
      targets,
      segments: segments.map(({ source, destination, ...blocks }) =>
        copySegment({ ...blocks, source: units.indexOf(source), destination: units.indexOf(destination) }),
      ),
      // Those of copies under way differ.
      id: usage === Usage.none ? 0 : ++this.#listIdentifier % 256,
      usage,
      long,
    });
    const parts = begin(segments);
    this.#underWay++;
    const end = (each: (blocks: BlockModel, change: Change, index: number) => void): void => {
      this.#underWay--;
      for (const [index, { segment, source, change }] of parts.entries()) {
        segment.source.blocks.unfollow(source);
        segment.source.copies--;
        segment.destination.copies--;
        each(segment.destination.blocks, change, index);
        if (!change.refused) copied(segment.destination.blocks, change);
      }
    };
    const names = segments.map(
      (each) => `${each.source.lun}:${each.from}+${each.count} to ${each.destination.lun}:${each.to}`,
    );
    return {
      name: `EXTENDED COPY(LID${long ? 4 : 1}) ${names.join(', ')}`,
      lun: unit.lun,
      cdb: extendedCopy(data.length, long),
      data,
      read: 0,
      access: 'write',
      touches: segments.flatMap(touchesOf),
      answered: ({ status, senseKey, commandSpecific }: Answer) => {
        // Segments before that one are done, it is in part, and none that follow it are. Of a unit that was removed, any may be done.
        const failed = status === Status.CHECK_CONDITION && senseKey === COPY_ABORTED ? commandSpecific : 0;
        const done = status === Status.GOOD ? segments.length : failed;
        end((blocks, change, index) => {
          if (index < done) blocks.succeeded(change, false);
          else if (senseKey === ABORTED_COMMAND || (senseKey === COPY_ABORTED && index === failed)) blocks.over(change);
          else blocks.refused(change);
        });
      },
      over: () => end((blocks, change) => blocks.over(change)),
    };
  }
}

/** A segment reads what those before it have written, and neither what it writes itself nor what those after it do. */
function begin(segments: readonly Segment[]): { segment: Segment; source: CopySource; change: Change }[] {
  const parts = segments.map((segment) => ({
    segment,
    source: new CopySource(segment.source.blocks.look(segment.from, segment.count)),
  }));
  const begun = parts.toReversed().map(({ segment, source }) => {
    // First: what it writes may come back to it by way of another copy.
    segment.source.blocks.follow(source);
    const change = segment.destination.blocks.beginCopy(segment.to, source);
    segment.source.copies++;
    segment.destination.copies++;
    return { segment, source, change };
  });
  return begun.toReversed();
}

function touchesOf({ source, destination }: Segment): Touch[] {
  return [
    { lun: source.lun, access: 'read', reservations: source.reservations.version },
    { lun: destination.lun, access: 'write', reservations: destination.reservations.version },
  ];
}
