// The security stage (RFC 7143 §6.3.2, §12.1): AuthMethod and the CHAP dialogue, one request at a time.
// Digests and their comparison are chap.ts; when the stage may be left is asked of this by login-machine.ts.

import type { Secret } from '../config/secret.ts';
import type { AuthSettings, ChapSettings } from '../config/settings.ts';
import { LoginReason } from '../pdu/login-reason.ts';
import { LoginStatus } from '../pdu/login-status.ts';
import { formatBinary, parseBinary, parseList, parseNumber } from '../pdu/text.ts';
import { type ChapAlgorithm, chapResponse, chooseAlgorithm, responsesEqual } from './chap.ts';
import { fault, isFault, type LoginFault, wrong } from './refusal.ts';

/** How far the dialogue is, and what the initiator may send. */
const State = {
  /** AuthMethod. */
  method: 'method',
  /** CHAP_A. */
  algorithm: 'algorithm',
  /** CHAP_N and CHAP_R; with CHAP_I and CHAP_C when the target is to prove itself as well. */
  response: 'response',
  /** No security key any more. */
  done: 'done',
} as const;
type State = (typeof State)[keyof typeof State];

/** Pairs of a request or an answer. */
type Keys = ReadonlyMap<string, string>;
type Answers = (readonly [key: string, value: string])[];

/** What the dialogue needs of the outside. */
export interface SecurityOptions {
  readonly auth: AuthSettings;
  /** `length` bytes nobody can guess. */
  readonly random: (length: number) => Uint8Array;
  /** The secret of that account at each other target, null where there is none: proven with one, an initiator is known, and not allowed here. */
  readonly secretsElsewhere: (user: string) => readonly (Secret | null)[];
  /** The fault of an initiator that is known and not allowed here. */
  readonly denyStranger: (user: string) => LoginFault;
}

const failed = (rule: string, received: string, expected: string, reason: LoginReason): LoginFault =>
  fault(LoginStatus.AUTHENTICATION_FAILURE, rule, received, expected, reason);

const missing = (step: string, key: string): LoginFault =>
  fault(LoginStatus.MISSING_PARAMETER, `${step} carries ${key}`, `no ${key}`, key);

/** Stands in for the secret of a user there is none of, so that unknown users cost the same work. */
export const NO_SECRET = 'a secret of nobody';

/** The security dialogue of one login. */
export class SecurityDialogue {
  readonly #options: SecurityOptions;
  #state: State = State.method;
  #proven: boolean;
  #algorithm: ChapAlgorithm | undefined;
  #identifier = 0;
  #challenge: Uint8Array = new Uint8Array(0);
  #account: string | null = null;

  constructor(options: SecurityOptions) {
    this.#options = options;
    this.#proven = options.auth.method === 'none';
  }

  /** Whether the initiator has shown what it has to. */
  get proven(): boolean {
    return this.#proven;
  }

  /** The CHAP account the initiator proved to own; null: none. */
  get account(): string | null {
    return this.#account;
  }

  /** Takes the security keys of one request and returns the answers. `transit`: the initiator wants to leave the stage. */
  take(keys: Keys, transit: boolean): Answers | LoginFault {
    switch (this.#state) {
      case State.method:
        return this.#takeMethod(keys, transit);
      case State.algorithm:
        return this.#takeAlgorithm(keys);
      case State.response:
        return this.#takeResponse(keys);
      case State.done: {
        const [key] = keys.keys();
        if (key === undefined) return [];
        const rule = 'a security key comes when it is due';
        return wrong(rule, `${key} after the dialogue is over`, 'no security key');
      }
    }
  }

