// NOP-Out and NOP-In (RFC 7143 §11.18, §11.19): the initiator's pings echoed, and what we say unasked.
// When a silent initiator is pinged, and given up, is keep-alive.ts's.

import { NONE } from '../base/free-list.ts';
import { BHS_SIZE, RESERVED_TAG } from '../pdu/bhs.ts';
import { NopIn } from '../pdu/nop-in.ts';
import { NopOut } from '../pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import type { Connection } from './connection.ts';
import type { Session } from './session.ts';
import { PING_TAG } from './transfer-tags.ts';

/** A ping, which is echoed with its data, or the answer to ours. */
export function nopOut(connection: Connection, at: number, slot: number, length: number): void {
  const view = connection.view;
  const itt = NopOut.initiatorTaskTag.get(view, at);
  if (itt === RESERVED_TAG) {
    connection.keepAlive.answered();
    if (slot !== NONE) connection.engine.slab.release(slot);
    return;
  }
  const lunAt = at + NopOut.lun.offset;
  const lunHigh = view.getUint32(lunAt);
  const lunLow = view.getUint32(lunAt + 4);
  const answer = slot === NONE ? connection.takeCell() : slot;
  const header = slot === NONE ? connection.headerAt(answer) : connection.headerAt(answer) - connection.headerLength;
  // As much comes back as the initiator can take: its MaxRecvDataSegmentLength bounds every data segment (§13.12).
  const echoed = Math.min(length, connection.parameters.maxXmitDataSegmentLength);
  writeNopIn(connection, header, itt, RESERVED_TAG);
  view.setUint32(header + NopIn.lun.offset, lunHigh);
  view.setUint32(header + NopIn.lun.offset + 4, lunLow);
  NopIn.dataSegmentLength.set(view, header, echoed);
  connection.writeStatSN(header);
  connection.sendSegment(header, echoed, answer);
}

/** A ping of our own. */
export function sendPing(connection: Connection): void {
  sendUnasked(connection, PING_TAG);
}

/**
 * Tells of a MaxCmdSN that no answer told of: commands ended without one, because others had them aborted, or with their connection (§11.4.11).
 * The initiator may wait for it with all its other commands. Once a tick.
 */
export function tellWindow({ connections, window }: Session): void {
  const open = [...connections.values()].filter((connection) => connection.open);
  const [first] = open;
  if (first === undefined || open.some(({ toldMaxCmdSN }) => toldMaxCmdSN === window.maxCmdSN)) return;
  sendUnasked(first, RESERVED_TAG);
}

/** A NOP-In of our own; with a reserved tag it wants no answer. */
function sendUnasked(connection: Connection, ttt: number): void {
  const cell = connection.takeCell();
  const header = connection.headerAt(cell);
  writeNopIn(connection, header, RESERVED_TAG, ttt);
  connection.writeNextStatSN(header);
  connection.sendSegment(header, 0, cell);
}

function writeNopIn(connection: Connection, header: number, itt: number, ttt: number): void {
  const view = connection.view;
  connection.bytes.fill(0, header, header + BHS_SIZE);
  NopIn.opcode.set(view, header, Opcode.NOP_IN);
  NopIn.flags.set(view, header, FINAL_BIT);
  NopIn.initiatorTaskTag.set(view, header, itt);
  NopIn.targetTransferTag.set(view, header, ttt);
}
