// Peers that break off, fall silent, talk nonsense or never listen, once they are logged in: they cost themselves their connection, and
// nobody else anything. Hostile logins are login-status/.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataIn } from '../../../src/pdu/data-in.ts';
import { DataOut } from '../../../src/pdu/data-out.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { READ_BIT, ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { Status } from '../../../src/scsi/task.ts';
import { read10, write10 } from '../../support/cdbs.ts';
import { lunField } from '../../support/header-values.ts';
import { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';

const BLOCK = 512;
const MIB = 1024 * 1024;
const LUNS = 2;
/** The good session has the blocks below this one to itself. */
const HOSTILE_LBA = 4096;
const ROUNDS = 200;
const SLAB_MIB = 64;
/**
 * What may be added to RSS in all rounds: pages of the slab that nobody has touched before, and 32 MiB of heap that the threads may have
 * grown by before they collect garbage. A round in three moves megabytes; one of them kept each time would be more.
 */
const RSS_GROWTH_MAX = (SLAB_MIB + 32) * MIB;

/** A peer with a session and a bad plan for it. `lun` is the unit it troubles. */
type Plan = (peer: RawInitiator, context: { lun: number; seed: number; port: number }) => Promise<void>;

/** Sends a command for 1 MiB without data and without waiting for anything. */
function start(peer: RawInitiator, lun: number, direction: number): number {
  const cdb = Buffer.alloc(16);
  const blocks = MIB / BLOCK;
  cdb.set(direction === WRITE_BIT ? write10(HOSTILE_LBA, blocks) : read10(HOSTILE_LBA, blocks));
  const flags = FINAL_BIT | direction;
  return peer.send(ScsiCommand, { flags, lun: lunField(lun), expectedDataTransferLength: MIB, cdb });
}

/** Takes whatever comes until the target closes the connection. */
async function heardOut(peer: RawInitiator): Promise<void> {
  while ((await peer.receive()) !== null);
}

async function newLoginWorks(port: number): Promise<void> {
  using initiator = await RawInitiator.logIn(port, { skipSecurity: true });
  for (let lun = 0; lun < LUNS; lun++) {
    expect((await initiator.command(read10(HOSTILE_LBA, 1), { lun, read: BLOCK })).status).toBe(Status.GOOD);
  }
  await initiator.logOut();
}

const plans: Readonly<Record<string, Plan>> = {
  'sends garbage': async (peer, { seed }) => {
    peer.wire.write(noise(4096, seed));
    peer.wire.end();
    await heardOut(peer);
  },
  'sends half a header, falls silent and goes': async (peer, { port }) => {
    peer.send(NopOut, {}, { immediate: true, keep: 20 });
    await newLoginWorks(port);
    peer.wire.end();
    await peer.expectClose();
  },
  'sends half a data segment, falls silent and goes': async (peer, { port }) => {
    peer.send(NopOut, {}, { immediate: true, data: Buffer.alloc(4096), keep: 2000 });
    await newLoginWorks(port);
    peer.wire.end();
    await peer.expectClose();
  },
  'announces a data segment of 16 MB': async (peer) => {
    peer.send(NopOut, { dataSegmentLength: 0xffffff }, { immediate: true });
    await heardOut(peer);
  },
  'vanishes in the middle of a write': async (peer, { lun }) => {
    const initiatorTaskTag = start(peer, lun, WRITE_BIT);
    const { targetTransferTag, bufferOffset } = await peer.expect(R2T);
    const values = { flags: 0, lun: lunField(lun), initiatorTaskTag, targetTransferTag, bufferOffset, dataSN: 0 };
    peer.send(DataOut, values, { data: Buffer.alloc(64 * 1024) });
    // The first part is in; of the second only a piece is.
    await peer.expectSilence();
    const next = { ...values, bufferOffset: bufferOffset + 64 * 1024, dataSN: 1 };
    peer.send(DataOut, next, { data: Buffer.alloc(64 * 1024), keep: 40_000 });
    peer.wire.reset();
  },
  'vanishes in the middle of a read': async (peer, { lun }) => {
    start(peer, lun, READ_BIT);
    await peer.expect(DataIn);
    peer.wire.reset();
  },
  'reads none of its answers': async (peer, { lun, port }) => {
    peer.wire.pause();
    for (let command = 0; command < 16; command++) start(peer, lun, READ_BIT);
    await newLoginWorks(port);
    peer.wire.reset();
  },
  'sends an AHS that is too long': async (peer) => {
    peer.send(NopOut, {}, { immediate: true, ahs: Buffer.alloc(255 * 4) });
    await heardOut(peer);
  },
  'closes at once': async (peer) => {
    peer.wire.close();
  },
};

/** A session that writes and reads all the time, and checks what it reads. */
class GoodSession {
  rounds = 0;
  readonly #initiator: RawInitiator;
  readonly #ended: Promise<void>;
  #stopping = false;

  constructor(initiator: RawInitiator) {
    this.#initiator = initiator;
    this.#ended = this.#run();
    // Heard of in `stop`.
    this.#ended.catch(() => undefined);
  }

  /** Throws what went wrong, if anything did. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#ended;
    await this.#initiator.logOut();
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const lun = this.rounds % LUNS;
      const data = noise(16 * BLOCK, ++this.rounds);
      const lba = (this.rounds * 16) % HOSTILE_LBA;
      const written = await this.#initiator.command(write10(lba, 16), { lun, write: data });
      expect(written.status).toBe(Status.GOOD);
      const read = await this.#initiator.command(read10(lba, 16), { lun, read: data.length });
      expect(read.status).toBe(Status.GOOD);
      expect(read.data.equals(data)).toBe(true);
    }
  }
}

describe.each(['uring', 'posix'] as const)('a hostile peer, engine %s', (engine) => {
  let target: TargetProcess;
  /** Descriptors of the target with nobody there, and perhaps one that it was about to close. */
  let idle = 0;

  beforeAll(async () => {
    target = await TargetProcess.start({
      tuning: { workers: 2, engine, slabMiB: SLAB_MIB },
      targets: [
        {
          name: TARGET_NAME,
          luns: [
            { lun: 0, backend: 'memory', size: '8MiB' },
            { lun: 1, backend: 'file', path: 'disk', size: '8MiB' },
          ],
        },
      ],
    });
    expect(target.ready.engine).toBe(engine);
    // A worker opens what it closes connections with when it closes the first: each has had one after this.
    const peers: RawInitiator[] = [];
    for (let count = 0; count < 4; count++) peers.push(await RawInitiator.logIn(target.port));
    for (const peer of peers) await peer.logOut();
    idle = await target.settledDescriptors();
  });
  afterAll(() => target.stop());

  async function round(plan: Plan, seed: number): Promise<void> {
    using peer = await RawInitiator.logIn(target.port, { skipSecurity: true });
    await plan(peer, { lun: seed % LUNS, seed, port: target.port });
    await newLoginWorks(target.port);
  }

  /** Closing is the target's to do when it gets to it. */
  const everythingIsClosed = () =>
    expect.poll(() => target.readings().descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(idle);

  it.each(Object.keys(plans))('that %s leaves nothing open, and others can log in', async (name) => {
    for (let seed = 1; seed <= LUNS; seed++) await round(plans[name]!, seed);
    await everythingIsClosed();
  });

  it(`costs neither descriptors nor memory nor another session's data in ${ROUNDS} rounds`, async () => {
    const good = new GoodSession(await RawInitiator.logIn(target.port));
    const all = Object.values(plans);
    for (const [index, plan] of all.entries()) await round(plan, index + 1);
    const before = target.readings();
    const roundsBefore = good.rounds;
    for (let seed = 1; seed <= ROUNDS; seed++) await round(all[seed % all.length]!, seed);
    expect(target.readings().rssBytes - before.rssBytes).toBeLessThan(RSS_GROWTH_MAX);
    expect(good.rounds).toBeGreaterThan(roundsBefore);
    await good.stop();
    await everythingIsClosed();
  });
});
