// The initiator's side of a simulated login: CHAP or not, any offer, now and then one that has to be refused.
// A connection's bytes are wire.ts's; what follows a login is connection.ts's.

import { CSG_SHIFT, LoginRequest, NSG_MASK, Stage, TRANSIT_BIT } from '../../src/pdu/login-request.ts';
import { LoginResponse } from '../../src/pdu/login-response.ts';
import { encodePairs, parsePairs } from '../../src/pdu/text.ts';
import { ChapClient } from '../support/chap-client.ts';
import { decode } from '../support/header-values.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';
import type { Random } from './random.ts';
import { CHAP, TARGET_NAME } from './target.ts';
import type { Wire } from './wire.ts';

/** What was agreed on. */
export interface Agreement {
  readonly tsih: number;
  readonly headerDigest: boolean;
  readonly dataDigest: boolean;
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  readonly maxBurstLength: number;
  readonly firstBurstLength: number;
  /** The longest data segment that the target takes, and the longest that it may send. */
  readonly maxSegment: number;
  readonly maxRecvSegment: number;
  readonly errorRecoveryLevel: number;
  /** Seconds that the tasks of a lost connection wait for another one: first nobody may take them up, then somebody should. */
  readonly time2Wait: number;
  readonly time2Retain: number;
  readonly statSN: number;
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** Who logs in. */
export interface LoginClaim {
  readonly initiatorName: string;
  readonly isid: Uint8Array;
  readonly tsih: number;
  readonly cid: number;
  readonly cmdSN: number;
  /** Of the connection that is restarted (RFC 7143 §11.12.9). */
  readonly expStatSN: number;
}

/** A mistake that a login makes on purpose, and the statuses that may answer it. */
const MISTAKES = {
  none: [0],
  target: [0x0203],
  secret: [0x0201],
  tsih: [0x020a],
  version: [0x0205],
} as const;
type Mistake = keyof typeof MISTAKES;

/** Statuses of our own trouble, and of a session that ended meanwhile: any login may meet them. */
const ANY_TIME = [0x0300, 0x0301, 0x0302, 0x020a];
/** That of a target that is gone. */
const REMOVED = 0x0204;

/** How a login ended. */
export type LoginEnd = { readonly agreement: Agreement } | { readonly status: number };

/** One login. */
export class SimLogin {
  readonly #wire: Wire;
  readonly #claim: LoginClaim;
  readonly #mistake: Mistake;
  readonly #keys = new Map<string, string>();
  readonly #offer: readonly (readonly [string, string])[];
  readonly #chap: ChapClient;
  readonly #maxRecvSegment: number;
  readonly #wasGone: () => boolean;
  #step = 0;
  #statSN: number | null = null;

