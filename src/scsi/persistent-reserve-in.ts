// PERSISTENT RESERVE IN (SPC-5): keys, reservation, capabilities and full status, from this worker's snapshot.
// The snapshot is as new as the last PERSISTENT RESERVE OUT that was answered: main waits for every worker before it answers.

import {
  isAllRegistrants,
  type Registration,
  type ReservationSnapshot,
  ReservationType,
} from '../ring/reservations.ts';
import { Cdb10, serviceActionOf } from './cdb.ts';
import { type ColdCommand, REPLY } from './cold-command.ts';
import { relativePort } from './nexus.ts';
import { blank, joined, reply } from './reply.ts';
import { failField } from './sense.ts';
import { encodeTransportId } from './transport-id.ts';

const Action = { READ_KEYS: 0, READ_RESERVATION: 1, REPORT_CAPABILITIES: 2, READ_FULL_STATUS: 3 } as const;

const HEADER_BYTES = 8;
const KEY_BYTES = 8;

function header(state: ReservationSnapshot, length: number): Uint8Array {
  const { bytes, view } = blank(HEADER_BYTES);
  view.setUint32(0, state.generation);
  view.setUint32(4, length);
  return bytes;
}

const keyBytes = (key: string): Uint8Array => Buffer.from(key, 'hex');

function readKeys(state: ReservationSnapshot): Uint8Array {
  const keys = state.registrations.map(({ key }) => keyBytes(key));
  return joined([header(state, keys.length * KEY_BYTES), ...keys]);
}

function readReservation(state: ReservationSnapshot): Uint8Array {
  if (state.type === ReservationType.none) return header(state, 0);
  const { bytes, view } = blank(16);
  // With all registrants holding it, there is no key that is the holder's.
  const holder = state.registrations[state.holder];
  if (holder !== undefined) bytes.set(keyBytes(holder.key));
  view.setUint8(13, state.type);
  return joined([header(state, bytes.length), bytes]);
}

/** ATP_C, SIP_C, CRH, PTPL_C; TMV with every type there is; PTPL_A. */
function reportCapabilities(state: ReservationSnapshot, durable: boolean): Uint8Array {
  const { bytes, view } = blank(8);
  const CRH = 0x10;
  const SIP_C = 0x08;
  const ATP_C = 0x04;
  const PTPL_C = 0x01;
  const TMV = 0x80;
  const PTPL_A = 0x01;
  view.setUint16(0, bytes.length);
  view.setUint8(2, CRH | SIP_C | ATP_C | (durable ? PTPL_C : 0));
  view.setUint8(3, TMV | (state.aptpl ? PTPL_A : 0));
  // WR_EX_AR, EX_AC_RO, WR_EX_RO, EX_AC, WR_EX; EX_AC_AR.
  view.setUint8(4, 0xea);
  view.setUint8(5, 0x01);
  return bytes;
}

function fullStatusOf(state: ReservationSnapshot, registration: Registration, index: number): Uint8Array {
  const ALL_TG_PT = 0x02;
  const R_HOLDER = 0x01;
  const holds = state.type !== ReservationType.none && (isAllRegistrants(state.type) || state.holder === index);
  const transportId = encodeTransportId(registration.nexus);
  const { bytes, view } = blank(24);
  bytes.set(keyBytes(registration.key));
  view.setUint8(12, (registration.allTargetPorts ? ALL_TG_PT : 0) | (holds ? R_HOLDER : 0));
  view.setUint8(13, holds ? state.type : 0);
  view.setUint16(18, relativePort(registration.nexus.portalGroupTag));
  view.setUint32(20, transportId.length);
  return joined([bytes, transportId]);
}

function readFullStatus(state: ReservationSnapshot): Uint8Array {
  const descriptors = state.registrations.map((registration, index) => fullStatusOf(state, registration, index));
  const length = descriptors.reduce((sum, descriptor) => sum + descriptor.length, 0);
  return joined([header(state, length), ...descriptors]);
}

/** The command. */
export const persistentReserveIn: ColdCommand = {
  ...REPLY,
  name: 'PERSISTENT RESERVE IN',
  decode: ({ cdb }) => Cdb10.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const state = unit.reservations;
    switch (serviceActionOf(task.cdb)) {
      case Action.READ_KEYS:
        return reply(task, services, readKeys(state));
      case Action.READ_RESERVATION:
        return reply(task, services, readReservation(state));
      case Action.REPORT_CAPABILITIES:
        return reply(task, services, reportCapabilities(state, unit.snapshot.statePath !== null));
      case Action.READ_FULL_STATUS:
        return reply(task, services, readFullStatus(state));
      default:
        failField(task, 1);
    }
  },
};
