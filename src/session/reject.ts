// The Reject PDU (RFC 7143 §11.17): the header at fault goes back to its sender, with a reason.
// Which fault earns a Reject is faults.ts's.

import { BHS_SIZE, RESERVED_TAG } from '../pdu/bhs.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { Reject, type RejectReason } from '../pdu/reject.ts';
import { Counter } from '../ring/counters.ts';
import type { Connection } from './connection.ts';

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
