// The Task Management Function PDUs, request and response, with their codes.
// What the functions do is in session/ and scsi/.

import { bytes, layout, reserved, u8, u24, u32 } from '../base/layout.ts';
import { BHS_SIZE } from './bhs.ts';

/** Task Management Function Request, RFC 7143 §11.5. */
export const TaskManagementRequest = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1), // 1, function
  reserved2: reserved(2, 2),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  lun: bytes(8, 8),
  initiatorTaskTag: u32(16),
  referencedTaskTag: u32(20),
  cmdSN: u32(24),
  expStatSN: u32(28),
  refCmdSN: u32(32),
  expDataSN: u32(36),
  reserved40: reserved(40, 8),
});

/** Task Management Function Response, RFC 7143 §11.6. */
export const TaskManagementResponse = layout(BHS_SIZE, {
  opcode: u8(0),
  flags: u8(1),
  response: u8(2),
  reserved3: reserved(3, 1),
  totalAHSLength: u8(4),
  dataSegmentLength: u24(5),
  reserved8: reserved(8, 8),
  initiatorTaskTag: u32(16),
  reserved20: reserved(20, 4),
  statSN: u32(24),
  expCmdSN: u32(28),
  maxCmdSN: u32(32),
  reserved36: reserved(36, 12),
});

/** Flags of the request: where the function is. */
export const FUNCTION_MASK = 0x7f;

/** §11.5.1; those from QUERY_TASK on are of RFC 7144 and need iSCSIProtocolLevel 2. */
export const TaskFunction = {
  ABORT_TASK: 1,
  ABORT_TASK_SET: 2,
  CLEAR_ACA: 3,
  CLEAR_TASK_SET: 4,
  LOGICAL_UNIT_RESET: 5,
  TARGET_WARM_RESET: 6,
  TARGET_COLD_RESET: 7,
  TASK_REASSIGN: 8,
  QUERY_TASK: 9,
  QUERY_TASK_SET: 10,
  I_T_NEXUS_RESET: 11,
  QUERY_ASYNCHRONOUS_EVENT: 12,
} as const;
export type TaskFunction = (typeof TaskFunction)[keyof typeof TaskFunction];

/** §11.6.1; FUNCTION_SUCCEEDED is of RFC 7144. */
export const TaskFunctionResponse = {
  FUNCTION_COMPLETE: 0,
  TASK_DOES_NOT_EXIST: 1,
  LUN_DOES_NOT_EXIST: 2,
  TASK_STILL_ALLEGIANT: 3,
  REASSIGNMENT_NOT_SUPPORTED: 4,
  FUNCTION_NOT_SUPPORTED: 5,
  FUNCTION_AUTHORIZATION_FAILED: 6,
  FUNCTION_SUCCEEDED: 7,
  FUNCTION_REJECTED: 255,
} as const;
export type TaskFunctionResponse = (typeof TaskFunctionResponse)[keyof typeof TaskFunctionResponse];
