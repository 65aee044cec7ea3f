// A SCSI command in execution (SAM-5 §5: "task", "command"), and the pieces its data moves in.
// Fields only: who fills them is scsi/ for the command, session/ for what came with the PDU.

import type { BlockIo } from '../backend/backend.ts';
import { NONE } from '../base/free-list.ts';
import type { Address } from '../engine/engine.ts';
import { SLOT_BYTES_MAX } from '../engine/slab.ts';
import type { ReserveResult } from '../ring/reservations.ts';
import type { StateResult } from '../ring/unit-state.ts';
import type { ColdCommand, Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { MemoryShare } from './memory-share.ts';
import type { Nexus } from './nexus.ts';
import type { Lane } from './pacer.ts';
import type { AdditionalSense, SenseKey } from './sense.ts';
import type { TaskQueue } from './task-queue.ts';

/** Status codes, SAM-5 §5.3. */
export const Status = {
  GOOD: 0x00,
  CHECK_CONDITION: 0x02,
  CONDITION_MET: 0x04,
  BUSY: 0x08,
  RESERVATION_CONFLICT: 0x18,
  TASK_SET_FULL: 0x28,
  ACA_ACTIVE: 0x30,
  TASK_ABORTED: 0x40,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Task attributes as RFC 7143 §11.3.1 numbers them. */
export const Attribute = { UNTAGGED: 0, SIMPLE: 1, ORDERED: 2, HEAD_OF_QUEUE: 3, ACA: 4 } as const;

/** How a command's data moves; decided when its CDB is judged. */
export const Movement = {
  /** No data. */
  none: 0,
  /** READ: pieces come from the backend and leave as they complete. */
  streamIn: 1,
  /** WRITE: pieces go to the backend as they fill. */
  streamOut: 2,
  /** Data-In built in one slot by the command. */
  replyIn: 3,
  /** A parameter list, received whole in one slot before the command runs. */
  listOut: 4,
} as const;
export type Movement = (typeof Movement)[keyof typeof Movement];

/** Bytes of CDB a task keeps: enough for every command implemented, 32-byte CDBs included. */
export const CDB_BYTES_MAX = 32;

/** What a backend is asked to do, as the log names it. */
export type BlockOperation = 'read' | 'write' | 'sync' | 'clear' | 'pause';

/** A stretch of a task's data: at most one slot, one disk operation, and one or more Data-In or Data-Out PDUs. */
export class Piece implements BlockIo {
  readonly index: number;
  task: Task | null = null;
  /** Whose backend works on it: the task's own unit, but for a command that copies between units. */
  unit: LogicalUnit | null = null;
  slot: number = NONE;
  address: Address = 0;
  at = -1;
  /** Bytes from the start of the task's data. */
  start = 0;
  length = 0;
  offset = 0;
  durable = false;
  atomic = false;
  /** What the backend was asked last, and when, on the engine's clock. */
  asked: BlockOperation = 'read';
  askedAt = 0;
  progress = 0;
  operation = 0;
  failure = 0;
  /** Write: bytes that have arrived. */
  received = 0;
  /** Write: where the burst under way ends, in bytes of this piece; what asked for it is session/data-out.ts's. */
  burstEnd = 0;
  /** Target Transfer Tag of the R2T that solicited the burst; 0: none is outstanding. */
  transferTag = 0;
  /** When that R2T was sent, on the engine's clock. */
  solicitedAt = 0;
  /** DataSN that the next Data-Out of the burst must carry. */
  burstDataSN = 0;
  /** The backend was asked, and has not answered. */
  inFlight = false;
  /** The backend is finished with it. */
  done = false;
  /** What it counts for in the task's share. */
  shareBytes = 0;
  shareCells = 0;
  /** The bytes of it again, if they are for data that comes unasked. */
  unaskedBytes = 0;
  /** The same of a piece that a command keeps for as long as it runs. */
  keptBytes = 0;
  /** The piece that follows in the task's data. */
  next: Piece | null = null;

  constructor(index: number) {
    this.index = index;
  }
}

/**
 * Write: all of the piece has arrived, and the burst that brought the last of it has ended. Until then PDUs may come that add nothing (RFC 7143
 * §11.7.7, or more than the command takes), and they count on finding the piece. Allocates nothing.
 */
export function isWhole(piece: Piece): boolean {
  return piece.received === piece.length && piece.transferTag === 0 && !piece.task!.unsolicitedOpen;
}

/** A command in execution. Pooled: {@link Task.reset} resets all but the CDB and its time, which every command brings. */
export class Task {
  // What came with the request.
  nexus: Nexus | null = null;
  /** The LUN field, as a number; see scsi/lun.ts. */
  lun = 0;
  unit: LogicalUnit | null = null;
  attribute: number = Attribute.SIMPLE;
  readonly cdb: DataView;
  /** The same bytes, as they are in memory, four at a time. */
  readonly cdbWords: Int32Array;
  /** Bytes of it that came: 16, or more behind an operation code that needs them. */
  cdbBytes = 16;
  /** When it came, on the engine's clock. */
  arrivedAt = 0;
  /** Bytes the initiator expects to send or receive. */
  expectedDataTransferLength = 0;
  /** The request's R and W bits. */
  reads = false;
  writes = false;

  // What judging the CDB found.
  movement: Movement = Movement.none;
  /** Bytes the CDB asks to move: compared with the expected length for the residual. */
  transferLength = 0;
  lba = 0;
  blockCount = 0;
  durable = false;
  /** The command that runs off the fast path, or null for READ and WRITE. */
  command: ColdCommand | null = null;
  /** Suspended command: resumed with the errno of the operation it waits for. */
  steps: Steps | null = null;
  /** The errno of an operation that ended while the command was still running; -1: none did. */
  stepErrno = -1;

  /** What main made of the command's reservation order. */
  reserveResult: ReserveResult = 'good';
  /** What main made of the command's change to the unit's state. */
  stateResult: StateResult = 'good';

  // Data under way.
  /** Bytes that really move: the lesser of what the CDB and the initiator say. */
  moveLength = 0;
  /** Bytes that have a piece already. */
  assigned = 0;
  /** Pieces in data order, oldest first. */
  firstPiece: Piece | null = null;
  lastPiece: Piece | null = null;
  /** The session is taking in bytes for this task: its memory must stay until they are in, whatever becomes of the task. */
  receiving = false;
  /** It is done with, but for bytes that are being taken in for it: it ends when they are in. */
  over = false;
  /** The PDU that brings it is still coming in: it starts when that is here. */
  arriving = false;
  /** Data-Out PDUs that nobody asked for are to follow, until one has F. */
  unsolicitedOpen = false;
  /** Bursts that the initiator was asked for and has not ended: a task that fails meanwhile is answered after them. */
  burstsOutstanding = 0;
  /** The processor is working on the task: completions inside its own calls are noted, not acted on. */
  pumping = false;
  /** Pieces in the chain, and those among them the backend has not answered for. */
  pieceCount = 0;
  piecesInFlight = 0;
  /** Pieces of the command's own operations, newest first. */
  ownPieces: Piece | null = null;
  /** Has the unit's turn for read-modify-write commands, or waits for it. */
  excludes = false;
  /** The queue that it waits in, for I/O memory or until limits let it start, and who waits behind it. */
  waitsIn: TaskQueue | null = null;
  nextWaiting: Task | null = null;
  /** Where that is, if it is for limits. */
  lane: Lane | null = null;
  /** It is booked with the meters that limit it, and its time has come. */
  paid = false;
  /** replyIn and listOut: the slot that holds the data, and where in the slab. */
  slot: number = NONE;
  at = -1;
  /** replyIn: bytes of reply; listOut: bytes received. */
  dataLength = 0;

  /** What its connection may have of the worker's memory; null: all of it. */
  share: MemoryShare | null = null;
  /** Bytes that one PDU carries to the initiator: a piece that is longer needs a cell for the header of each. */
  segmentLength: number = SLOT_BYTES_MAX;
  /** streamIn: the pieces that are being read are of no use, see TaskMemory.setSegmentLength and holdBack. */
  readsAnew = false;
  /** streamIn: what was sent of it goes out again first. It has no memory meanwhile, reads nothing, and is not answered. */
  heldBack = false;

  // How it ended.
  status: Status = Status.GOOD;
  senseKey: SenseKey = 0;
  /** ASC and ASCQ as one 16-bit number. */
  additionalSense: AdditionalSense = 0;
  /** Sense INFORMATION field (an LBA, usually); -1: none. */
  information = -1;
  /** Sense COMMAND-SPECIFIC INFORMATION field; -1: none. */
  commandSpecific = -1;
  /** Sense-key-specific field pointer: byte of the CDB (or of the parameter list) at fault; -1: none. */
  fieldPointer = -1;
  fieldInData = false;
  /** Set by task management: finish what the backend has, then vanish without a response. */
  aborted = false;
  /** In the unit's task set. */
  inSet = false;
  /** Running; a task that an ORDERED one holds back is in the set but not started. */
  started = false;
  /**
   * The data must be in the worker's own memory, even if the backend could lend its own, whose bytes a write may change: a digest is computed
   * over it, or it is kept to be sent again as it was.
   */
  ownMemory = false;
  /** `complete` was called. */
  completed = false;

  // Neighbours in the unit's task set.
  previousInSet: Task | null = null;
  nextInSet: Task | null = null;

  constructor() {
    const bytes = new ArrayBuffer(CDB_BYTES_MAX);
    this.cdb = new DataView(bytes);
    this.cdbWords = new Int32Array(bytes);
  }

  /** Makes a used task as good as new. Allocates nothing. */
  reset(): void {
    this.nexus = null;
    this.lun = 0;
    this.cdbBytes = 16;
    this.unit = null;
    this.attribute = Attribute.SIMPLE;
    this.expectedDataTransferLength = 0;
    this.reads = false;
    this.writes = false;
    this.movement = Movement.none;
    this.transferLength = 0;
    this.lba = 0;
    this.blockCount = 0;
    this.durable = false;
    this.command = null;
    this.steps = null;
    this.stepErrno = -1;
    this.reserveResult = 'good';
    this.stateResult = 'good';
    this.moveLength = 0;
    this.assigned = 0;
    this.firstPiece = null;
    this.lastPiece = null;
    this.receiving = false;
    this.over = false;
    this.arriving = false;
    this.unsolicitedOpen = false;
    this.burstsOutstanding = 0;
    this.pumping = false;
    this.pieceCount = 0;
    this.ownPieces = null;
    this.excludes = false;
    this.piecesInFlight = 0;
    this.waitsIn = null;
    this.nextWaiting = null;
    this.lane = null;
    this.paid = false;
    this.slot = NONE;
    this.at = -1;
    this.dataLength = 0;
    this.share = null;
    this.segmentLength = SLOT_BYTES_MAX;
    this.readsAnew = false;
    this.heldBack = false;
    this.status = Status.GOOD;
    this.senseKey = 0;
    this.additionalSense = 0;
    this.information = -1;
    this.commandSpecific = -1;
    this.fieldPointer = -1;
    this.fieldInData = false;
    this.aborted = false;
    this.inSet = false;
    this.started = false;
    this.ownMemory = false;
    this.completed = false;
    this.previousInSet = null;
    this.nextInSet = null;
  }
}

/**
 * Whether the command moves data from the initiator. One that reads does not, though the initiator may say that it moves data both ways, and send
 * some (RFC 7143 §11.3.1): they pass by, and its pieces are for what it reads. Allocates nothing.
 */
export function takesData(task: Task): boolean {
  return task.movement === Movement.streamOut || task.movement === Movement.listOut;
}
