// A PDU that is to be sent and may be wrong in every way: its parts, and which of its lengths and digests are to lie.
// What is in it comes from recording.ts and grammar.ts, and is spoilt by mutation.ts.

import { BHS_SIZE, Bhs, padded } from '../../src/pdu/bhs.ts';
import { IMMEDIATE_BIT, OPCODE_MASK, Opcode } from '../../src/pdu/opcode.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { digest } from '../support/digest.ts';
import { viewOf } from '../support/header-values.ts';

/** What is wrong about its framing. `length` and `cut` leave the target waiting, or reading data as headers: nothing sane can follow. */
export type Damage = 'none' | 'headerDigest' | 'dataDigest' | 'length' | 'cut';

export interface FuzzPdu {
  /** 48 bytes. */
  readonly header: Buffer;
  /** Whole words. */
  readonly ahs: Buffer;
  readonly data: Buffer;
  /** The CmdSN that is due goes into the header when it is sent. */
  readonly numbered: boolean;
  readonly damage: Damage;
}

/** Opcodes whose PDUs have a CmdSN, at the same place. */
const NUMBERED: readonly number[] = [
  Opcode.NOP_OUT,
  Opcode.SCSI_COMMAND,
  Opcode.TASK_MANAGEMENT_REQUEST,
  Opcode.TEXT_REQUEST,
  Opcode.LOGOUT_REQUEST,
];

export function hasCmdSN({ header }: FuzzPdu): boolean {
  return NUMBERED.includes(header[0]! & OPCODE_MASK);
}

/** Whether sending it uses up the CmdSN that it gets. */
export function usesCmdSN(pdu: FuzzPdu): boolean {
  return pdu.numbered && hasCmdSN(pdu) && (pdu.header[0]! & IMMEDIATE_BIT) === 0;
}

/** Puts the CmdSN that is due where it belongs. */
export function setCmdSN({ header }: FuzzPdu, cmdSN: number): void {
  ScsiCommand.cmdSN.set(viewOf(header), 0, cmdSN);
}

/** After it the target can't tell any more where a PDU begins. */
export function breaksFraming({ damage }: FuzzPdu): boolean {
  return damage === 'length' || damage === 'cut';
}

export interface Digests {
  readonly headerDigest: boolean;
  readonly dataDigest: boolean;
}

/** What goes over the wire: lengths set right, except where the damage is there. */
export function wireBytes(pdu: FuzzPdu, { headerDigest, dataDigest }: Digests): Buffer {
  const { header, ahs, data, damage } = pdu;
  if (damage !== 'length') {
    Bhs.totalAHSLength.set(viewOf(header), 0, ahs.length / 4);
    Bhs.dataSegmentLength.set(viewOf(header), 0, data.length);
  }
  const segment = Buffer.alloc(padded(data.length));
  segment.set(data);
  const parts: Buffer[] = [header, ahs];
  if (headerDigest) parts.push(digest(Buffer.concat([header, ahs]), damage === 'headerDigest'));
  parts.push(segment);
  if (dataDigest && data.length > 0) parts.push(digest(segment, damage === 'dataDigest'));
  const whole = Buffer.concat(parts);
  // Where it is cut follows from what is in it, so that it is the same every time.
  return damage === 'cut' ? whole.subarray(0, 1 + (header.readUInt32BE(16) % (whole.length - 1))) : whole;
}

/** The parts of a PDU's bytes without digests, as they were recorded. */
export function partsOf(bytes: Uint8Array): FuzzPdu {
  const whole = Buffer.from(bytes);
  const view = viewOf(whole);
  const dataStart = BHS_SIZE + Bhs.totalAHSLength.get(view, 0) * 4;
  return {
    header: whole.subarray(0, BHS_SIZE),
    ahs: whole.subarray(BHS_SIZE, dataStart),
    data: whole.subarray(dataStart, dataStart + Bhs.dataSegmentLength.get(view, 0)),
    numbered: true,
    damage: 'none',
  };
}
