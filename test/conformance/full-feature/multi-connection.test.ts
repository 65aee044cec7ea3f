// Sessions of several connections: commands in the order of their CmdSN whichever connection they come by, answers where the command was.
// How many a session may have is login-status/0206; this is what they do once they are there.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DataIn } from '../../../src/pdu/data-in.ts';
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
const BLOCKS = 16;
const LUNS = [0, 1];

/** All connections of a session; `using` lets go of them. */
class Connections implements Disposable {
  readonly all: RawInitiator[] = [];

  static async open(port: number, count: number): Promise<Connections> {
    const connections = new Connections();
    const keys = { MaxConnections: String(count) };
    connections.all.push(await RawInitiator.logIn(port, { keys }));
    for (let cid = 2; cid <= count; cid++) await connections.add(port, cid);
    return connections;
  }

  /** Adds a connection with the TSIH that the first was given. */
  async add(port: number, cid: number): Promise<RawInitiator> {
    const { session } = this.all[0]!;
    const { tsih } = session;
    expect(tsih).not.toBe(0);
    const added = await RawInitiator.connect(port, session);
    this.all.push(added);
    added.cid = cid;
    // What concerns the whole session was agreed on by the first connection (RFC 7143 §13: leading only).
    const leadingOnly = {
      MaxConnections: undefined,
      InitialR2T: undefined,
      ImmediateData: undefined,
      MaxBurstLength: undefined,
      FirstBurstLength: undefined,
      MaxOutstandingR2T: undefined,
      DefaultTime2Wait: undefined,
      DefaultTime2Retain: undefined,
      ErrorRecoveryLevel: undefined,
      DataPDUInOrder: undefined,
      DataSequenceInOrder: undefined,
    };
    expect((await added.login({ keys: leadingOnly })).status).toBe(0);
    expect(session.tsih).toBe(tsih);
    return added;
  }

  [Symbol.dispose](): void {
    for (const connection of this.all) connection[Symbol.dispose]();
  }
}

/** Sends a READ and does not wait for its answer. */
function startRead(initiator: RawInitiator, lun: number, values: { cmdSN?: number } = {}): number {
  const cdb = Buffer.alloc(16);
  cdb.set(read10(0, BLOCKS));
  return initiator.send(ScsiCommand, {
    flags: FINAL_BIT | READ_BIT,
    lun: lunField(lun),
    expectedDataTransferLength: BLOCKS * BLOCK,
    cdb,
    ...values,
  });
}

/** The answer to a READ of {@link startRead}, which must come by this connection. */
async function expectRead(initiator: RawInitiator, tag: number, data: Buffer): Promise<void> {
  const reply = await initiator.expect(DataIn);
  expect(reply.initiatorTaskTag).toBe(tag);
  expect(reply.status).toBe(Status.GOOD);
  expect(reply.data.equals(data)).toBe(true);
}

