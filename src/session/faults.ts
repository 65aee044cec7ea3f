// The peer's mistakes in full feature phase, one row each: how it is answered, and which clause says so.
// Mistakes that end the connection without an answer are `Connection.close` with a reason; those of a login are login/'s.

import { RejectReason } from '../pdu/reject.ts';

/** A mistake that is answered with a Reject PDU. */
export interface Fault {
  readonly reason: RejectReason;
  /** For the log: what was wrong. */
  readonly message: string;
  /** Where RFC 7143 says so. */
  readonly clause: string;
}

const fault = (reason: RejectReason, message: string, clause: string): Fault => ({ reason, message, clause });

/** Every mistake that is rejected. */
export const Fault = {
  dataDigest: fault(RejectReason.DATA_DIGEST_ERROR, 'the data digest is wrong', '§7.8'),
  snack: fault(RejectReason.SNACK_REJECT, 'SNACK needs ErrorRecoveryLevel 1 or 2', '§11.16'),
  snackRun: fault(RejectReason.PROTOCOL_ERROR, 'a SNACK for what was not sent, or is acknowledged', '§11.16'),
  snackDropped: fault(RejectReason.SNACK_REJECT, 'a SNACK for what there was no room to keep', '§11.16'),
  snackLength: fault(RejectReason.PROTOCOL_ERROR, 'a SNACK where segments have to be cut anew', '§11.16.3'),
  snackFields: fault(RejectReason.INVALID_PDU_FIELD, 'a SNACK whose type, tag or run means nothing', '§11.16'),
  snackDataAck: fault(RejectReason.INVALID_DATA_ACK, 'an acknowledgement of data that nobody asked for', '§11.16.2'),
  unknownOpcode: fault(RejectReason.COMMAND_NOT_SUPPORTED, 'no such request', '§11.17.1'),
  loginInFullFeature: fault(RejectReason.PROTOCOL_ERROR, 'a Login Request after login', '§6.3'),
  immediateDataOff: fault(RejectReason.PROTOCOL_ERROR, 'immediate data, though ImmediateData=No', '§13.11'),
  unsolicitedOff: fault(RejectReason.PROTOCOL_ERROR, 'unsolicited data announced, though InitialR2T=Yes', '§13.10'),
  dataWithoutWrite: fault(RejectReason.INVALID_PDU_FIELD, 'data with a command that does not write', '§11.3.1'),
  badAhs: fault(RejectReason.INVALID_PDU_FIELD, 'an additional header segment that can not be read', '§11.2.2'),
  tooManyImmediate: fault(
    RejectReason.TOO_MANY_IMMEDIATE_COMMANDS,
    'more immediate commands than are held',
    '§4.2.2.1',
  ),
  noRoomToWait: fault(RejectReason.LONG_OPERATION_REJECT, 'data before its turn, and no memory for them', '§11.17.1'),
  badLogout: fault(RejectReason.INVALID_PDU_FIELD, 'no such logout reason', '§11.14.1'),
  badText: fault(RejectReason.PROTOCOL_ERROR, 'text that is not key=value pairs, or more of it than is taken', '§6.1'),
  textTag: fault(RejectReason.PROTOCOL_ERROR, 'no text exchange goes by this Target Transfer Tag', '§11.10.4'),
  nopTags: fault(RejectReason.PROTOCOL_ERROR, 'a NOP-Out with neither tag must be immediate', '§11.18'),
} as const;
