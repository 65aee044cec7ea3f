// READ and WRITE of 6, 10, 12, 16 and 32 bytes (SBC-4 §5): the commands that stream their data in pieces.
// Reading the CDB and checking it against the medium is here; moving the data is processor.ts's.

import {
  BLOCKS_6_MAX,
  CDB_32_ADDITIONAL_LENGTH,
  Cdb6,
  Cdb10,
  Cdb12,
  Cdb16,
  Cdb32,
  CdbFlags,
  flagsAt,
  LBA_6_MASK,
  OperationCode,
  VariableLength,
} from './cdb.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { checkReady, checkTransfer, checkWritable } from './medium.ts';
import { failField, failRead, failWrite } from './sense.ts';
import { Movement, type Piece, Status, type Task } from './task.ts';

/** The bit that makes the operation code, or the service action, of a READ that of the WRITE of the same length. */
const WRITES = 0x02;

/** Takes READs and WRITEs apart; false for any other command. Allocates nothing. */
export function decodeReadWrite(task: Task): boolean {
  const cdb = task.cdb;
  const opcode = cdb.getUint8(0);
  const movement = movementOf(opcode);
  // Each layout by its name: where several pass through one place, V8 can't tell whose accessors it calls, and inlines none.
  switch (opcode) {
    case OperationCode.READ_10:
    case OperationCode.WRITE_10:
      return moves(task, movement, Cdb10.lba.get(cdb, 0), Cdb10.transferLength.get(cdb, 0), Cdb10.flags.get(cdb, 0));
    case OperationCode.READ_16:
    case OperationCode.WRITE_16:
      return moves(task, movement, Cdb16.lba.get(cdb, 0), Cdb16.transferLength.get(cdb, 0), Cdb16.flags.get(cdb, 0));
    case OperationCode.READ_12:
    case OperationCode.WRITE_12:
      return moves(task, movement, Cdb12.lba.get(cdb, 0), Cdb12.transferLength.get(cdb, 0), Cdb12.flags.get(cdb, 0));
    case OperationCode.READ_6:
    case OperationCode.WRITE_6: {
      const lba = Cdb6.lba.get(cdb, 0) & LBA_6_MASK;
      return moves(task, movement, lba, Cdb6.transferLength.get(cdb, 0) || BLOCKS_6_MAX, 0);
    }
    case OperationCode.VARIABLE_LENGTH:
      return decode32(task, cdb);
    default:
      return false;
  }
}

/** READ(32) and WRITE(32). Allocates nothing. */
function decode32(task: Task, cdb: DataView): boolean {
  const action = Cdb32.serviceAction.get(cdb, 0);
  if (action !== VariableLength.READ_32 && action !== VariableLength.WRITE_32) return false;
  const lba = Cdb32.lba.get(cdb, 0);
  return moves(task, movementOf(action), lba, Cdb32.transferLength.get(cdb, 0), Cdb32.flags.get(cdb, 0));
}

function movementOf(code: number): Movement {
  return (code & WRITES) === 0 ? Movement.streamIn : Movement.streamOut;
}

/** Whether all 32 bytes of the CDB came, which it says itself, too. Allocates nothing. */
export function checkLength32(task: Task): boolean {
  const whole = Cdb32.additionalLength.get(task.cdb, 0) === CDB_32_ADDITIONAL_LENGTH && task.cdbBytes >= Cdb32.size;
  return whole || failField(task, Cdb32.additionalLength.offset);
}

function moves(task: Task, movement: Movement, lba: number, blockCount: number, flags: number): boolean {
  task.movement = movement;
  task.lba = lba;
  task.blockCount = blockCount;
  task.durable = (flags & CdbFlags.FUA) !== 0;
  task.transferLength = task.unit === null ? 0 : blockCount * task.unit.blockSize;
  // Protection information is not kept, so nothing can be asked of it (SBC-4 §5.10, RDPROTECT and WRPROTECT other than 000b).
  if ((flags & CdbFlags.PROTECT) !== 0) failField(task, flagsAt(task.cdb));
  return true;
}

/** What the medium has to say to a READ or WRITE; false when it has failed. Allocates nothing. */
export function checkMedium(task: Task, unit: LogicalUnit): boolean {
  const usable = task.movement === Movement.streamOut ? checkWritable(task, unit) : checkReady(task, unit);
  return usable && checkTransfer(task, unit);
}

/** The backend's `errno` for a piece of a READ or WRITE, some of which may have been done before it failed. Allocates nothing. */
export function failMoving(task: Task, piece: Piece, errno: number): void {
  const lba = Math.floor((piece.offset + piece.progress) / task.unit!.blockSize);
  // INFORMATION is the first block in error (SBC-4), and hosts take those before it for done.
  if (task.status !== Status.GOOD) task.information = Math.min(lba, task.information);
  else if (task.movement === Movement.streamOut) failWrite(task, errno, lba);
  else failRead(task, errno, lba);
}
