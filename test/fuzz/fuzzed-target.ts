// The target that is fuzzed: units for the fuzzer, one target that nobody but the unspoilt session may enter, and what tells that it suffers.
// It runs as users run it, in a process of its own.

import { MIB } from '../../src/config/limits.ts';
import { Bystander } from '../support/bystander.ts';
import { testUnitReady } from '../support/cdbs.ts';
import type { CommandOptions } from '../support/initiator-command.ts';
import { InitiatorSession, RawInitiator } from '../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';
import { FUZZ_INITIATOR, FUZZ_USER, PROTECTED_TARGET } from './login-grammar.ts';

export type FuzzEngine = 'uring' | 'posix';

const QUIET_TARGET = `${TARGET_NAME}-quiet`;
const QUIET_INITIATOR = 'iqn.2026-11.io.lunaring:bystander';
const LUNS = 3;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Starts it. Two workers: one may fail and the other go on, which must not hide it. */
export function startFuzzedTarget(engine: FuzzEngine): Promise<TargetProcess> {
  return TargetProcess.start({
    tuning: { engine, workers: 2, slabMiB: 32, nopIntervalMs: 0 },
    log: { level: 'error' },
    targets: [
      {
        name: TARGET_NAME,
        sessionLimit: 512,
        connectionLimit: 512,
        luns: [
          { lun: 0, backend: 'memory', size: '1MiB' },
          { lun: 1, backend: 'file', path: 'fuzzed', size: '1MiB' },
          { lun: 2, backend: 'null', size: '16MiB', blockSize: 4096 },
        ],
      },
      {
        name: PROTECTED_TARGET,
        auth: { method: 'chap', users: [{ ...FUZZ_USER }] },
        luns: [{ lun: 0, backend: 'null', size: '1MiB' }],
      },
      {
        name: QUIET_TARGET,
        acl: { initiators: [QUIET_INITIATOR] },
        luns: [
          { lun: 0, backend: 'memory', size: '1MiB' },
          { lun: 1, backend: 'file', path: 'quiet', size: '1MiB' },
        ],
      },
    ],
  });
}

/** The session whose data nobody may touch. */
export async function startBystander(port: number): Promise<Bystander> {
  const session = new InitiatorSession();
  session.initiatorName = QUIET_INITIATOR;
  const initiator = await RawInitiator.connect(port, session);
  const { status } = await initiator.login({ target: QUIET_TARGET });
  if (status !== 0) throw new Error(`the bystander is refused with 0x${status.toString(16)}`);
  return new Bystander(initiator, { luns: [0, 1] });
}

/** What a unit may need before it serves again: it may be reserved, out of reach through its port group, stopped, in want of being sanitized. */
const REPAIRS: readonly (readonly [cdb: Buffer, options: CommandOptions])[] = [
  [hex('5f 06 00 00000000 000018 00'), { write: hex(`${'00'.repeat(8)} 00000000000000aa 00000000 00 00 0000`) }],
  [hex('5f 03 00 00000000 000018 00'), { write: hex(`00000000000000aa ${'00'.repeat(8)} 00000000 00 00 0000`) }],
  [hex('a4 0a 00000000 00000008 00 00'), { write: hex('00000000 00 00 0001') }],
  [hex('1b 00 00 00 01 00'), {}],
  [hex('48 1f 0000000000 0000 00'), {}],
];

/** A session may be ended by a TARGET COLD RESET of the fuzzer's at any time, and a command by a LOGICAL UNIT RESET, without a word; but not always. */
const REPAIR_TRIES = 10;
const REPAIR_ANSWER_MS = 3000;

/** Mends what the fuzzer did to its own units with commands that it is free to send. That this works says that the target lives. */
export async function repairUnits(port: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    using initiator = await logInAsFuzzer(port);
    const receive = initiator.receive.bind(initiator);
    initiator.receive = (limitMs = REPAIR_ANSWER_MS) => receive(limitMs);
    try {
      for (let lun = 0; lun < LUNS; lun++) await repairUnit(initiator, lun);
      await initiator.logOut();
      return;
    } catch (error) {
      if (tries === REPAIR_TRIES) throw error;
    }
  }
}

/** A session of the fuzzer's that does nothing wrong. */
export async function logInAsFuzzer(port: number): Promise<RawInitiator> {
  const session = new InitiatorSession();
  session.initiatorName = FUZZ_INITIATOR;
  const initiator = await RawInitiator.connect(port, session);
  const { status } = await initiator.login({ skipSecurity: true, keepAttentions: true });
  if (status === 0) return initiator;
  initiator[Symbol.dispose]();
  throw new Error(`a good login is refused with 0x${status.toString(16).padStart(4, '0')}`);
}

async function repairUnit(initiator: RawInitiator, lun: number): Promise<void> {
  // The first few may find unit attentions.
  for (let count = 0; count < 4; count++) await initiator.command(testUnitReady(), { lun });
  for (const [cdb, options] of REPAIRS) await initiator.command(cdb, { ...options, lun });
  // MODE SENSE(6) of the control page's defaults, and MODE SELECT(6) of them: there is a write protection.
  const { data } = await initiator.command(hex('1a 08 8a 00 ff 00'), { lun, read: 255 });
  if (data.length < 16) return;
  const list = Buffer.from(data);
  list.fill(0, 0, 4);
  list[4] = list[4]! & 0x3f;
  await initiator.command(Buffer.from([0x15, 0x10, 0, 0, list.length, 0]), { lun, write: list });
}

/** A line of the log that a peer's mistakes may never cause. */
export function complaint(log: string): string | null {
  for (const line of log.split('\n')) {
    if (/"level":(50|60)\b|^(?:node|free|malloc|double|.*Assertion)/.test(line)) return line;
  }
  return null;
}

/** Memory that may be added between two readings: heaps of three threads that may not have collected garbage, pages of the slabs. */
export const RSS_GROWTH_MAX = 96 * MIB;
