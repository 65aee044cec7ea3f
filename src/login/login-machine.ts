// The login phase of one connection (RFC 7143 §6.3): Login Requests in, answers out, one grant or refusal at the end.
// Pure: no socket, no timer. What each step checks is in the file named after it; here is the order.

import { randomBytes } from 'node:crypto';
import { oneLine } from '../base/one-line.ts';
import { serialAdd } from '../base/serial.ts';
import { BHS_SIZE } from '../pdu/bhs.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { Stage } from '../pdu/login-request.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { OPCODE_MASK, Opcode, opcodeName } from '../pdu/opcode.ts';
import { encodePairs, type Pair, parseText } from '../pdu/text.ts';
import { denial } from './access.ts';
import { type Applicant, judgeAgain, judgeApplicant } from './applicant.ts';
import { GivenKeys } from './given-keys.ts';
import {
  judgeConstants,
  judgeFrame,
  judgeStages,
  LOGIN_SEGMENT_BYTES_MAX,
  type LoginHeader,
  readLoginHeader,
} from './login-header.ts';
import { Negotiation } from './negotiation.ts';
import type { Grant, Outcome, Refused } from './outcome.ts';
import { type LoginEndpoint, type LoginPolicy, SessionType } from './policy.ts';
import { redirectTo } from './redirect.ts';
import { fault, isFault, type LoginFault, refusalOf, wrong } from './refusal.ts';
import { answerTo, encodeLoginResponse, type LoginAnswer } from './response.ts';
import { SecurityDialogue } from './security.ts';
import { type SortedKeys, sortKeys } from './sorted-keys.ts';

/** Requests of one login: CHAP takes four, text of {@link TEXT_BYTES_MAX} eight. */
const REQUESTS_MAX = 16;
/** Bytes of text in all requests of one login: what initiators send is below 2 KiB. */
const TEXT_BYTES_MAX = 64 * 1024;

const NOTHING = new Uint8Array(0);

/** What a machine may be given. */
export interface LoginMachineOptions {
  /** `length` bytes nobody can guess; the system's when left out. */
  readonly random?: (length: number) => Uint8Array;
}

/** The first text is judged: from here on there is somebody to talk to. */
interface Dialogue {
  readonly applicant: Applicant;
  readonly security: SecurityDialogue;
  readonly negotiation: Negotiation;
}

/** The login of one connection. Never throws: what goes wrong inside is a refusal with 0300. */
export class LoginMachine {
  readonly #policy: LoginPolicy;
  readonly #endpoint: LoginEndpoint;
  readonly #random: (length: number) => Uint8Array;
  #over = false;
  /** The first request's header, which all others must agree with, and the latest. */
  #first: LoginHeader | null = null;
  #header: LoginHeader | null = null;
  #stage: number | null = null;
  #requests = 0;
  #textBytes = 0;
  #statSN = 0;
  /** Text that came with C=1. */
  #received: Uint8Array[] = [];
  /** The part of our answer that did not fit; null: all is said. */
  #unsaid: Uint8Array | null = null;
  #dialogue: Dialogue | null = null;
  readonly #given = new GivenKeys();

  constructor(policy: LoginPolicy, endpoint: LoginEndpoint, options: LoginMachineOptions = {}) {
    this.#policy = policy;
    this.#endpoint = endpoint;
    this.#random = options.random ?? randomBytes;
  }

