// The bytes of a Login Response (RFC 7143 §11.13).
// What stands in it is decided by login-machine.ts.

import { BHS_SIZE, padded } from '../pdu/bhs.ts';
import { CSG_SHIFT, ISCSI_VERSION, TRANSIT_BIT } from '../pdu/login-request.ts';
import { LoginResponse } from '../pdu/login-response.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { Opcode } from '../pdu/opcode.ts';
import { CONTINUE_BIT } from '../pdu/text-pdu.ts';
import type { LoginHeader } from './login-header.ts';

/** What a Login Response says. Numbers are those of the request it answers unless said otherwise. */
export interface LoginAnswer {
  readonly isid: string;
  readonly initiatorTaskTag: number;
  readonly tsih: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  /** Commands that may follow: MaxCmdSN is ExpCmdSN + this - 1; or {@link NO_NEWS}. */
  readonly commandWindow: number;
  readonly status: LoginStatus;
  readonly transit: boolean;
  readonly continues: boolean;
  readonly currentStage: number;
  readonly nextStage: number;
  /** At most 8192 bytes. */
  readonly text: Uint8Array;
}

/** A MaxCmdSN below ExpCmdSN - 1 has the initiator ignore them both (§4.2.2.1). */
const NO_NEWS = -1;

/** A successful answer to `header` that says nothing yet. */
export function answerTo(header: LoginHeader, statSN: number): LoginAnswer {
  const { isid, initiatorTaskTag, tsih, currentStage, nextStage } = header;
  return {
    isid,
    initiatorTaskTag,
    tsih,
    statSN,
    // Login Requests are immediate: they take no number of their own, and one command may follow. Of a session that is joined only its worker
    // knows what has come: numbers before this one may be lost with another connection, or still on their way.
    expCmdSN: header.cmdSN,
    commandWindow: tsih === 0 ? 1 : NO_NEWS,
    status: LoginStatus.SUCCESS,
    transit: false,
    continues: false,
    currentStage,
    nextStage,
    text: new Uint8Array(0),
  };
}

/** Header and padded text. The stage bits of a refusal carry no meaning and are 0. */
export function encodeLoginResponse(answer: LoginAnswer): Uint8Array {
  const bytes = new Uint8Array(BHS_SIZE + padded(answer.text.length));
  const view = new DataView(bytes.buffer);
  const stages = (answer.currentStage << CSG_SHIFT) | (answer.transit ? TRANSIT_BIT | answer.nextStage : 0);
  LoginResponse.opcode.set(view, 0, Opcode.LOGIN_RESPONSE);
  if (answer.status === LoginStatus.SUCCESS) {
    LoginResponse.flags.set(view, 0, stages | (answer.continues ? CONTINUE_BIT : 0));
  }
  LoginResponse.versionMax.set(view, 0, ISCSI_VERSION);
  LoginResponse.versionActive.set(view, 0, ISCSI_VERSION);
  LoginResponse.dataSegmentLength.set(view, 0, answer.text.length);
  LoginResponse.isid.copyFrom(view, 0, Buffer.from(answer.isid, 'hex'));
  LoginResponse.tsih.set(view, 0, answer.tsih);
  LoginResponse.initiatorTaskTag.set(view, 0, answer.initiatorTaskTag);
  LoginResponse.statSN.set(view, 0, answer.statSN);
  LoginResponse.expCmdSN.set(view, 0, answer.expCmdSN);
  LoginResponse.maxCmdSN.set(view, 0, answer.expCmdSN + answer.commandWindow - 1);
  LoginResponse.statusClass.set(view, 0, answer.status >>> 8);
  LoginResponse.statusDetail.set(view, 0, answer.status & 0xff);
  bytes.set(answer.text, BHS_SIZE);
  return bytes;
}
