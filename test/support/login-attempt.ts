// Logins that are judged by how they end: the status of a whole login, or of requests made one by one, as four hex digits.
// Of every refusal it is checked that it looks like one. Keeping a session is raw-initiator.ts's business.

import { Stage } from '../../src/pdu/login-request.ts';
import type { LoginResponse } from '../../src/pdu/login-response.ts';
import { formatLoginStatus } from '../../src/pdu/login-status.ts';
import { type LoginOptions, type LoginStep, loginStep } from './initiator-login.ts';
import { InitiatorSession, RawInitiator, type Reply } from './raw-initiator.ts';
import { TARGET_NAME } from './target-process.ts';

/** Who tries, and where. */
export interface Attempt extends LoginOptions {
  readonly host?: string;
  /** The session to join or to replace; one of its own when left out. */
  readonly session?: InitiatorSession;
  readonly initiatorName?: string;
  readonly isid?: Uint8Array;
  readonly tsih?: number;
  readonly cid?: number;
}

export type Pairs = readonly (readonly [key: string, value: string])[];

/** The names that a login begins with, and any other pairs; undefined leaves one out. */
export function namesAnd(pairs: Readonly<Record<string, string | undefined>> = {}): Pairs {
  const names = {
    InitiatorName: 'iqn.2026-11.io.lunaring:test-initiator',
    SessionType: 'Normal',
    TargetName: TARGET_NAME,
  };
  return Object.entries({ ...names, ...pairs }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
}

/** All of a login in one request, with any other pairs. */
export function straight(pairs: Readonly<Record<string, string | undefined>> = {}): LoginStep {
  return { stage: Stage.OPERATIONAL, next: Stage.FULL_FEATURE, pairs: namesAnd(pairs) };
}

/** A connection of somebody who is about to log in. */
export async function knock(port: number, attempt: Attempt = {}): Promise<RawInitiator> {
  const session = attempt.session ?? new InitiatorSession();
  const initiator = await RawInitiator.connect(port, session, attempt.host);
  session.initiatorName = attempt.initiatorName ?? session.initiatorName;
  session.isid = attempt.isid ?? session.isid;
  session.tsih = attempt.tsih ?? session.tsih;
  initiator.cid = attempt.cid ?? initiator.cid;
  return initiator;
}

/** A whole login, which must succeed. The session is the caller's to end. */
export async function admitted(port: number, attempt: Attempt = {}): Promise<RawInitiator> {
  const initiator = await knock(port, attempt);
  const { status } = await initiator.login(attempt);
  if (status === 0) return initiator;
  initiator[Symbol.dispose]();
  throw new Error(`login refused with ${formatLoginStatus(status)}`);
}

/** What a whole login ends with. When that is success, the session is logged out again. */
export async function loginStatus(port: number, attempt: Attempt = {}): Promise<string> {
  return (await tryLogin(port, attempt)).status;
}

/** As {@link loginStatus}, with what the target said. */
export async function tryLogin(
  port: number,
  attempt: Attempt = {},
): Promise<{ readonly status: string; readonly keys: ReadonlyMap<string, string> }> {
  using initiator = await knock(port, attempt);
  const { status, response, keys } = await initiator.login(attempt);
  if (status === 0) await initiator.logOut();
  else await judgeRefusal(initiator, response);
  return { status: formatLoginStatus(status), keys };
}

/** Sends requests one by one: the status of the first refusal, or of the last answer. The connection is closed then. */
export async function stepsStatus(port: number, steps: readonly LoginStep[], attempt: Attempt = {}): Promise<string> {
  using initiator = await knock(port, attempt);
  return await takeSteps(initiator, steps);
}

/** As {@link stepsStatus}, on a connection that stays open unless it is refused. */
export async function takeSteps(initiator: RawInitiator, steps: readonly LoginStep[]): Promise<string> {
  let status = '';
  for (const step of steps) {
    const response = await loginStep(initiator, step);
    status = statusOf(response);
    if (status === '0000') continue;
    await judgeRefusal(initiator, response, step);
    break;
  }
  return status;
}

/** `0203` for the status of a response. */
export function statusOf({ statusClass, statusDetail }: Reply<typeof LoginResponse>): string {
  return formatLoginStatus((statusClass << 8) | statusDetail);
}

/** §11.13: a refusal has no stage bits and no text but a TargetAddress, echoes ISID and ITT, and is the last thing on its connection. */
async function judgeRefusal(
  initiator: RawInitiator,
  response: Reply<typeof LoginResponse>,
  step?: LoginStep,
): Promise<void> {
  const isid = step?.values?.isid ?? initiator.session.isid;
  const tag = step?.values?.initiatorTaskTag ?? 0;
  const wrong = [
    response.flags === 0 ? '' : `flags 0x${response.flags.toString(16)}`,
    Buffer.compare(response.isid, isid) === 0 ? '' : 'another ISID',
    response.initiatorTaskTag === tag ? '' : `Initiator Task Tag ${response.initiatorTaskTag}`,
    response.data.length === 0 || response.statusClass === 1 ? '' : 'text',
  ].filter((text) => text !== '');
  if (wrong.length > 0) throw new Error(`a refusal with ${wrong.join(', ')}`);
  await initiator.expectClose();
}
