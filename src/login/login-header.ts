// The header of a Login Request, and the rules it must keep by itself and from one request to the next (RFC 7143 §6.3, §11.12).
// No text is looked at here.

import { serialBefore } from '../base/serial.ts';
import { Bhs } from '../pdu/bhs.ts';
import {
  CSG_MASK,
  CSG_SHIFT,
  ISCSI_VERSION,
  LoginRequest,
  NSG_MASK,
  Stage,
  TRANSIT_BIT,
} from '../pdu/login-request.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { CONTINUE_BIT } from '../pdu/text-pdu.ts';
import { fault, type LoginFault, wrong } from './refusal.ts';

/** §13.12: the longest data segment during login, in both directions. */
export const LOGIN_SEGMENT_BYTES_MAX = 8192;

/** A Login Request's header. */
export interface LoginHeader {
  readonly transit: boolean;
  readonly continues: boolean;
  readonly currentStage: number;
  readonly nextStage: number;
  readonly versionMax: number;
  readonly versionMin: number;
  readonly totalAHSLength: number;
  readonly dataSegmentLength: number;
  /** 12 hex digits. */
  readonly isid: string;
  readonly tsih: number;
  readonly initiatorTaskTag: number;
  readonly cid: number;
  readonly cmdSN: number;
  readonly expStatSN: number;
}

/** Reads the header at the start of `pdu`, which has 48 bytes or more. */
export function readLoginHeader(pdu: Uint8Array): LoginHeader {
  const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.byteLength);
  const flags = LoginRequest.flags.get(view, 0);
  return {
    transit: (flags & TRANSIT_BIT) !== 0,
    continues: (flags & CONTINUE_BIT) !== 0,
    currentStage: (flags & CSG_MASK) >> CSG_SHIFT,
    nextStage: flags & NSG_MASK,
    versionMax: LoginRequest.versionMax.get(view, 0),
    versionMin: LoginRequest.versionMin.get(view, 0),
    totalAHSLength: Bhs.totalAHSLength.get(view, 0),
    dataSegmentLength: LoginRequest.dataSegmentLength.get(view, 0),
    isid: Buffer.from(LoginRequest.isid.copy(view, 0)).toString('hex'),
    tsih: LoginRequest.tsih.get(view, 0),
    initiatorTaskTag: LoginRequest.initiatorTaskTag.get(view, 0),
    cid: LoginRequest.cid.get(view, 0),
    cmdSN: LoginRequest.cmdSN.get(view, 0),
    expStatSN: LoginRequest.expStatSN.get(view, 0),
  };
}

/** Lengths and version: what is judged before anything else is believed. */
export function judgeFrame(header: LoginHeader, first: boolean): LoginFault | null {
  if (header.totalAHSLength !== 0) {
    const received = `TotalAHSLength ${header.totalAHSLength}`;
    return wrong('a Login Request has no additional header segment', received, 'TotalAHSLength 0');
  }
  if (header.dataSegmentLength > LOGIN_SEGMENT_BYTES_MAX) {
    const expected = `at most ${LOGIN_SEGMENT_BYTES_MAX}, and the rest in further requests with C=1`;
    return wrong('a data segment fits during login', `${header.dataSegmentLength} bytes`, expected);
  }
  if (first && header.versionMin > ISCSI_VERSION) {
    const received = `Version-min ${header.versionMin}, Version-max ${header.versionMax}`;
    return fault(LoginStatus.UNSUPPORTED_VERSION, 'the initiator speaks version 0', received, 'Version-min 0');
  }
  return null;
}

/** The stage bits. `stage` is the stage the login is in; null at its start. */
export function judgeStages(header: LoginHeader, stage: number | null): LoginFault | null {
  const { transit, continues, currentStage, nextStage } = header;
  const received = `T=${Number(transit)} C=${Number(continues)} CSG=${currentStage} NSG=${nextStage}`;
  if (transit && continues) return wrong('T and C are not set together', received, 'T=0 while C=1');
  if (currentStage !== Stage.SECURITY && currentStage !== Stage.OPERATIONAL) {
    return wrong('CSG is a stage of the login phase', received, 'CSG=0 or CSG=1');
  }
  if (stage !== null && currentStage !== stage) {
    return wrong('CSG changes only by a transit that both sides agree on', received, `CSG=${stage}`);
  }
  if (!transit) return null;
  if (nextStage === Stage.RESERVED) return wrong('NSG is not the reserved stage', received, 'NSG=1 or NSG=3');
  if (nextStage <= currentStage) return wrong('a transit leads onward', received, 'an NSG above CSG');
  return null;
}

/** What stays the same in all requests of one login, by its name in the standard; of CmdSN, {@link judgeCmdSN} has more. */
const CONSTANT = {
  versionMax: 'Version-max',
  versionMin: 'Version-min',
  isid: 'ISID',
  tsih: 'TSIH',
  initiatorTaskTag: 'Initiator Task Tag',
  cid: 'CID',
} as const satisfies Partial<Record<keyof LoginHeader, string>>;

/** Compares a request with the first one of the login. */
export function judgeConstants(header: LoginHeader, first: LoginHeader): LoginFault | null {
  const fields = Object.keys(CONSTANT) as (keyof typeof CONSTANT)[];
  const changed = fields.find((field) => header[field] !== first[field]);
  if (changed === undefined) return judgeCmdSN(header, first);
  const name = CONSTANT[changed];
  return wrong(`${name} stays the same during a login`, `${name} ${header[changed]}`, `${name} ${first[changed]}`);
}

/**
 * §11.12.8. Login Requests are immediate and take no number, so CmdSN stays as well, unless the connection joins a session: there, commands over
 * its other connections advance it meanwhile.
 */
function judgeCmdSN(header: LoginHeader, first: LoginHeader): LoginFault | null {
  const [received, expected] = [`CmdSN ${header.cmdSN}`, `CmdSN ${first.cmdSN}`];
  if (first.tsih === 0) {
    return header.cmdSN === first.cmdSN ? null : wrong('CmdSN stays the same during a login', received, expected);
  }
  if (!serialBefore(header.cmdSN, first.cmdSN)) return null;
  return wrong('CmdSN does not go back during a login', received, `${expected} or a later one`);
}
