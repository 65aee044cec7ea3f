// TransportIDs of iSCSI initiator ports (SPC-5, protocol identifier 5h): an iSCSI name, with or without an ISID.
// Used where persistent reservations name initiators.

import { normalizeInitiatorName } from '../config/iscsi-name.ts';
import type { NexusName } from '../ring/reservations.ts';
import { joined, nullPadded } from './reply.ts';

const PROTOCOL_ISCSI = 0x05;
const PROTOCOL_MASK = 0x0f;
/** FORMAT CODE 01b: `name,i,0x<isid>`; 00b: the name alone. */
const WITH_ISID = 0x40;
const FORMAT_MASK = 0xc0;
/** By FORMAT CODE: what is the name, and what the ISID. */
const FORMS: ReadonlyMap<number, RegExp> = new Map([
  [0, /^(.+)$/s],
  [WITH_ISID, /^(.+),i,0x([0-9a-f]{12})$/i],
]);
const HEADER_BYTES = 4;
/** ADDITIONAL LENGTH is at least this, and a multiple of four. */
const NAME_BYTES_MIN = 20;

/** The TransportID of an initiator port. */
export function encodeTransportId({ initiatorName, isid }: Pick<NexusName, 'initiatorName' | 'isid'>): Uint8Array {
  const name = nullPadded(isid === '' ? initiatorName : `${initiatorName},i,0x${isid}`);
  const padded = joined([name, new Uint8Array(Math.max(0, NAME_BYTES_MIN - name.length))]);
  const header = Uint8Array.of((isid === '' ? 0 : WITH_ISID) | PROTOCOL_ISCSI, 0, padded.length >>> 8, padded.length);
  return joined([header, padded]);
}

/** A TransportID that was read, and where the next one starts. */
export interface ReadTransportId {
  readonly initiatorName: string;
  readonly isid: string;
  readonly end: number;
}

/**
 * Reads the TransportID at `at`, which must end by `end`; null when it is none of an iSCSI initiator port. Names are those that can log in, in
 * the form in which sessions have them.
 */
export function readTransportId(view: DataView, at: number, end: number): ReadTransportId | null {
  if (at + HEADER_BYTES > end) return null;
  const first = view.getUint8(at);
  const length = view.getUint16(at + 2);
  const next = at + HEADER_BYTES + length;
  if ((first & PROTOCOL_MASK) !== PROTOCOL_ISCSI || length < NAME_BYTES_MIN || length % 4 !== 0 || next > end)
    return null;
  const text = Buffer.from(view.buffer, view.byteOffset + at + HEADER_BYTES, length).toString('utf8');
  const form = FORMS.get(first & FORMAT_MASK);
  const [, name = '', isid = ''] = form?.exec(text.slice(0, Math.max(text.indexOf('\0'), 0))) ?? [];
  const initiatorName = normalizeInitiatorName(name);
  return initiatorName === null ? null : { initiatorName, isid: isid.toLowerCase(), end: next };
}
