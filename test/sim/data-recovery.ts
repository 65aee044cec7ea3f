// What a simulated connection says of its READs' data: acknowledges it, and asks for what lacks, as it was or cut anew (RFC 7143 §11.16).
// What has come is incoming-data.ts's; answers that lack are answers.ts's.

import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { ACKNOWLEDGE_BIT, DataIn } from '../../src/pdu/data-in.ts';
import { SnackRequest, SnackType } from '../../src/pdu/snack.ts';
import { decode } from '../support/header-values.ts';
import { type Answers, ASK_AGAIN_MS } from './answers.ts';
import { type SimClock, Violation } from './clock.ts';
import type { Run } from './incoming-data.ts';
import type { Random } from './random.ts';
import type { Requests } from './requests.ts';
import type { SimTask } from './task.ts';

const TYPE_MASK = 0x0f;
/** How often what lacks of a new cut is asked for by cutting it once more. */
const CUT_AGAIN = 0.3;
/** How likely data of an older declaration is to be asked for before anything is known to lack, each time that is looked after. */
const IMPATIENT = 0.05;

/** See the file's head. */
export class DataRecovery {
  readonly #connection: Requests;
  readonly #answers: Answers;
  readonly #clock: SimClock;
  readonly #random: Random | null;
  /** Data that is to be acknowledged once it is complete, by Initiator Task Tag. */
  readonly #due = new Map<number, { lun: Uint8Array; targetTransferTag: number; expDataSN: number }>();
  /** Whose data was acknowledged, by Target Transfer Tag. */
  readonly #acknowledged = new Map<number, SimTask>();
  /** Pings behind R-Data SNACKs, by tag: what comes behind their answers is cut anew. */
  readonly #marks = new Map<number, { task: SimTask; snackTag: number }>();
  /** Whose data was asked for as it was cut last, while the target may not have come to a declaration that was sent before. */
  readonly #ventured = new Set<SimTask>();
  /** Commands whose data was asked to be cut anew, and that were not answered over this connection: their status may come twice. */
  readonly #cut = new Set<number>();
  /** There were any: what was sent before, status included, is discarded. */
  hasCut = false;

  /** `random`: for what only declarations bring about. */
  constructor(connection: Requests, answers: Answers, clock: SimClock, random: Random | null) {
    this.#connection = connection;
    this.#answers = answers;
    this.#clock = clock;
    this.#random = random;
  }

  /** Data of the last cut has come. */
  took(task: SimTask, header: Buffer): void {
    const { flags, lun, targetTransferTag, dataSN } = decode(DataIn, header);
    if ((flags & ACKNOWLEDGE_BIT) !== 0) {
      if (this.#connection.level === 0)
        throw new Violation('level 0 asks for no acknowledgement', task.tag.toString(16));
      this.#due.set(task.tag, { lun, targetTransferTag, expDataSN: dataSN + 1 });
    }
    const { expDataSN } = task.incoming;
    const due = this.#due.get(task.tag);
    if (due === undefined || expDataSN < due.expDataSN) return;
    this.#due.delete(task.tag);
    this.#acknowledged.set(due.targetTransferTag, task);
    task.incoming.acknowledge();
    this.#connection.acknowledgeData(due.lun, due.targetTransferTag, expDataSN);
  }

  /** Asks for PDUs that lack, unless that was done a moment ago. */
  ask(task: SimTask, run: Run): void {
    if (this.#clock.now - task.snackedAt < ASK_AGAIN_MS) return;
    if (this.#mustCut(task)) {
      this.#cutAnew(task);
      return;
    }
    if (this.#connection.declaration.uncertain) this.#ventured.add(task);
    this.#connection.snackData(task, run);
  }

  /** Whether to ask for data that may have been sent under another declaration, though they may be on their way. */
  isImpatientFor({ command, incoming }: SimTask): boolean {
    const older = command.read !== 0 && this.#connection.declaration.version !== incoming.declaration;
    return older && this.#random!.chance(IMPATIENT);
  }

  /** §11.16.3: data that may have been sent under another declaration have to be cut anew. */
  #mustCut({ command, incoming }: SimTask): boolean {
    const { declaration } = this.#connection;
    if (command.read === 0) return false;
    if (declaration.version !== incoming.declaration || incoming.ambiguous) return true;
    return incoming.snackTag !== 0 && this.#random!.chance(CUT_AGAIN);
  }

  #cutAnew(task: SimTask): void {
    const { incoming, tag } = task;
    this.hasCut = true;
    this.#cut.add(tag);
    this.#due.delete(tag);
    // §11.4.4 and §11.16.3: a status without the tag does not count any more.
    this.#answers.discardStatusOf(tag);
    const snackTag = this.#connection.snackRData(task);
    const told = incoming.cutAnew(snackTag, this.#connection.declaration.version, !this.#answers.wereAskedFor);
    if (!told) this.#marks.set(this.#connection.probe(), { task, snackTag });
  }

  /** A command has been answered. */
  answered(initiatorTaskTag: number): void {
    this.#cut.delete(initiatorTaskTag);
  }

  /** Whether the status of a command that was given up, without the tag and with it, may come still. */
  mayAnswerTwice(initiatorTaskTag: number): boolean {
    return this.#cut.has(initiatorTaskTag);
  }

  /** Whether what a rejected SNACK asked for may be gone. */
  comesLate(header: Buffer): boolean {
    const { flags, runLength, initiatorTaskTag, targetTransferTag } = decode(SnackRequest, header);
    const type = flags & TYPE_MASK;
    if (type === SnackType.STATUS) return false;
    const tag = type === SnackType.DATA_ACK ? this.#acknowledged.get(targetTransferTag)?.tag : initiatorTaskTag;
    const task = this.#connection.tasks.get(tag ?? RESERVED_TAG);
    const all = type === SnackType.DATA_OR_R2T && runLength === 0;
    return task === undefined || task.excused || task.aborting || all || this.#ventured.has(task);
  }

  /** A ping was answered. */
  marked(tag: number): void {
    const mark = this.#marks.get(tag);
    if (mark === undefined) return;
    this.#marks.delete(tag);
    mark.task.incoming.tell(mark.snackTag);
  }
}
