// A target that sends its initiators elsewhere, in every way there is, and the one that they are sent to: what 0101 and 0102 have in common.
// Which case of a code each proof is for, the tests of the two codes say.

import { expect } from 'vitest';
import { Stage } from '../../../src/pdu/login-request.ts';
import { loginStatus, namesAnd, stepsStatus, tryLogin } from '../../support/login-attempt.ts';
import { freePort } from '../../support/scratch.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, serve, targetOf } from './serve.ts';

const WANDERER = 'iqn.2026-11.io.lunaring:wanderer';
/** Redirected to an IPv6 address. */
const SIX = `${TARGET_NAME}-six`;
/** Redirected, and asking for CHAP. */
const PROTECTED = `${TARGET_NAME}-protected`;
/** Asks for CHAP, and redirects {@link WANDERER} alone. */
const PERSONAL = `${TARGET_NAME}-personal`;
/** Redirected to where it is. */
const HERE = `${TARGET_NAME}-here`;

/** Both. */
export class Redirected implements AsyncDisposable {
  readonly #code: string;
  readonly #port: number;
  /** Where initiators are sent: `127.0.0.1:port`. */
  readonly #address: string;
  readonly #targets: readonly TargetProcess[];

  private constructor(code: string, target: TargetProcess, elsewhere: TargetProcess) {
    this.#code = code;
    this.#port = target.port;
    this.#address = elsewhere.portal;
    this.#targets = [target, elsewhere];
  }

  static async start(code: '0101' | '0102'): Promise<Redirected> {
    const permanent = code === '0102';
    const elsewhere = await serve();
    const port = await freePort();
    const redirect = { address: `${elsewhere.portal},7`, permanent };
    const targets = [
      targetOf({ redirect }),
      targetOf({ name: SIX, redirect: { address: '[2001:db8:0:0::7]:3261,7', permanent } }),
      targetOf({ name: PROTECTED, auth: CHAP, redirect }),
      targetOf({ name: PERSONAL, auth: CHAP, redirects: [{ initiators: ['*:WANDERER'], ...redirect }] }),
      targetOf({ name: HERE, redirect: { address: `127.0.0.1:${port}`, permanent } }),
    ];
    return new Redirected(code, await serve({}, { portals: [{ address: '127.0.0.1', port }], targets }), elsewhere);
  }

  async sendsElsewhere(): Promise<void> {
    const { status, keys } = await tryLogin(this.#port);
    expect(status).toBe(this.#code);
    expect([...keys]).toEqual([['TargetAddress', this.#address]]);
    const [host, port] = keys.get('TargetAddress')!.split(':');
    expect(await loginStatus(Number(port), { host: host! })).toBe('0000');
  }

  async spellsIPv6(): Promise<void> {
    const { status, keys } = await tryLogin(this.#port, { target: SIX });
    expect([status, keys.get('TargetAddress')]).toEqual([this.#code, '[2001:db8::7]:3261']);
  }

  async precedesSecurity(): Promise<void> {
    const first = { stage: Stage.SECURITY, pairs: namesAnd({ TargetName: PROTECTED, AuthMethod: 'CHAP' }) };
    expect(await stepsStatus(this.#port, [first])).toBe(this.#code);
  }

  async concernsOneInitiator(): Promise<void> {
    const wanderer = { initiatorName: WANDERER, target: PERSONAL };
    const first = { stage: Stage.SECURITY, pairs: namesAnd({ InitiatorName: WANDERER, TargetName: PERSONAL }) };
    expect(await stepsStatus(this.#port, [first], wanderer)).toBe('0000');
    expect(await loginStatus(this.#port, { ...wanderer, chap: { ...ALICE, secret: 'wrong' } })).toBe('0201');
    const { status, keys } = await tryLogin(this.#port, { ...wanderer, chap: ALICE });
    expect([status, keys.get('TargetAddress')]).toEqual([this.#code, this.#address]);
    expect(await loginStatus(this.#port, { target: PERSONAL, chap: ALICE })).toBe('0000');
  }

  async sparesItself(): Promise<void> {
    expect(await loginStatus(this.#port, { target: HERE })).toBe('0000');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.stop()));
  }
}
