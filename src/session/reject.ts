// The Reject PDU (RFC 7143 §11.17): the header at fault goes back to its sender, with a reason.
// Which fault earns a Reject is faults.ts's.

import { BHS_SIZE, Bhs, RESERVED_TAG } from '../pdu/bhs.ts';
import { FINAL_BIT, IMMEDIATE_BIT, OPCODE_MASK, Opcode, opcodeName } from '../pdu/opcode.ts';
import { Reject, type RejectReason } from '../pdu/reject.ts';
import { Counter } from '../ring/counters.ts';
import type { Connection } from './connection.ts';
import type { Fault } from './faults.ts';

/** So many Rejects of a connection are logged one by one, and then the 16th, the 32nd and so on: a peer can send a million of what earns one. */
const LOGGED_EACH = 8;

/** Refuses the PDU whose header lies at slab offset `at`, and says so in the log. */
export function rejectPdu(connection: Connection, at: number, fault: Fault): void {
  const count = ++connection.rejected;
  if (count <= LOGGED_EACH || (count & (count - 1)) === 0) logReject(connection, at, fault);
  sendReject(connection, at, fault.reason);
}

function logReject(connection: Connection, at: number, fault: Fault): void {
  const opcode = Bhs.opcode.get(connection.view, at);
  connection.host.log('warn', `rejected a PDU: ${fault.message}`, {
    ...connection.logFields(),
    pdu: opcodeName(opcode & OPCODE_MASK),
    immediate: (opcode & IMMEDIATE_BIT) !== 0,
    rfc: fault.clause,
    rejected: connection.rejected,
  });
}

/** Sends a Reject that quotes the 48 bytes of header at slab offset `at`. */
export function sendReject(connection: Connection, at: number, reason: RejectReason): void {
  connection.host.counters[Counter.rejects]!++;
  const cell = connection.takeCell();
  const view = connection.view;
  const header = connection.headerAt(cell);
  connection.bytes.copyWithin(connection.dataAt(header), at, at + BHS_SIZE);
  connection.bytes.fill(0, header, header + BHS_SIZE);
  Reject.opcode.set(view, header, Opcode.REJECT);
  Reject.flags.set(view, header, FINAL_BIT);
  Reject.reason.set(view, header, reason);
  Reject.dataSegmentLength.set(view, header, BHS_SIZE);
  Reject.initiatorTaskTag.set(view, header, RESERVED_TAG);
  connection.writeStatSN(header);
  connection.sendSegment(header, BHS_SIZE, cell);
}
