// RFC 7143 §6.3.5: a login with TSIH 0 and the identity of a session that exists takes that session's place.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { R2T } from '../../../src/pdu/r2t.ts';
import { ScsiCommand, WRITE_BIT } from '../../../src/pdu/scsi-command.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { type Attempt, admitted, loginStatus } from '../../support/login-attempt.ts';
import { InitiatorSession, type RawInitiator } from '../../support/raw-initiator.ts';
import { TARGET_NAME, TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, targetOf } from '../login-status/serve.ts';

const PROTECTED = `${TARGET_NAME}-protected`;
const BROAD = `${TARGET_NAME}-broad`;
const BLOCK = 512;

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({
      portals: [1, 2].map((tag) => ({ address: '127.0.0.1', port: 0, tag })),
      targets: [targetOf(), targetOf({ name: PROTECTED, auth: CHAP }), targetOf({ name: BROAD, maxConnections: 4 })],
      tuning: { engine, workers: 2 },
    });
  });
  afterAll(() => target.stop());

  /** Another login of the same initiator and ISID. */
  const again = ({ session }: RawInitiator): Attempt => {
    const { initiatorName, isid } = session;
    return { session: Object.assign(new InitiatorSession(), { initiatorName, isid }) };
  };

  test('§6.3.5: the old session ends, and the new one has a TSIH of its own', async () => {
    const old = await admitted(target.port);
    const successor = await admitted(target.port, again(old));
    expect(successor.session.tsih).not.toBe(old.session.tsih);
    await old.expectClose();
    await successor.ping();
    await successor.logOut();
  });

  test('§6.3.5: tasks of the old session are gone before the new one begins', async () => {
    const old = await admitted(target.port, { keys: { InitialR2T: 'Yes', ImmediateData: 'No' } });
    const cdb = Buffer.alloc(16);
    cdb.set(write16(0, 8));
    old.send(ScsiCommand, { flags: FINAL_BIT | WRITE_BIT, expectedDataTransferLength: 8 * BLOCK, cdb });
    // The target waits for data that never come.
    await old.expect(R2T);
    const successor = await admitted(target.port, again(old));
    await old.expectClose();
    const data = Buffer.alloc(8 * BLOCK, 'new');
    expect(await successor.command(write16(0, 8), { write: data })).toMatchObject({ status: 0 });
    expect((await successor.command(read16(0, 8), { read: 8 * BLOCK })).data.equals(data)).toBe(true);
    await successor.logOut();
  });

  test('§6.3.5: nobody replaces a session without having proven who he is', async () => {
    const old = await admitted(target.port, { target: PROTECTED, chap: ALICE });
    const thief = { ...again(old), target: PROTECTED };
    expect(await loginStatus(target.port, thief)).toBe('0201');
    expect(await loginStatus(target.port, { ...thief, chap: { ...ALICE, secret: 'not the secret' } })).toBe('0201');
    expect(await loginStatus(target.port, { ...thief, skipSecurity: true })).toBe('0201');
    await old.ping();
    const successor = await admitted(target.port, { ...thief, chap: ALICE });
    await old.expectClose();
    await successor.logOut();
  });

  test('a login that fails later than at security replaces nothing either', async () => {
    const old = await admitted(target.port);
    expect(await loginStatus(target.port, { ...again(old), keys: { MaxBurstLength: '1' } })).toBe('0200');
    await old.ping();
    await old.logOut();
  });

  test('all connections of the old session end', async () => {
    const leader = await admitted(target.port, { target: BROAD, keys: { MaxConnections: '4' } });
    const others = [];
    for (const cid of [2, 3]) others.push(await admitted(target.port, { session: leader.session, cid, target: BROAD }));
    const successor = await admitted(target.port, { ...again(leader), target: BROAD });
    for (const connection of [leader, ...others]) await connection.expectClose();
    await successor.logOut();
  });

  test('another ISID, target or portal group is another session', async () => {
    const first = await admitted(target.port);
    const others = [
      await admitted(target.port),
      await admitted(target.port, { ...again(first), target: BROAD }),
      await admitted(target.ready.portals[1]!.port, again(first)),
    ];
    for (const connection of [first, ...others]) await connection.ping();
    for (const connection of [first, ...others]) await connection.logOut();
  });

  test('of many logins of the same identity at once, one session is left, and it works', async () => {
    const first = await admitted(target.port);
    // Who is replaced before his final response has left sees his connection close.
    const contend = () => admitted(target.port, again(first)).catch(() => null);
    const contenders = await Promise.all(Array.from({ length: 12 }, contend));
    await first.expectClose();
    const alive = [];
    for (const contender of contenders) if (contender !== null && (await answers(contender))) alive.push(contender);
    expect(alive).toHaveLength(1);
    expect(await alive[0]!.logOut()).toBe(0);
  });
});

async function answers(initiator: RawInitiator): Promise<boolean> {
  try {
    await initiator.ping();
    return true;
  } catch {
    return false;
  }
}