  /** Takes one PDU: header and data segment, or the header alone of a PDU that is not worth reading (see framer.ts). */
  receive(pdu: Uint8Array): Outcome {
    if (this.#over) return { kind: 'close', reason: 'login is over' };
    try {
      return this.#takePdu(pdu);
    } catch (cause) {
      const received = cause instanceof Error ? cause.message : String(cause);
      const failed = fault(LoginStatus.TARGET_ERROR, 'the target works', received, 'no fault of its own');
      return this.#refuse({ ...failed, cause });
    }
  }

  #takePdu(pdu: Uint8Array): Outcome {
    if (pdu.length < BHS_SIZE) return this.#close('less than a header');
    const opcode = pdu[0]! & OPCODE_MASK;
    if (opcode !== Opcode.LOGIN_REQUEST) {
      if (this.#first === null) return this.#close(`the first PDU is no Login Request but ${opcodeName(opcode)}`);
      const rule = 'nothing but Login Requests comes before login is over';
      return this.#refuse(fault(LoginStatus.INVALID_DURING_LOGIN, rule, opcodeName(opcode), 'Login Request'));
    }
    const header = readLoginHeader(pdu);
    const begins = this.#first === null;
    const first = this.#first ?? header;
    this.#first = first;
    this.#header = header;
    const wrong =
      judgeFrame(header, begins) ??
      judgeStages(header, this.#stage) ??
      judgeConstants(header, first) ??
      this.#judgeAmount(header);
    if (wrong !== null) return this.#refuse(wrong);
    this.#stage = header.currentStage;
    const data = pdu.subarray(BHS_SIZE, BHS_SIZE + header.dataSegmentLength);
    if (data.length < header.dataSegmentLength) return this.#close('less than a data segment');
    return this.#unsaid === null ? this.#listen(header, data) : this.#goOn(header, data);
  }

  #judgeAmount(header: LoginHeader): LoginFault | null {
    this.#requests++;
    this.#textBytes += header.dataSegmentLength;
    if (this.#requests > REQUESTS_MAX) {
      const rule = 'a login takes no more requests than it needs';
      return wrong(rule, `${this.#requests} requests`, `at most ${REQUESTS_MAX}`);
    }
    if (this.#textBytes <= TEXT_BYTES_MAX) return null;
    const rule = 'a login takes no more text than it needs';
    return wrong(rule, `${this.#textBytes} bytes`, `at most ${TEXT_BYTES_MAX}`);
  }

  /** Our turn to listen: collects text until it is complete. */
  #listen(header: LoginHeader, data: Uint8Array): Outcome {
    this.#received.push(data.slice());
    if (header.continues) return this.#reply(header, { text: NOTHING, transit: false, continues: false });
    const text = Buffer.concat(this.#received);
    this.#received = [];
    const answers = this.#takeText(header, text);
    if (isFault(answers)) return this.#refuse(answers);
    return this.#say(header, encodePairs(answers));
  }

  /** Our turn to go on with an answer (§6.2: the other side asks for the rest with nothing to say itself). */
  #goOn(header: LoginHeader, data: Uint8Array): Outcome {
    if (data.length === 0 && !header.continues) return this.#say(header, this.#unsaid!);
    const rule = 'the rest of an answer is asked for with an empty request';
    const received = `${data.length} bytes, C=${Number(header.continues)}`;
    return this.#refuse(wrong(rule, received, 'no data, C=0'));
  }

  /** Judges a complete text, in the order in which reasons are reported. */
  #takeText(header: LoginHeader, bytes: Uint8Array): (readonly [key: string, value: string])[] | LoginFault {
    const text = parseText(bytes);
    if (!text.ok) {
      const rule = 'a text is made of key=value pairs, each with a NUL';
      return wrong(rule, `${text.excerpt}: ${text.fault}`, 'Key=value NUL');
    }
    const sorted = sortKeys(text.pairs, header.currentStage);
    if (isFault(sorted)) return sorted;
    const again = this.#given.take(sorted, this.#dialogue === null);
    if (again !== null) return again;
    const answers: (readonly [string, string])[] = [];
    if (this.#dialogue === null) {
      const begun = this.#begin(header);
      if (isFault(begun)) return begun;
      answers.push(...begun);
    }
    const agreed = this.#takeKeys(header, sorted);
    if (isFault(agreed)) return agreed;
    const unknown = sorted.unknown.map(({ key }) => [key, 'NotUnderstood'] as const);
    return [...answers, ...agreed, ...unknown];
  }

  /** The first text is complete. Its answer names the portal group (§13.9: in the first response that follows TargetName). */
  #begin(header: LoginHeader): (readonly [string, string])[] | LoginFault {
    const endpoint = this.#endpoint;
    const applicant = judgeApplicant(this.#given.names, header, endpoint, this.#policy);
    if (isFault(applicant)) return applicant;
    const { auth, target, offered, entry, claim } = applicant;
    const targetName = claim.identity.targetName;
    const security = new SecurityDialogue({
      auth,
      random: this.#random,
      secretsElsewhere: (user) => (target === null ? [] : this.#policy.secretsElsewhere(user, targetName)),
      denyStranger: (user) =>
        denial(
          target!.acl,
          "the CHAP account is one of the target's",
          `CHAP_N=${user}`,
          'an account of this target',
          LoginReason.account,
        ),
    });
    const joins = entry.kind === 'addConnection' || entry.kind === 'reinstateConnection';
    const joined = joins ? entry.session.parameters : null;
    const discovery = claim.sessionType === SessionType.discovery;
    this.#dialogue = { applicant, security, negotiation: new Negotiation({ offered, discovery, joined }) };
    if (target === null) return [];
    const tag = ['TargetPortalGroupTag', String(endpoint.portalGroupTag)] as const;
    return target.alias === undefined ? [tag] : [tag, ['TargetAlias', target.alias]];
  }

  /** Security first, then a redirect that only the proven may learn of, then operational keys. */
  #takeKeys(header: LoginHeader, sorted: SortedKeys): (readonly [string, string])[] | LoginFault {
    const { security, negotiation } = this.#dialogue!;
    if (header.currentStage === Stage.SECURITY) {
      const answers = security.take(mapOf(sorted.security), header.transit);
      if (isFault(answers) || !security.proven || !header.transit) return answers;
      return this.#judgeRedirect() ?? answers;
    }
    if (!security.proven) {
      const rule = 'the security stage is not skipped';
      const received = `CSG=${header.currentStage}`;
      const expected = 'CSG=0, AuthMethod=CHAP';
      return fault(LoginStatus.AUTHENTICATION_FAILURE, rule, received, expected, LoginReason.chapWanted);
    }
    return this.#judgeRedirect() ?? negotiation.take(sorted.operational);
  }

