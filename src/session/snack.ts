// SNACK Request (RFC 7143 §11.16): the initiator says which numbered PDUs it lacks, or which data it has.
// What is kept to be sent again is sent-pdus.ts's.

import { RESERVED_TAG } from '../pdu/bhs.ts';
import { Opcode } from '../pdu/opcode.ts';
import { SnackRequest, SnackType } from '../pdu/snack.ts';
import { Counter } from '../ring/counters.ts';
import type { Connection } from './connection.ts';
import { Fault } from './faults.ts';
import { resegment, taggedResponse } from './resegmentation.ts';
import { NO_STATUS, type SentPdu, type SentSequence } from './sent-pdu.ts';
import { Missing, type SentPdus } from './sent-pdus.ts';

/** SNACK type, in the low bits of the flags. */
const TYPE_MASK = 0x0f;

/** Takes a SNACK Request whose header lies at slab offset `at`. */
export function snackRequest(connection: Connection, at: number): void {
  const { view, sent } = connection;
  const type = SnackRequest.flags.get(view, at) & TYPE_MASK;
  if (type <= SnackType.R_DATA) connection.host.counters[Counter.snacks + type]!++;
  const fault = sent === null ? Fault.snack : answer(connection, sent, at, type);
  if (fault !== null) connection.reject(at, fault);
  sent?.retransmission.pump(connection);
}

function answer(connection: Connection, sent: SentPdus, at: number, type: number): Fault | null {
  const view = connection.view;
  const begRun = SnackRequest.begRun.get(view, at);
  const runLength = SnackRequest.runLength.get(view, at);
  switch (type) {
    case SnackType.STATUS:
      return statusesAgain(connection, sent, sent.statuses(begRun, runLength));
    case SnackType.DATA_OR_R2T: {
      const sequence = sequenceOf(connection, sent, at);
      if (sequence === null) return FAULTS[sent.ofUnknown];
      const run = sent.data(sequence, begRun, runLength);
      const segmentMax = connection.parameters.maxXmitDataSegmentLength;
      if (typeof run !== 'string' && run.some(({ length }) => length > segmentMax)) return Fault.snackLength;
      return sendAgain(sent, run);
    }
    case SnackType.DATA_ACK: {
      const tag = SnackRequest.targetTransferTag.get(view, at);
      return runLength === 0 && sent.acknowledgeData(tag, begRun) ? null : Fault.snackDataAck;
    }
    case SnackType.R_DATA: {
      const tag = SnackRequest.targetTransferTag.get(view, at);
      if (tag === 0 || tag === RESERVED_TAG || begRun !== 0 || runLength !== 0) return Fault.snackFields;
      const itt = SnackRequest.initiatorTaskTag.get(view, at);
      const sequence = sequenceOf(connection, sent, at) ?? sent.ofStatusAlone(itt);
      return sequence === null ? FAULTS[sent.ofUnknown] : cutAnew(connection, sent, sequence, tag);
    }
    default:
      return Fault.snackFields;
  }
}

/** §11.16: what was not sent or is acknowledged is a protocol error; what we have lost is not. */
const FAULTS: Readonly<Record<Missing, Fault>> = {
  [Missing.unknown]: Fault.snackRun,
  [Missing.dropped]: Fault.snackDropped,
};

function sendAgain(sent: SentPdus, run: SentPdu[] | Missing): Fault | null {
  if (typeof run === 'string') return FAULTS[run];
  sent.retransmission.add(run);
  return null;
}

/**
 * §11.16.3: a status that rides on more data than the initiator takes by now goes alone; for the data, which it counts, there is R-Data. Other PDUs
 * that are longer can't be sent as they were.
 */
function statusesAgain(connection: Connection, sent: SentPdus, run: SentPdu[] | Missing): Fault | null {
  if (typeof run === 'string') return FAULTS[run];
  const segmentMax = connection.parameters.maxXmitDataSegmentLength;
  if (run.some(({ opcode, length }) => opcode !== Opcode.DATA_IN && length > segmentMax)) return Fault.snackLength;
  const short = run.map((pdu) => {
    if (pdu.opcode !== Opcode.DATA_IN || pdu.length <= segmentMax) return pdu;
    const [data] = resegment([pdu], pdu.number, pdu.length);
    return sent.separate(pdu, data!, taggedResponse(pdu, pdu.sequence!.next, 0));
  });
  return sendAgain(sent, short);
}

/** The data or R2Ts of the command that is meant; it may run and have sent none yet. Null: no such command is known. */
function sequenceOf(connection: Connection, sent: SentPdus, at: number): SentSequence | null {
  const tag = SnackRequest.initiatorTaskTag.get(connection.view, at);
  const known = sent.find(tag);
  if (known !== null) return known;
  const task = connection.session.findTask(tag);
  return task === null || task.connection !== connection ? null : sent.running(tag);
}

/** R-Data: all data that is not acknowledged is cut to the segments that the initiator takes by now, and the status comes after it. */
function cutAnew(connection: Connection, sent: SentPdus, sequence: SentSequence, snackTag: number): Fault | null {
  const data = sent.data(sequence, 0, 0);
  if (typeof data === 'string') return FAULTS[data];
  if (data.some(({ opcode }) => opcode === Opcode.R2T)) return Fault.snackRun;
  const ended = sequence.statSN !== NO_STATUS;
  const status = ended ? sent.status(sequence.statSN) : undefined;
  const cut = resegment(data, sequence.acknowledged, connection.segmentLength);
  const expDataSN = sequence.acknowledged + cut.length;
  sequence.snackTag = snackTag;
  const response = status === undefined ? null : taggedResponse(status, expDataSN, snackTag);
  sent.retransmission.add(sent.replace(sequence, cut, response));
  const task = ended ? null : connection.session.findTask(sequence.initiatorTaskTag);
  if (task === null || cut.length === 0) return null;
  task.dataSN = expDataSN;
  sent.retransmission.follow(connection, task);
  return null;
}
