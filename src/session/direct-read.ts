// READs that are over as soon as they are understood: the unit lends its bytes, and nothing is in their way. They are answered where their
// header lies, and are no tasks. All others, and those that have anything particular about them, are command.ts's.

import { NONE } from '../base/free-list.ts';
import { writeAnswer } from '../pdu/answer-header.ts';
import { RESERVED_TAG } from '../pdu/bhs.ts';
import { STATUS_BIT } from '../pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { READ_BIT, ScsiCommand } from '../pdu/scsi-command.ts';
import { Counter } from '../ring/counters.ts';
import { Figure } from '../ring/figures.ts';
import { Cdb10, Cdb16, CdbFlags, NACA, OperationCode } from '../scsi/cdb.ts';
import { readLun } from '../scsi/lun.ts';
import { Attribute } from '../scsi/task.ts';
import type { Connection } from './connection.ts';

// Where the fields stand. On this path they are read without the layout's accessors, which V8 calls once its room for inlining is used up.
const LENGTHS = ScsiCommand.totalAHSLength.offset;
const LUN = ScsiCommand.lun.offset;
const INITIATOR_TASK_TAG = ScsiCommand.initiatorTaskTag.offset;
const EXPECTED_LENGTH = ScsiCommand.expectedDataTransferLength.offset;
const CMD_SN = ScsiCommand.cmdSN.offset;
const CDB = ScsiCommand.cdb.offset;
const FLAGS = CDB + Cdb16.flags.offset;
const LBA = CDB + Cdb16.lba.offset;

/** Opcode and flags of an UNTAGGED command that ends its sequence and expects data; a SIMPLE one has one bit more. */
const COMMAND_HEAD = (Opcode.SCSI_COMMAND << 8) | FINAL_BIT | READ_BIT;
/** Data-In with the status GOOD. */
const ANSWER_HEAD = Opcode.DATA_IN | ((FINAL_BIT | STATUS_BIT) << 8);

/**
 * Answers the SCSI Command whose header lies at slab offset `at`, if it is such a READ(10) or READ(16). False: it is none, and nothing has
 * been done.
 *
 * No initiator can tell it from one that is a task: that would end before the next PDU is looked at, too. It costs half as much
 * (docs/performance.md). Allocates nothing.
 */
export function readDirectly(connection: Connection, at: number): boolean {
  const { view, session } = connection;
  // Nothing that asks for a task: attributes, additional headers, data, numbers that are not due, what is kept or has a digest.
  if ((view.getUint16(at) & ~Attribute.SIMPLE) !== COMMAND_HEAD || view.getUint32(at + LENGTHS) !== 0) return false;
  if (connection.sent !== null || connection.digestsData || session.holding) return false;
  const { nexus, window } = session;
  const cmdSN = view.getUint32(at + CMD_SN);
  if (!window.isDue(cmdSN)) return false;
  const unit = nexus.units.get(readLun(view, at + LUN));
  if (unit === undefined || unit.backend.lender === null || !unit.isFreeToRead(nexus)) return false;
  // The CDB.
  let lba: number;
  let blocks: number;
  let control: number;
  switch (view.getUint8(at + CDB)) {
    case OperationCode.READ_10:
      lba = view.getUint32(at + LBA);
      blocks = view.getUint16(at + CDB + Cdb10.transferLength.offset);
      control = view.getUint8(at + CDB + Cdb10.control.offset);
      break;
    case OperationCode.READ_16:
      lba = view.getUint32(at + LBA) * 2 ** 32 + view.getUint32(at + LBA + 4);
      blocks = view.getUint32(at + CDB + Cdb16.transferLength.offset);
      control = view.getUint8(at + CDB + Cdb16.control.offset);
      break;
    default:
      return false;
  }
  if ((view.getUint8(at + FLAGS) & CdbFlags.PROTECT) !== 0 || (control & NACA) !== 0) return false;
  // Blocks that exist, in one PDU, and no residual: no more than one command may move, then.
  const length = blocks * unit.blockSize;
  if (length === 0 || lba + blocks > unit.blockCount) return false;
  if (length > connection.segmentLength || length !== view.getUint32(at + EXPECTED_LENGTH)) return false;
  const cell = connection.share.hasRoom(0, 1) ? connection.engine.slab.takeCell() : NONE;
  if (cell === NONE) return false;
  window.take(cmdSN);
  window.ended();
  const { counters } = connection.host;
  counters[Counter.commands]!++;
  counters[Counter.reads]!++;
  counters[Counter.bytesRead]! += length;
  count(unit.figures, length);
  count(nexus.figures, length);
  const header = connection.headerAt(cell);
  const tag = view.getUint32(at + INITIATOR_TASK_TAG);
  writeAnswer(connection.words, header, ANSWER_HEAD, length, 0, tag, RESERVED_TAG, 0, 0, 0);
  connection.writeStatSN(header);
  connection.sealHeader(header);
  connection.sendFromCell(cell, header, unit.backend.lender.lend(lba * unit.blockSize, length), length);
  return true;
}

/** A READ that took no time that the engine's clock could tell. Allocates nothing. */
function count(figures: Float64Array, length: number): void {
  figures[Figure.reads]!++;
  figures[Figure.bytesRead]! += length;
  figures[Figure.queueLatency]!++;
  figures[Figure.deviceLatency]!++;
  figures[Figure.readLatency]!++;
}
