// Initiators that misbehave and do not go away by themselves, twenty at a time: what they hold is bounded, others do not notice, the log says why
// they were ended, and afterwards nothing is left. Peers that break off are conformance/full-feature/hostile.test.ts, single rules the tests beside it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { NopIn } from '../../src/pdu/nop-in.ts';
import { NopOut } from '../../src/pdu/nop-out.ts';
import { FINAL_BIT, Opcode } from '../../src/pdu/opcode.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../src/pdu/scsi-command.ts';
import { TaskFunction, TaskManagementRequest } from '../../src/pdu/task-management.ts';
import { Bystander } from '../support/bystander.ts';
import { read10, write10 } from '../support/cdbs.ts';
import { decode, lunField } from '../support/header-values.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../support/target-process.ts';

const BLOCK = 512;
const PEERS = 20;
const SLAB_MIB = 64;
/** An initiator that is silent for twice as long is given up: those that are not to be must get to say something, on a busy machine too. */
const NOP_INTERVAL_MS = 5000;
/** Slabs that are touched for the first time, and heaps of three threads that have not collected their garbage. */
const RSS_GROWTH_MAX = (2 * SLAB_MIB + 64) * MIB;
/** Of the bystander's rounds, each of which is two commands: that it gets on, not how fast. */
const ROUNDS = 10;
/** The bystander has the blocks below. */
const PEER_LBA = 4096;

const GAVE_UP = /connection closed: the initiator does not answer a NOP-In/g;
const WENT = /connection closed: (closed by the initiator|connection lost)/g;

interface Plan {
  /** What the peer does once it has a session. */
  readonly begin: (peer: RawInitiator) => Promise<void> | void;
  /** What it asks for at login. */
  readonly keys?: Readonly<Record<string, string>>;
  /** What it says to a NOP-In; left out: nothing, as it does not read. */
  readonly answersPings?: boolean;
  /** How the log says that it ended. */
  readonly reason: RegExp;
}

function command(peer: RawInitiator, cdb: Buffer, direction: number, bytes: number, values = {}): number {
  const whole = Buffer.concat([cdb, Buffer.alloc(16 - cdb.length)]);
  const flags = FINAL_BIT | direction;
  return peer.send(ScsiCommand, { flags, lun: lunField(0), expectedDataTransferLength: bytes, cdb: whole, ...values });
}

const read = (peer: RawInitiator, bytes: number, values = {}) =>
  command(peer, read10(PEER_LBA, bytes / BLOCK), READ_BIT, bytes, values);
const write = (peer: RawInitiator, bytes: number, values = {}) =>
  command(peer, write10(PEER_LBA, bytes / BLOCK), WRITE_BIT, bytes, values);

/** Commands that a session may have outstanding from its start. */
const WINDOW = 16;

/** Takes what comes, and answers pings, until the target closes or `over`. */
async function keepAlive(peer: RawInitiator, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const pdu = await peer.receive(60_000);
    if (pdu === null) return;
    if (pdu.opcode !== Opcode.NOP_IN) continue;
    const { initiatorTaskTag, targetTransferTag } = decode(NopIn, pdu.header);
    if (initiatorTaskTag === RESERVED_TAG)
      peer.send(NopOut, { initiatorTaskTag: RESERVED_TAG, targetTransferTag }, { immediate: true });
  }
}

