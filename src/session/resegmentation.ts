// Data-In cut anew for an initiator that takes shorter or longer segments than before (RFC 7143 §11.16.3).
// Bytes in, bytes out: what becomes of them is snack.ts's.

import { serialAdd } from '../base/serial.ts';
import { BHS_SIZE, RESERVED_TAG } from '../pdu/bhs.ts';
import { DataIn, STATUS_BIT } from '../pdu/data-in.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { OVERFLOW_BIT, Response, ScsiResponse, UNDERFLOW_BIT } from '../pdu/scsi-response.ts';
import { Status } from '../scsi/task.ts';
import { NO_STATUS, type SentPdu } from './sent-pdu.ts';

/**
 * The Data-In `pdus`, in order and without gaps, in segments of up to `segmentMax` bytes, numbered from `dataSN` on and without status. Sequences
 * that are so already are not copied but numbered anew: nobody needs them as they were.
 */
export function resegment(pdus: readonly SentPdu[], dataSN: number, segmentMax: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  let sequence: SentPdu[] = [];
  for (const pdu of pdus) {
    sequence.push(pdu);
    if ((DataIn.flags.get(pdu.view, 0) & FINAL_BIT) === 0 && pdu !== pdus.at(-1)) continue;
    cutSequence(sequence, segmentMax, cut);
    sequence = [];
  }
  for (const [index, bytes] of cut.entries()) DataIn.dataSN.set(viewOf(bytes), 0, serialAdd(dataSN, index));
  return cut;
}

/** One sequence: it ends where it ended. */
function cutSequence(pdus: readonly SentPdu[], segmentMax: number, cut: Uint8Array[]): void {
  const last = pdus.at(-1)!;
  if (pdus.every(({ length, statSN }) => length <= segmentMax && statSN === NO_STATUS)) {
    for (const { bytes } of pdus) cut.push(bytes);
    return;
  }
  const data = Buffer.concat(pdus.map(({ bytes }) => bytes.subarray(BHS_SIZE)));
  const start = DataIn.bufferOffset.get(pdus[0]!.view, 0);
  for (let offset = 0; offset < data.length; offset += segmentMax) {
    const part = data.subarray(offset, offset + segmentMax);
    const ends = offset + part.length === data.length;
    const bytes = new Uint8Array(BHS_SIZE + part.length);
    bytes.set((ends ? last : pdus[0]!).bytes.subarray(0, BHS_SIZE));
    bytes.set(part, BHS_SIZE);
    const view = viewOf(bytes);
    const flags = DataIn.flags.get(view, 0) & ~(STATUS_BIT | OVERFLOW_BIT | UNDERFLOW_BIT);
    DataIn.flags.set(view, 0, ends ? flags : 0);
    if (!ends) {
      // §11.7.4: they are reserved where no acknowledgement is asked for, and the first may have been the one that asked.
      bytes.fill(0, DataIn.lun.offset, DataIn.lun.offset + DataIn.lun.size);
      DataIn.targetTransferTag.set(view, 0, RESERVED_TAG);
    }
    DataIn.dataSegmentLength.set(view, 0, part.length);
    DataIn.statSN.set(view, 0, 0);
    DataIn.bufferOffset.set(view, 0, start + offset);
    DataIn.residualCount.set(view, 0, 0);
    cut.push(bytes);
  }
}

/** The status that `pdu` carried, a SCSI Response or the last Data-In, as a response with the initiator's SNACK Tag. */
export function taggedResponse(pdu: SentPdu, expDataSN: number, snackTag: number): Uint8Array {
  const bytes = pdu.opcode === Opcode.DATA_IN ? responseOfDataIn(pdu) : pdu.bytes.slice();
  ScsiResponse.expDataSN.set(viewOf(bytes), 0, expDataSN);
  ScsiResponse.snackTag.set(viewOf(bytes), 0, snackTag);
  return bytes;
}

/** Status rides on Data-In only when it is GOOD (§11.7.3). */
function responseOfDataIn(pdu: SentPdu): Uint8Array {
  const bytes = new Uint8Array(BHS_SIZE);
  const view = viewOf(bytes);
  const residual = DataIn.flags.get(pdu.view, 0) & (OVERFLOW_BIT | UNDERFLOW_BIT);
  ScsiResponse.opcode.set(view, 0, Opcode.SCSI_RESPONSE);
  ScsiResponse.flags.set(view, 0, FINAL_BIT | residual);
  ScsiResponse.response.set(view, 0, Response.COMPLETED);
  ScsiResponse.status.set(view, 0, Status.GOOD);
  ScsiResponse.initiatorTaskTag.set(view, 0, DataIn.initiatorTaskTag.get(pdu.view, 0));
  ScsiResponse.statSN.set(view, 0, pdu.statSN);
  ScsiResponse.residualCount.set(view, 0, DataIn.residualCount.get(pdu.view, 0));
  return bytes;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
