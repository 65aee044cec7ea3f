// A data segment whose digest is wrong (RFC 7143 §7.8): the PDU is sent back and dropped, and what that means depends on what it was.
// A wrong header digest is framer.ts's: nobody knows where the next PDU starts, and the connection is lost.

import { Counter } from '../ring/counters.ts';
import { dropCommand } from './command.ts';
import type { Connection } from './connection.ts';
import { dataOutPayload } from './data-out.ts';
import { Fault } from './faults.ts';
import { PayloadKind } from './payload-kind.ts';
import { sendReject } from './reject.ts';

/** The data of the PDU under way are in, and damaged. Its header is in the connection's cell. */
export function digestFailed(connection: Connection): void {
  connection.host.counters[Counter.digestErrors]!++;
  sendReject(connection, connection.cellAt, Fault.dataDigest.reason);
  switch (connection.payloadKind) {
    case PayloadKind.dataOut:
      dataOutPayload(connection, true);
      break;
    case PayloadKind.command:
      // The command's CmdSN is spent, the command is not: only a new session can mend that.
      connection.close('data digest error in a command with immediate data', 'warn');
      return;
    case PayloadKind.candidate:
      // Its CmdSN counts as never received: the initiator sends the command again (§7.2.1).
      dropCommand(connection);
      break;
    default:
      connection.dropPayloadSlot();
  }
  connection.payloadTask = null;
  connection.payloadPiece = null;
}