const plans: Readonly<Record<string, Plan>> = {
  'asks for data and takes none': {
    begin: (peer) => {
      peer.wire.pause();
      for (let count = 0; count < WINDOW; count++) read(peer, MIB);
    },
    reason: GAVE_UP,
  },
  'goes on asking for data, with immediate commands, and takes none': {
    begin: (peer) => {
      peer.wire.pause();
      for (let count = 0; count < 200; count++) {
        peer.send(
          ScsiCommand,
          {
            flags: FINAL_BIT | READ_BIT,
            lun: lunField(0),
            expectedDataTransferLength: MIB,
            cdb: Buffer.concat([read10(PEER_LBA, MIB / BLOCK), Buffer.alloc(6)]),
          },
          { immediate: true },
        );
      }
    },
    reason: GAVE_UP,
  },
  'sends pings of 64 KiB and takes no echo': {
    begin: (peer) => {
      peer.wire.pause();
      const data = Buffer.alloc(65_536);
      for (let count = 0; count < 50; count++) peer.send(NopOut, {}, { immediate: true, data });
    },
    reason: GAVE_UP,
  },
  'never sends the data that it is asked for': {
    begin: (peer) => {
      for (let count = 0; count < WINDOW; count++) write(peer, MIB);
    },
    answersPings: true,
    reason: WENT,
  },
  'leaves a CmdSN out, and sends what comes behind it': {
    begin: (peer) => {
      peer.session.cmdSN = (peer.session.cmdSN + 1) >>> 0;
      const data = Buffer.alloc(65_536);
      for (let count = 1; count < WINDOW; count++) {
        const cdb = Buffer.concat([write10(PEER_LBA, data.length / BLOCK), Buffer.alloc(6)]);
        const flags = FINAL_BIT | WRITE_BIT;
        const values = { flags, lun: lunField(0), expectedDataTransferLength: data.length, cdb };
        peer.send(ScsiCommand, values, { data });
      }
    },
    answersPings: true,
    reason: WENT,
  },
  'sends commands with CmdSNs of all kinds': {
    begin: (peer) => {
      const { cmdSN } = peer.session;
      const far = [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, cmdSN - 1, cmdSN - 2, cmdSN + 1024, cmdSN + 2 ** 30];
      for (let round = 0; round < 100; round++) for (const other of far) read(peer, BLOCK, { cmdSN: other >>> 0 });
    },
    answersPings: true,
    reason: WENT,
  },
  'uses one Initiator Task Tag for all that it has under way, and aborts it': {
    begin: (peer) => {
      for (let count = 0; count < WINDOW / 2; count++) {
        write(peer, MIB, { initiatorTaskTag: 7 });
        read(peer, MIB, { initiatorTaskTag: 7 });
      }
      for (let count = 0; count < WINDOW; count++) {
        const flags = FINAL_BIT | TaskFunction.ABORT_TASK;
        peer.send(TaskManagementRequest, { flags, lun: lunField(0), referencedTaskTag: 7 }, { immediate: true });
      }
    },
    answersPings: true,
    reason: WENT,
  },
  'sends a FIN behind its commands, and goes on reading': {
    begin: (peer) => {
      for (let count = 0; count < WINDOW; count++) read(peer, MIB);
      peer.wire.end();
    },
    answersPings: true,
    reason: /connection closed: closed by the initiator/g,
  },
  'damages a header digest at ErrorRecoveryLevel 0': {
    keys: { HeaderDigest: 'CRC32C' },
    begin: (peer) => {
      for (let count = 0; count < WINDOW / 2; count++) read(peer, MIB);
      peer.send(NopOut, {}, { immediate: true, wrongHeaderDigest: true });
    },
    answersPings: true,
    reason: /connection closed: header digest error/g,
  },
};

describe.each(['uring', 'posix'] as const)('an initiator, engine %s', { timeout: 120_000 }, (engine) => {
  let target: TargetProcess;
  let bystander: Bystander;
  let idle = 0;

  beforeAll(async () => {
    target = await TargetProcess.start({
      tuning: { workers: 2, engine, slabMiB: SLAB_MIB, nopIntervalMs: NOP_INTERVAL_MS },
      targets: [
        {
          name: TARGET_NAME,
          sessionLimit: 2 * PEERS,
          connectionLimit: 2 * PEERS,
          luns: [{ lun: 0, backend: 'file', path: 'disk', size: 8 * MIB }],
        },
      ],
    });
    // A worker opens what it closes connections with when it closes the first.
    for (const peer of await logInMany()) await peer.logOut();
    bystander = new Bystander(await RawInitiator.logIn(target.port), { blocks: PEER_LBA });
    await bystander.advances();
    idle = await target.settledDescriptors();
  });
  afterAll(async () => {
    await bystander.stop();
    await target.stop();
  });

  async function logInMany(keys: Plan['keys'] = {}): Promise<RawInitiator[]> {
    const peers: RawInitiator[] = [];
    for (let count = 0; count < PEERS; count++)
      peers.push(await RawInitiator.logIn(target.port, { keys: { ...keys } }));
    return peers;
  }

  it.each(Object.entries(plans))('that %s', async (_, { begin, answersPings = false, keys, reason }) => {
    const ended = () => target.log.match(reason)?.length ?? 0;
    const [before, endedBefore] = [target.readings(), ended()];
    const peers = await logInMany(keys);
    const over = new AbortController();
    for (const peer of peers) await begin(peer);
    const listening = answersPings ? peers.map((peer) => keepAlive(peer, over.signal)) : [];
    await bystander.advances(ROUNDS);
    // Somebody new is let in meanwhile.
    await (await RawInitiator.logIn(target.port)).logOut();
    expect(target.readings().rssBytes - before.rssBytes).toBeLessThan(RSS_GROWTH_MAX);
    over.abort();
    // Those that the target does not give up leave now.
    if (reason === WENT) for (const peer of peers) peer.wire.reset();
    await expect.poll(ended, { timeout: 60_000 }).toBe(endedBefore + PEERS);
    for (const peer of peers) peer.wire.close();
    await Promise.all(listening);
    await bystander.advances(ROUNDS);
    await expect.poll(() => target.readings().descriptors, { timeout: 30_000 }).toBeLessThanOrEqual(idle);
    expect(target.log).not.toMatch(/a worker failed/);
  });
});