  /** `recovers`: error recovery is asked for now and then. `wasGone`: whether the target was, since the login began. */
  constructor(wire: Wire, claim: LoginClaim, random: Random, recovers: boolean, wasGone: () => boolean) {
    this.#wasGone = wasGone;
    this.#wire = wire;
    this.#claim = claim;
    this.#mistake = random.weighted({ none: 94, target: 2, secret: 2, tsih: claim.tsih === 0 ? 1 : 0, version: 1 });
    const yes = (probability: number): string => (random.chance(probability) ? 'Yes' : 'No');
    const digest = (): string => (random.chance(0.4) ? 'CRC32C,None' : 'None');
    const firstBurst = random.pick([512, 4096, 16_384]);
    const digests = [
      ['HeaderDigest', digest()],
      ['DataDigest', digest()],
    ] as const;
    this.#maxRecvSegment = random.pick([512, 1024, 8192, 65_536]);
    const perConnection = [...digests, ['MaxRecvDataSegmentLength', `${this.#maxRecvSegment}`]] as const;
    const leading = [
      ['InitialR2T', yes(0.5)],
      ['ImmediateData', yes(0.7)],
      ['MaxBurstLength', `${firstBurst * random.pick([1, 2, 8])}`],
      ['FirstBurstLength', `${firstBurst}`],
      ['MaxConnections', '4'],
      ['MaxOutstandingR2T', `${random.between(1, 4)}`],
      ['ErrorRecoveryLevel', `${recovers ? random.between(0, 2) : 0}`],
      ['DefaultTime2Wait', `${random.between(0, 2)}`],
      ['DefaultTime2Retain', `${random.pick([0, 5, 20, 20])}`],
    ] as const;
    this.#offer = claim.tsih === 0 ? [...perConnection, ...leading] : perConnection;
    this.#chap = new ChapClient({
      name: CHAP.name,
      secret: this.#mistake === 'secret' ? 'quite another one' : CHAP.secret,
    });
  }

  begin(): void {
    const target = this.#mistake === 'target' ? `${TARGET_NAME}-of-others` : TARGET_NAME;
    this.#say(Stage.SECURITY, null, [
      ['InitiatorName', this.#claim.initiatorName],
      ['SessionType', 'Normal'],
      ['TargetName', target],
      ['AuthMethod', 'CHAP'],
    ]);
  }

  #say(stage: number, next: number | null, pairs: readonly (readonly [string, string])[]): void {
    const { isid, cid, cmdSN } = this.#claim;
    const wrong = this.#mistake === 'version' ? { versionMin: 9, versionMax: 9 } : {};
    const tsih = this.#mistake === 'tsih' ? 0xffff : this.#claim.tsih;
    const flags = (stage << CSG_SHIFT) | (next === null ? 0 : TRANSIT_BIT | next);
    const expStatSN = this.#statSN ?? this.#claim.expStatSN;
    const values = { flags, isid, tsih, cid, cmdSN, initiatorTaskTag: 1, expStatSN, ...wrong };
    this.#wire.send(LoginRequest, values, { data: encodePairs(pairs), immediate: true });
  }

  /** Takes a response; how the login ended, or null: it goes on. */
  take(pdu: Pdu): LoginEnd | null {
    const header = decode(LoginResponse, pdu.header);
    const status = (header.statusClass << 8) | header.statusDetail;
    if (status !== 0) return this.#refused(status);
    if (this.#statSN !== null && header.statSN !== this.#statSN) {
      throw new Violation('StatSN counts', `login: ${header.statSN} instead of ${this.#statSN}`);
    }
    this.#statSN = (header.statSN + 1) >>> 0;
    for (const [key, value] of parsePairs(pdu.data) ?? []) this.#keys.set(key, value);
    const moved = (header.flags & TRANSIT_BIT) !== 0 ? header.flags & NSG_MASK : null;
    if (moved === Stage.FULL_FEATURE) return this.#complete(header.tsih, header.expCmdSN, header.maxCmdSN);
    this.#step++;
    if (this.#step === 1) this.#say(Stage.SECURITY, null, [['CHAP_A', '7']]);
    else if (this.#step === 2) this.#say(Stage.SECURITY, Stage.OPERATIONAL, this.#chap.answer(this.#keys));
    else this.#say(Stage.OPERATIONAL, Stage.FULL_FEATURE, this.#step === 3 ? this.#offer : []);
    return null;
  }

  #refused(status: number): LoginEnd {
    const removed = this.#wasGone() ? [REMOVED] : [];
    const expected: readonly number[] = [...MISTAKES[this.#mistake], ...ANY_TIME, ...removed];
    if (!expected.includes(status)) {
      throw new Violation('a login is refused for what is wrong', `${this.#mistake}: ${status.toString(16)}`);
    }
    return { status };
  }

  #complete(tsih: number, expCmdSN: number, maxCmdSN: number): LoginEnd {
    if (this.#mistake !== 'none') throw new Violation('nobody is let in who should not be', this.#mistake);
    const keys = this.#keys;
    const number = (key: string, otherwise: number): number => Number(keys.get(key) ?? otherwise);
    const agreement: Agreement = {
      tsih,
      headerDigest: keys.get('HeaderDigest') === 'CRC32C',
      dataDigest: keys.get('DataDigest') === 'CRC32C',
      initialR2T: keys.get('InitialR2T') !== 'No',
      immediateData: keys.get('ImmediateData') !== 'No',
      maxBurstLength: number('MaxBurstLength', 262_144),
      firstBurstLength: number('FirstBurstLength', 65_536),
      maxSegment: number('MaxRecvDataSegmentLength', 8192),
      maxRecvSegment: this.#maxRecvSegment,
      errorRecoveryLevel: number('ErrorRecoveryLevel', 0),
      time2Wait: number('DefaultTime2Wait', 2),
      time2Retain: number('DefaultTime2Retain', 20),
      statSN: this.#statSN!,
      expCmdSN,
      maxCmdSN,
    };
    return { agreement };
  }
}