  #takeMethod(keys: Keys, transit: boolean): Answers | LoginFault {
    const { auth } = this.#options;
    const offered = keys.get('AuthMethod');
    const wanted = auth.method === 'none' ? 'None' : 'CHAP';
    if (offered === undefined) {
      const [key] = keys.keys();
      if (key !== undefined) {
        return wrong('AuthMethod comes before CHAP keys', key, 'AuthMethod');
      }
      if (!this.#proven && transit) {
        const rule = 'the security stage is not left without proof';
        return failed(rule, 'T=1 and no AuthMethod', 'AuthMethod=CHAP', LoginReason.chapWanted);
      }
      return [];
    }
    if (!parseList(offered).includes(wanted)) {
      const reason = wanted === 'None' ? LoginReason.chapUnknown : LoginReason.chapWanted;
      return failed(
        "the initiator offers the target's method",
        `AuthMethod=${offered}`,
        `AuthMethod=${wanted}`,
        reason,
      );
    }
    const answers: Answers = [['AuthMethod', wanted]];
    this.#state = auth.method === 'none' ? State.done : State.algorithm;
    const rest = new Map(keys);
    rest.delete('AuthMethod');
    if (rest.size === 0) return answers;
    // An initiator that is sure of CHAP may send CHAP_A along.
    const more = this.take(rest, transit);
    return isFault(more) ? more : [...answers, ...more];
  }

  #takeAlgorithm(keys: Keys): Answers | LoginFault {
    const offered = keys.get('CHAP_A');
    if (offered === undefined) return missing('the first step of CHAP', 'CHAP_A');
    const premature = [...keys.keys()].find((key) => key !== 'CHAP_A');
    if (premature !== undefined) {
      return wrong('a security key comes when it is due', premature, 'CHAP_A alone');
    }
    const { algorithms } = this.#options.auth as ChapSettings;
    const algorithm = chooseAlgorithm(algorithms, parseList(offered));
    if (algorithm === undefined) {
      const expected = `one of ${algorithms.join(', ')}`;
      return failed('there is a CHAP algorithm in common', `CHAP_A=${offered}`, expected, LoginReason.algorithms);
    }
    this.#algorithm = algorithm;
    this.#identifier = this.#options.random(1)[0]!;
    this.#challenge = this.#options.random(algorithm.responseBytes);
    this.#state = State.response;
    return [
      ['CHAP_A', String(algorithm.number)],
      ['CHAP_I', String(this.#identifier)],
      ['CHAP_C', formatBinary(this.#challenge)],
    ];
  }

  #takeResponse(keys: Keys): Answers | LoginFault {
    const user = keys.get('CHAP_N');
    if (user === undefined) return missing('the second step of CHAP', 'CHAP_N');
    const response = keys.get('CHAP_R');
    if (response === undefined) return missing('the second step of CHAP', 'CHAP_R');
    const identifier = keys.get('CHAP_I');
    const challenge = keys.get('CHAP_C');
    if (identifier !== undefined && challenge === undefined) return missing('CHAP_I in mutual CHAP', 'CHAP_C');
    if (challenge !== undefined && identifier === undefined) return missing('CHAP_C in mutual CHAP', 'CHAP_I');
    const wrong = this.#verify(user, response);
    if (wrong !== null) return wrong;
    const answers = identifier === undefined ? [] : this.#prove(identifier, challenge!);
    if (isFault(answers)) return answers;
    this.#account = user;
    this.#proven = true;
    this.#state = State.done;
    return answers;
  }

  /**
   * Checks the initiator's response. The work is the same whoever it is and whatever is wrong: a digest and a comparison for this target and
   * for each other, so that neither answer nor time tells an unknown user from a wrong secret.
   */
  #verify(user: string, response: string): LoginFault | null {
    const { users } = this.#options.auth as ChapSettings;
    const own = users.find(({ name }) => name === user)?.secret ?? null;
    const elsewhere = this.#options.secretsElsewhere(user);
    const given = parseBinary(response) ?? new Uint8Array(0);
    const ownFits = this.#fits(own, given);
    const elsewhereFits = elsewhere.filter((secret) => this.#fits(secret, given)).length > 0;
    if (ownFits) return null;
    if (elsewhereFits) return this.#options.denyStranger(user);
    const rule = 'the CHAP response fits the name and its secret';
    const what = own === null ? 'a name that is no user of this target' : 'a response that does not fit the secret';
    const expected = `a user of auth.users, and a response of ${this.#algorithm!.responseBytes} bytes made with its secret`;
    return failed(rule, `CHAP_N=${user}, ${what}`, expected, LoginReason.secret);
  }

  #fits(secret: Secret | null, given: Uint8Array): boolean {
    const text = secret?.reveal() ?? NO_SECRET;
    const expected = chapResponse(this.#algorithm!, this.#identifier, text, this.#challenge);
    return responsesEqual(expected, given) && secret !== null;
  }

  /** The target's own proof, in mutual CHAP. */
  #prove(identifierText: string, challengeText: string): Answers | LoginFault {
    const { mutual } = this.#options.auth as ChapSettings;
    if (mutual === undefined) {
      const rule = 'the target has a secret to prove itself with';
      return failed(rule, 'CHAP_I and CHAP_C', 'neither, or auth.mutual set', LoginReason.mutual);
    }
    const identifier = parseNumber(identifierText);
    const challenge = parseBinary(challengeText);
    if (identifier === null || identifier > 0xff) {
      return failed('CHAP_I is a number of one byte', `CHAP_I=${identifierText}`, '0 to 255', LoginReason.defect);
    }
    if (challenge === null) {
      const expected = '1 to 1024 bytes in hex or base64';
      return failed('CHAP_C is a binary value', 'CHAP_C that is none', expected, LoginReason.defect);
    }
    // RFC 7143 §9.2.1: who sends our own challenge back wants us to answer it for him.
    if (Buffer.compare(challenge, this.#challenge) === 0) {
      return failed(
        'the challenge is not the one we sent',
        'our own CHAP_C',
        'a challenge of its own',
        LoginReason.defect,
      );
    }
    const response = chapResponse(this.#algorithm!, identifier, mutual.secret.reveal(), challenge);
    return [
      ['CHAP_N', mutual.name],
      ['CHAP_R', formatBinary(response)],
    ];
  }
}
