// Operation codes of the iSCSI PDUs and the bits that every basic header segment shares.
// Which PDU is allowed when is decided by login/ and session/.

/** Byte 0, low six bits, RFC 7143 §11.2.1.2. 0x1c-0x1e and 0x3c-0x3e are the vendors'. */
export const Opcode = {
  // Initiator to target.
  NOP_OUT: 0x00,
  SCSI_COMMAND: 0x01,
  TASK_MANAGEMENT_REQUEST: 0x02,
  LOGIN_REQUEST: 0x03,
  TEXT_REQUEST: 0x04,
  DATA_OUT: 0x05,
  LOGOUT_REQUEST: 0x06,
  SNACK_REQUEST: 0x10,
  // Target to initiator.
  NOP_IN: 0x20,
  SCSI_RESPONSE: 0x21,
  TASK_MANAGEMENT_RESPONSE: 0x22,
  LOGIN_RESPONSE: 0x23,
  TEXT_RESPONSE: 0x24,
  DATA_IN: 0x25,
  LOGOUT_RESPONSE: 0x26,
  R2T: 0x31,
  ASYNC_MESSAGE: 0x32,
  REJECT: 0x3f,
} as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** Byte 0: the request is for immediate delivery and takes no CmdSN, §11.2.1.1. */
export const IMMEDIATE_BIT = 0x40;
/** Byte 0: where the opcode is. The top bit is reserved. */
export const OPCODE_MASK = 0x3f;
/** Byte 1: the last PDU of a sequence, §11.2.1.3. */
export const FINAL_BIT = 0x80;

const NAMES: Readonly<Record<number, string>> = {
  [Opcode.NOP_OUT]: 'NOP-Out',
  [Opcode.SCSI_COMMAND]: 'SCSI Command',
  [Opcode.TASK_MANAGEMENT_REQUEST]: 'Task Management Function Request',
  [Opcode.LOGIN_REQUEST]: 'Login Request',
  [Opcode.TEXT_REQUEST]: 'Text Request',
  [Opcode.DATA_OUT]: 'SCSI Data-Out',
  [Opcode.LOGOUT_REQUEST]: 'Logout Request',
  [Opcode.SNACK_REQUEST]: 'SNACK Request',
  [Opcode.NOP_IN]: 'NOP-In',
  [Opcode.SCSI_RESPONSE]: 'SCSI Response',
  [Opcode.TASK_MANAGEMENT_RESPONSE]: 'Task Management Function Response',
  [Opcode.LOGIN_RESPONSE]: 'Login Response',
  [Opcode.TEXT_RESPONSE]: 'Text Response',
  [Opcode.DATA_IN]: 'SCSI Data-In',
  [Opcode.LOGOUT_RESPONSE]: 'Logout Response',
  [Opcode.R2T]: 'Ready To Transfer',
  [Opcode.ASYNC_MESSAGE]: 'Asynchronous Message',
  [Opcode.REJECT]: 'Reject',
};

/** The RFC's name of an opcode, or its number in hex: for logs. */
export function opcodeName(opcode: number): string {
  return NAMES[opcode] ?? `opcode 0x${opcode.toString(16).padStart(2, '0')}`;
}