  #judgeRedirect(): LoginFault | null {
    const { initiatorName, targetName } = this.#dialogue!.applicant.claim.identity;
    const redirect = targetName === '' ? null : this.#policy.redirectOf(initiatorName, targetName);
    return redirect && redirectTo(redirect, this.#endpoint, 'this initiator is served at this portal');
  }

  /** Sends what fits of an answer. The stage changes, or login ends, with the last part only (§6.2: never with C=1). */
  #say(header: LoginHeader, answer: Uint8Array): Outcome {
    const text = answer.subarray(0, LOGIN_SEGMENT_BYTES_MAX);
    const continues = answer.length > text.length;
    this.#unsaid = continues ? answer.subarray(text.length) : null;
    const transit = header.transit && !continues && this.#dialogue!.security.proven;
    if (transit && header.nextStage === Stage.FULL_FEATURE) return this.#complete(header, text);
    if (transit) this.#stage = header.nextStage;
    return this.#reply(header, { text, transit, continues });
  }

  #complete(header: LoginHeader, text: Uint8Array): Outcome {
    const { applicant, security, negotiation } = this.#dialogue!;
    const unagreed = negotiation.finish();
    if (unagreed !== null) return this.#refuse(unagreed);
    const entry = judgeAgain(applicant, this.#endpoint, this.#policy);
    if (isFault(entry)) return this.#refuse(entry);
    this.#over = true;
    const said = { text, transit: true, continues: false };
    const grant: Grant = {
      endpoint: this.#endpoint,
      claim: applicant.claim,
      entry,
      // For people, in lists and on terminals.
      initiatorAlias: oneLine(this.#given.names.get('InitiatorAlias') ?? ''),
      target: applicant.target,
      account: security.account,
      expCmdSN: header.cmdSN,
      statSN: serialAdd(this.#statSN, 1),
      expStatSN: this.#first!.expStatSN,
      session: negotiation.session,
      connection: negotiation.connection,
      finalResponse: (tsih, commandWindow) =>
        encodeLoginResponse({ ...answerTo(header, this.#statSN), ...said, tsih, commandWindow }),
      refuse: (found) => this.#refuse(found),
    };
    return { kind: 'complete', grant };
  }

  #reply(header: LoginHeader, said: Pick<LoginAnswer, 'text' | 'transit' | 'continues'>): Outcome {
    const bytes = encodeLoginResponse({ ...answerTo(header, this.#statSN), ...said });
    this.#statSN = serialAdd(this.#statSN, 1);
    return { kind: 'reply', bytes };
  }

  #refuse(found: LoginFault): Refused {
    this.#over = true;
    const { initiatorName, targetName } = this.#given;
    const refusal = refusalOf(found, { endpoint: this.#endpoint, initiatorName, targetName });
    const address = found.targetAddress;
    const text = address === undefined ? NOTHING : encodePairs([['TargetAddress', address]]);
    const header = this.#header!;
    const tsih = this.#knowsSession(found.code) ? header.tsih : 0;
    const bytes = encodeLoginResponse({ ...answerTo(header, this.#statSN), text, tsih, status: found.code });
    return { kind: 'refuse', refusal, bytes };
  }

  /** Whether the TSIH was found to be a session's, so that a refusal repeats it. */
  #knowsSession(code: LoginStatus): boolean {
    if (code === LoginStatus.SESSION_DOES_NOT_EXIST) return false;
    if (code === LoginStatus.CANNOT_INCLUDE_IN_SESSION || code === LoginStatus.TOO_MANY_CONNECTIONS) return true;
    return this.#dialogue !== null;
  }

  #close(reason: string): Outcome {
    this.#over = true;
    return { kind: 'close', reason };
  }
}

function mapOf(pairs: readonly Pair[]): ReadonlyMap<string, string> {
  return new Map(pairs.map(({ key, value }) => [key, value]));
}
