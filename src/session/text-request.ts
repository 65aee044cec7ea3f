// Text Requests in full feature phase (RFC 7143 §11.10): SendTargets, and the little that may still be negotiated.
// One exchange at a time per connection; the pairs themselves are read by pdu/text.ts.

import { BHS_SIZE, RESERVED_TAG } from '../pdu/bhs.ts';
import { findKey, KEYS, parseInRange } from '../pdu/keys.ts';
import { FINAL_BIT, Opcode } from '../pdu/opcode.ts';
import { encodePairs, parsePairs } from '../pdu/text.ts';
import { CONTINUE_BIT, TextRequest, TextResponse } from '../pdu/text-pdu.ts';
import type { Connection } from './connection.ts';
import { Fault } from './faults.ts';
import { EXCHANGE_TAG } from './transfer-tags.ts';

/** Text of one exchange that is taken, in bytes: keys of the full feature phase are few and short. */
const TEXT_BYTES_MAX = 8192;
/** Bytes of one response, if the initiator takes as much: the portals of one target nearly always fit, in a slot of 16 KiB. */
const ANSWER_BYTES_MAX = 8192;

/** A text exchange under way: what came so far, and what is still to be sent. */
export interface TextExchange {
  received: Uint8Array[];
  pending: Uint8Array | null;
}

/**
 * Takes in what a Text Request says: header at slab offset `at`, `length` bytes of data in `slot`. {@link answerText} is next, unless something is
 * wrong with it: then that is returned, and the exchange is over. The slot stays the caller's.
 */
export function takeText(connection: Connection, at: number, slot: number, length: number): Fault | null {
  const view = connection.view;
  const flags = TextRequest.flags.get(view, at);
  const tag = TextRequest.targetTransferTag.get(view, at);
  const known = connection.textExchange;
  connection.textExchange = null;
  if (tag !== RESERVED_TAG && (tag !== EXCHANGE_TAG || known === null)) return Fault.textTag;
  // §11.10.4: a reserved tag begins anew, whatever was open.
  const exchange = tag === RESERVED_TAG || known === null ? { received: [], pending: null } : known;
  if (exchange.pending === null) {
    if (length !== 0) {
      const from = connection.engine.slab.offsetOf(slot);
      exchange.received.push(connection.bytes.slice(from, from + length));
    }
    const total = exchange.received.reduce((sum, part) => sum + part.length, 0);
    if (total > TEXT_BYTES_MAX) return Fault.badText;
    if ((flags & CONTINUE_BIT) === 0) {
      const pairs = parsePairs(Buffer.concat(exchange.received));
      if (pairs === null) return Fault.badText;
      exchange.received = [];
      exchange.pending = answerPairs(connection, pairs);
    }
  }
  connection.textExchange = exchange;
  return null;
}

/** Answers the Text Request whose header lies at slab offset `at`, and that {@link takeText} has taken in. */
export function answerText(connection: Connection, at: number): void {
  const view = connection.view;
  const itt = TextRequest.initiatorTaskTag.get(view, at);
  const final = (TextRequest.flags.get(view, at) & FINAL_BIT) !== 0;
  const exchange = connection.textExchange!;
  // The text goes on in another request.
  if (exchange.pending === null) sendText(connection, itt, new Uint8Array(0), false, false);
  else answer(connection, itt, exchange, exchange.pending, final);
}

/**
 * Sends as much of the answer as one segment holds; the initiator asks for the rest with an empty request. `mayEnd`: the request had the F bit.
 * One that had not is from an initiator with more to say, and an answer with the F bit would be an error (§11.11.1).
 */
function answer(
  connection: Connection,
  itt: number,
  exchange: TextExchange,
  pending: Uint8Array,
  mayEnd: boolean,
): void {
  const max = Math.min(connection.parameters.maxXmitDataSegmentLength, ANSWER_BYTES_MAX);
  const part = pending.subarray(0, max);
  const more = pending.length > part.length;
  exchange.pending = more ? pending.subarray(part.length) : null;
  const ends = mayEnd && !more;
  if (ends) connection.textExchange = null;
  sendText(connection, itt, part, ends, more);
}

/** What is left to negotiate after login: §13 marks the keys that may be used in full feature phase. */
function answerPairs(connection: Connection, pairs: ReadonlyMap<string, string>): Uint8Array {
  const answers: [string, string][] = [];
  let text: Uint8Array = new Uint8Array(0);
  for (const [key, value] of pairs) {
    switch (key) {
      case 'SendTargets':
        text = sendTargets(connection, value);
        break;
      case 'MaxRecvDataSegmentLength': {
        const length = parseInRange(value, KEYS.MaxRecvDataSegmentLength);
        if (length === null) answers.push([key, 'Reject']);
        else redeclare(connection, length);
        break;
      }
      case 'InitiatorAlias':
      case 'X#NodeArchitecture':
        break;
      default:
        // All others are settled at login; obsolete ones may not be called not understood (§13.25).
        answers.push([key, findKey(key) === undefined ? 'NotUnderstood' : 'Reject']);
    }
  }
  return Buffer.concat([text, encodePairs(answers)]);
}

/** It holds for all that is sent behind the answer, and main tells of it as well. */
function redeclare(connection: Connection, maxXmitDataSegmentLength: number): void {
  if (maxXmitDataSegmentLength === connection.parameters.maxXmitDataSegmentLength) return;
  connection.parameters = { ...connection.parameters, maxXmitDataSegmentLength };
  connection.sent?.retransmission.dropLonger(maxXmitDataSegmentLength);
  const { tsih, host } = connection.session;
  for (let task = connection.firstTask; task !== null; task = task.nextInConnection) {
    host.processor.memory.setSegmentLength(task, connection.segmentLength);
  }
  host.uplink({ type: 'redeclared', tsih, cid: connection.cid, maxXmitDataSegmentLength });
}

/** Appendix C: in a session, All is for discovery only; an empty value, or its own name, asks for the session's target. */
function sendTargets(connection: Connection, value: string): Uint8Array {
  const own = connection.session.nexus.targetName;
  if (value === '' || value.toLowerCase() === own) return Buffer.from(connection.sendTargets);
  return value === 'All' ? encodePairs([['SendTargets', 'Reject']]) : new Uint8Array(0);
}

function sendText(connection: Connection, itt: number, text: Uint8Array, final: boolean, more: boolean): void {
  const slab = connection.engine.slab;
  const slot = slab.takeSlot(Math.max(text.length, 1));
  if (slot < 0) {
    connection.close('no I/O memory for a text response');
    return;
  }
  const view = connection.view;
  const header = slab.offsetOf(slot) - connection.headerLength;
  connection.bytes.fill(0, header, header + BHS_SIZE);
  connection.bytes.set(text, slab.offsetOf(slot));
  TextResponse.opcode.set(view, header, Opcode.TEXT_RESPONSE);
  TextResponse.flags.set(view, header, (final ? FINAL_BIT : 0) | (more ? CONTINUE_BIT : 0));
  TextResponse.dataSegmentLength.set(view, header, text.length);
  TextResponse.initiatorTaskTag.set(view, header, itt);
  // §11.11.4: a valid tag while the exchange goes on.
  TextResponse.targetTransferTag.set(view, header, final ? RESERVED_TAG : EXCHANGE_TAG);
  connection.writeStatSN(header);
  connection.sendSegment(header, text.length, slot);
}