describe.each(['uring', 'posix'] as const)('a session of several connections, engine %s', (engine) => {
  let target: TargetProcess;

  beforeAll(async () => {
    target = await TargetProcess.start({
      tuning: { workers: 2, engine },
      targets: [
        {
          name: TARGET_NAME,
          maxConnections: 4,
          luns: [
            { lun: 0, backend: 'memory', size: '4MiB' },
            { lun: 1, backend: 'file', path: 'disk', size: '4MiB' },
          ],
        },
      ],
    });
    expect(target.ready.engine).toBe(engine);
  });
  afterAll(() => target.stop());

  /** Writes noise where {@link startRead} reads. */
  async function fill(initiator: RawInitiator, lun: number, seed: number): Promise<Buffer> {
    const data = noise(BLOCKS * BLOCK, seed);
    expect((await initiator.command(write10(0, BLOCKS), { lun, write: data })).status).toBe(Status.GOOD);
    return data;
  }

  it.each([2, 3, 4])('serves both units by each of %i connections', async (count) => {
    using connections = await Connections.open(target.port, count);
    expect(connections.all[0]!.session.parameters.maxConnections).toBe(count);
    for (const [index, writer] of connections.all.entries()) {
      const reader = connections.all[(index + 1) % count]!;
      for (const lun of LUNS) {
        const data = await fill(writer, lun, count * 8 + index + 1);
        const { status, data: back } = await reader.command(read10(0, BLOCKS), { lun, read: data.length });
        expect(status).toBe(Status.GOOD);
        expect(back.equals(data)).toBe(true);
      }
    }
  });

  it.each(LUNS)(
    '§4.2.2.1: LUN %i: a command waits for the one before it on the other connection, and each answers on its own',
    async (lun) => {
      using connections = await Connections.open(target.port, 2);
      const [first, second] = connections.all as [RawInitiator, RawInitiator];
      const data = await fill(first, lun, 77 + lun);
      const { session } = first;
      const gap = session.cmdSN;
      const later = startRead(second, lun, { cmdSN: gap + 1 });
      await second.expectSilence();
      await first.expectSilence();
      expect(second.expCmdSN).toBe(gap);
      const earlier = startRead(first, lun, { cmdSN: gap });
      session.cmdSN = gap + 2;
      await expectRead(first, earlier, data);
      await expectRead(second, later, data);
      await first.ping();
      expect(first.expCmdSN).toBe(gap + 2);
    },
  );

  it.each(LUNS)(
    '§4.2.2.1: LUN %i: commands dealt to four connections back to front all answer once the first has come',
    async (lun) => {
      using connections = await Connections.open(target.port, 4);
      const first = connections.all[0]!;
      const data = await fill(first, lun, 99 + lun);
      const { session } = first;
      const start = session.cmdSN;
      const tags: number[] = [];
      for (let index = 3; index > 0; index--) {
        const connection = connections.all[index]!;
        tags[index] = startRead(connection, lun, { cmdSN: start + index });
        await connection.expectSilence();
      }
      tags[0] = startRead(first, lun, { cmdSN: start });
      session.cmdSN = start + 4;
      for (const [index, connection] of connections.all.entries()) await expectRead(connection, tags[index]!, data);
    },
  );

  it.each(LUNS)(
    '§4.2.2.2: LUN %i: each connection counts its StatSN by itself, with commands of all under way at once',
    async (lun) => {
      using connections = await Connections.open(target.port, 3);
      const data = await fill(connections.all[0]!, lun, 55 + lun);
      for (let round = 0; round < 20; round++) {
        const before = connections.all.map(({ expStatSN }) => expStatSN);
        const tags = connections.all.map((connection) => startRead(connection, lun));
        for (const [index, connection] of connections.all.entries()) {
          await expectRead(connection, tags[index]!, data);
          expect(connection.expStatSN).toBe(before[index]! + 1);
        }
      }
    },
  );

  it.each(LUNS)(
    'LUN %i: losing a connection in the middle of a write leaves the others working, and its CID can come again',
    async (lun) => {
      using connections = await Connections.open(target.port, 3);
      const [first, lost, third] = connections.all as [RawInitiator, RawInitiator, RawInitiator];
      const data = await fill(first, lun, 33 + lun);
      const cdb = Buffer.alloc(16);
      cdb.set(write10(1024, BLOCKS));
      const flags = FINAL_BIT | WRITE_BIT;
      lost.send(ScsiCommand, { flags, lun: lunField(lun), expectedDataTransferLength: BLOCKS * BLOCK, cdb });
      await lost.expect(R2T);
      lost.wire.reset();
      for (const connection of [first, third]) {
        for (let round = 0; round < 20; round++) await expectRead(connection, startRead(connection, lun), data);
      }
      const again = await connections.add(target.port, lost.cid);
      await expectRead(again, startRead(again, lun), data);
      const after = await fill(third, lun, 44 + lun);
      await expectRead(first, startRead(first, lun), after);
    },
  );
});
