// RFC 7143 §6.3.4: a login with the TSIH of a session and the CID of one of its connections takes that connection's place.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { admitted, loginStatus } from '../../support/login-attempt.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, targetOf } from '../login-status/serve.ts';

const PROTECTED = `${TARGET_NAME}-protected`;
const BLOCK = 512;
const LEADING = { keys: { MaxConnections: '2', InitialR2T: 'Yes', ImmediateData: 'No' } };

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [targetOf({ maxConnections: 2 }), targetOf({ name: PROTECTED, auth: CHAP })],
      tuning: { engine, workers: 2 },
    });
  });
  afterAll(() => target.stop());

  test('§6.3.4: the only connection of a session is replaced, and the session goes on', async () => {
    const old = await admitted(target.port);
    const { session } = old;
    const { tsih } = session;
    const data = Buffer.alloc(BLOCK, 'kept');
    expect(await old.command(write16(3, 1), { write: data })).toMatchObject({ status: 0 });
    const again = await admitted(target.port, { session });
    await old.expectClose();
    expect(session.tsih).toBe(tsih);
    // Commands are counted on from where they were: a unit attention for a new nexus would show here as well.
    expect(again.expCmdSN).toBe(session.cmdSN);
    const read = await again.command(read16(3, 1), { read: BLOCK });
    expect(read).toMatchObject({ status: 0, sense: null });
    expect(read.data.equals(data)).toBe(true);
    await again.logOut();
  });

  test('§6.3.4: tasks of the old connection end, those of the others go on', async () => {
    const old = await admitted(target.port, LEADING);
    const { session } = old;
    const other = await admitted(target.port, { session, cid: 2 });
    const cdb = Buffer.alloc(16);
    cdb.set(write16(0, 1));
    const waiting = { flags: FINAL_BIT | WRITE_BIT, expectedDataTransferLength: BLOCK, cdb };
    old.send(ScsiCommand, waiting);
    await old.expect(R2T);
    const again = await admitted(target.port, { session });
    await old.expectClose();
    for (const connection of [again, other]) {
      expect(await connection.command(write16(0, 1), { write: Buffer.alloc(BLOCK) })).toMatchObject({ status: 0 });
    }
    await again.logOut();
    await other.expectClose();
  });

  test('§6.3.4: again and again, with both connections of a session', async () => {
    const leader = await admitted(target.port, LEADING);
    const { session } = leader;
    let connections = [leader, await admitted(target.port, { session, cid: 2 })];
    for (let round = 0; round < 10; round++) {
      const next = [];
      for (const { cid } of connections) next.push(await admitted(target.port, { session, cid }));
      for (const old of connections) await old.expectClose();
      for (const connection of next) await connection.ping();
      connections = next;
    }
    await connections[0]!.logOut();
    expect(await loginStatus(target.port, { session })).toBe('020A');
  });

  test('§6.3.4: nobody replaces a connection without having proven who he is', async () => {
    const old = await admitted(target.port, { target: PROTECTED, chap: ALICE });
    const { session } = old;
    const chap = { ...ALICE, secret: 'not the secret of alice' };
    expect(await loginStatus(target.port, { session, target: PROTECTED, chap })).toBe('0201');
    await old.ping();
    const again = await admitted(target.port, { session, target: PROTECTED, chap: ALICE });
    await old.expectClose();
    await again.logOut();
  });

  test('what was negotiated for the session is not negotiated again', async () => {
    const old = await admitted(target.port, { keys: { MaxBurstLength: '65536', FirstBurstLength: '65536' } });
    const { session } = old;
    const again = await admitted(target.port, { session, keys: { MaxBurstLength: '4096', FirstBurstLength: '4096' } });
    await old.expectClose();
    // Three bursts of what the session agreed on: a limit of 4096 would show as R2Ts of that size.
    const length = 3 * 65536;
    session.parameters = { ...session.parameters, maxBurstLength: 65536, firstBurstLength: 65536 };
    const write = await again.command(write16(0, length / BLOCK), { write: Buffer.alloc(length, 1) });
    expect(write.r2t.map(({ desiredDataTransferLength }) => desiredDataTransferLength)).toEqual([65536, 65536]);
    await again.logOut();
  });
});
