// Which conversations are held: their share of logins, of PDUs from the grammar and of mutations, from one seed each.
// How one is held is conversation.ts's.

import fc from 'fast-check';
import { OPCODE_MASK, Opcode } from '../../src/pdu/opcode.ts';
import { FUNCTION_MASK, TaskFunction } from '../../src/pdu/task-management.ts';
import type { Plan } from './conversation.ts';
import type { FuzzPdu } from './fuzz-pdu.ts';
import { fullFeaturePdu } from './grammar.ts';
import { loginSteps } from './login-grammar.ts';
import { mutate } from './mutation.ts';
import type { Random } from './random.ts';

/** PDUs of one conversation, unless the target ends it before. */
const PDUS = 96;
/** Of a hundred conversations: those that are logins, and those of the others that are made by the grammar. */
const LOGINS = 12;
const GRAMMAR = 25;
/** Recorded PDUs of a hundred that are sent as they are: or a session never gets anywhere. */
const INTACT = 30;
/** Of a hundred: those that are sent. */
const COLD_RESETS = 3;

/** What a session may be like. */
const KEYS: readonly Readonly<Record<string, string>>[] = [
  {},
  { InitialR2T: 'Yes', ImmediateData: 'No' },
  { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' },
  { DataDigest: 'CRC32C' },
  { HeaderDigest: 'CRC32C' },
  { MaxBurstLength: '8192', FirstBurstLength: '4096', MaxRecvDataSegmentLength: '512', MaxOutstandingR2T: '4' },
];

/** A run of the recording, with things left out, said twice, in another order, and spoilt. */
function mutations(recording: readonly FuzzPdu[], random: Random): FuzzPdu[] {
  const pdus: FuzzPdu[] = [];
  let at = random.below(recording.length);
  while (pdus.length < PDUS) {
    if (random.percent(15)) at = random.below(recording.length);
    const original = recording[at % recording.length]!;
    const whole = { ...original, header: Buffer.from(original.header) };
    pdus.push(random.percent(INTACT) ? whole : mutate(original, random.pick(recording), random));
    if (!random.percent(10)) at++;
  }
  return pdus;
}

/** Grammar's PDUs, a part of them with bytes changed as well. */
function sentences(random: Random): FuzzPdu[] {
  const made = fc.sample(fullFeaturePdu, { seed: random.word() | 0, numRuns: PDUS });
  return made.map((pdu) => (random.percent(20) ? mutate(pdu, random.pick(made), random) : pdu));
}

function loginPlan(random: Random): Plan {
  const [steps = []] = fc.sample(loginSteps, { seed: random.word() | 0, numRuns: 1 });
  const pdus = steps.map((step) => (random.percent(15) ? mutate(step, random.pick(steps), random) : step));
  return { kind: 'login', pdus };
}

/** A TARGET COLD RESET ends every session, those of the other conversations too: few are left as they are. */
function spare(pdu: FuzzPdu, random: Random): FuzzPdu {
  const { header } = pdu;
  const request = (header[0]! & OPCODE_MASK) === Opcode.TASK_MANAGEMENT_REQUEST;
  const coldReset = request && (header[1]! & FUNCTION_MASK) === TaskFunction.TARGET_COLD_RESET;
  if (coldReset && !random.percent(COLD_RESETS)) header[1] = header[1]! ^ 1;
  return pdu;
}

/** The plan that `random` determines. */
export function planOf(recording: readonly FuzzPdu[], random: Random): Plan {
  if (random.percent(LOGINS)) return loginPlan(random);
  const keys = random.pick(KEYS);
  const pdus = random.percent(GRAMMAR) ? sentences(random) : mutations(recording, random);
  return { kind: 'fullFeature', keys, pdus: pdus.map((pdu) => spare(pdu, random)) };
}
