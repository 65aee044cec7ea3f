// A PDU that was sent and may have to be sent again, and the numbered sequence of a task that it belongs to (RFC 7143 §4.2.2.3).
// Fields only: which of them are kept, and for how long, is sent-pdus.ts's.

import { BHS_SIZE, Bhs, RESERVED_TAG } from '../pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../pdu/data-in.ts';
import { Opcode } from '../pdu/opcode.ts';

/** Bytes of heap that a PDU costs beside its own: objects, and places in maps. */
const OVERHEAD_BYTES = 256;
/** No status is carried. */
export const NO_STATUS = -1;

/** A copy of what was sent. */
export class SentPdu {
  /** The header, then the data without padding and digests. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The StatSN that it used up, or {@link NO_STATUS}. */
  readonly statSN: number;
  /** The data or R2Ts of a command that it is one of, or that its status ends. */
  sequence: SentSequence | null = null;
  // Its place in the KeptPdus of its connection.
  kept = false;
  previousKept: SentPdu | null = null;
  nextKept: SentPdu | null = null;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // StatSN stands at the same place in every PDU from here.
    this.statSN = carriesStatus(this.view) ? DataIn.statSN.get(this.view, 0) : NO_STATUS;
  }

  get opcode(): number {
    return Bhs.opcode.get(this.view, 0);
  }

  /** DataSN or R2TSN: the same place in both. */
  get number(): number {
    return DataIn.dataSN.get(this.view, 0);
  }

  /** Bytes of data. */
  get length(): number {
    return this.bytes.length - BHS_SIZE;
  }

  /** Bytes of heap. */
  get size(): number {
    return this.bytes.length + OVERHEAD_BYTES;
  }
}

/** Whether a PDU from here uses up a StatSN (§4.2.2.2): not R2T, not a NOP-In of our own, not Data-In without status. */
function carriesStatus(view: DataView): boolean {
  switch (Bhs.opcode.get(view, 0)) {
    case Opcode.R2T:
      return false;
    case Opcode.NOP_IN:
      return Bhs.initiatorTaskTag.get(view, 0) !== RESERVED_TAG;
    case Opcode.DATA_IN:
      return (Bhs.flags.get(view, 0) & STATUS_BIT) !== 0;
    default:
      return true;
  }
}

/** The Data-In PDUs, or the R2Ts, of one command. */
export class SentSequence {
  readonly initiatorTaskTag: number;
  /** Those that are kept, by DataSN or R2TSN. */
  readonly pdus = new Map<number, SentPdu>();
  /** The first number that is not acknowledged, and the one that comes next. */
  acknowledged = 0;
  next = 0;
  /** The StatSN of the command's status; {@link NO_STATUS}: it runs. */
  statSN = NO_STATUS;
  /** Target Transfer Tag of Data-In that asks for an acknowledgement; 0: none did. */
  transferTag = 0;
  /** What the last R-Data SNACK wants to see in the response (§11.16.5); 0: there was none. */
  snackTag = 0;

  constructor(initiatorTaskTag: number) {
    this.initiatorTaskTag = initiatorTaskTag;
  }
}
