// A target that sends its initiators elsewhere, in every way there is, and the one that they are sent to. For 0101 and 0102.
// What they are told is for the tests of the two codes.

import { freePort } from '../../support/scratch.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { CHAP, serve, targetOf } from './serve.ts';

export const WANDERER = 'iqn.2026-11.io.lunaring:wanderer';
/** Redirected to an IPv6 address. */
export const SIX = `${TARGET_NAME}-six`;
/** Redirected, and asking for CHAP. */
export const PROTECTED = `${TARGET_NAME}-protected`;
/** Asks for CHAP, and redirects {@link WANDERER} alone. */
export const PERSONAL = `${TARGET_NAME}-personal`;
/** Redirected to where it is. */
export const HERE = `${TARGET_NAME}-here`;

/** Both. */
export class Redirected implements AsyncDisposable {
  readonly port: number;
  /** Where initiators are sent: `127.0.0.1:port`. */
  readonly address: string;
  readonly #targets: readonly TargetProcess[];

  private constructor(target: TargetProcess, elsewhere: TargetProcess) {
    this.port = target.port;
    this.address = elsewhere.portal;
    this.#targets = [target, elsewhere];
  }

  static async start(permanent: boolean): Promise<Redirected> {
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
    return new Redirected(await serve({}, { portals: [{ address: '127.0.0.1', port }], targets }), elsewhere);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.stop()));
  }
}
