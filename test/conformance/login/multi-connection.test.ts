// Sessions of several connections (RFC 7143 §4.2.2.1, §4.2.4): one order of commands over all of them, each answered where it came in.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogoutReason, LogoutRequest, LogoutResponse } from '../../../src/pdu/logout.ts';
import { NopIn } from '../../../src/pdu/nop-in.ts';
import { NopOut } from '../../../src/pdu/nop-out.ts';
import { FINAL_BIT } from '../../../src/pdu/opcode.ts';
import { read16, write16 } from '../../support/cdbs.ts';
import { admitted } from '../../support/login-attempt.ts';
import type { RawInitiator } from '../../support/raw-initiator.ts';
import { noise } from '../../support/scratch.ts';
import { TargetProcess } from '../../support/target-process.ts';
import { targetOf } from '../login-status/serve.ts';

const CONNECTIONS = 8;
const BLOCK = 512;

describe.each(['uring', 'posix'] as const)('engine %s', (engine) => {
  let target: TargetProcess;
  beforeAll(async () => {
    target = await TargetProcess.start({
      targets: [targetOf({ maxConnections: CONNECTIONS, luns: [{ lun: 0, backend: 'memory', size: '8MiB' }] })],
      tuning: { engine, workers: 2 },
    });
  });
  afterAll(() => target.stop());

  /** A session with `count` connections, CIDs from 1. */
  async function connect(count: number): Promise<RawInitiator[]> {
    const leader = await admitted(target.port, { keys: { MaxConnections: String(count) } });
    const connections = [leader];
    for (let cid = 2; cid <= count; cid++)
      connections.push(await admitted(target.port, { session: leader.session, cid }));
    return connections;
  }

  test('§4.2.2.1: a command waits for those before it, whatever connection they come over', async () => {
    const [first, second, third] = await connect(3);
    const { session } = first!;
    const cmdSN = session.cmdSN;
    const data = Buffer.from('in its turn');
    second!.send(NopOut, { cmdSN: cmdSN + 1 }, { data });
    third!.send(NopOut, { cmdSN: cmdSN + 2 }, { data });
    await second!.expectSilence();
    await third!.expectSilence();
    first!.send(NopOut, { cmdSN }, { data });
    session.cmdSN = cmdSN + 3;
    for (const connection of [first!, second!, third!]) {
      expect((await connection.expect(NopIn)).data.equals(data)).toBe(true);
    }
    await first!.ping();
    expect(first!.expCmdSN).toBe(session.cmdSN);
    await first!.logOut();
  });

  test('§4.2.4: data and status come over the connection that carried the command', async () => {
    const connections = await connect(CONNECTIONS);
    const blocks = 64;
    for (const [index, connection] of connections.entries()) {
      const written = noise(blocks * BLOCK, index + 1);
      const at = index * blocks;
      expect(await connection.command(write16(at, blocks), { write: written })).toMatchObject({ status: 0 });
      // What one connection wrote, its neighbour reads.
      const reader = connections[(index + 1) % CONNECTIONS]!;
      expect((await reader.command(read16(at, blocks), { read: blocks * BLOCK })).data.equals(written)).toBe(true);
    }
    await connections[0]!.logOut();
    for (const connection of connections.slice(1)) await connection.expectClose();
  });

  test('commands over all connections at once', async () => {
    const connections = await connect(CONNECTIONS);
    const blocks = 32;
    const work = async (connection: RawInitiator, index: number): Promise<void> => {
      for (let round = 0; round < 20; round++) {
        const written = noise(blocks * BLOCK, index * 100 + round + 1);
        expect(await connection.command(write16(index * blocks, blocks), { write: written })).toMatchObject({
          status: 0,
        });
        const read = await connection.command(read16(index * blocks, blocks), { read: blocks * BLOCK });
        expect(read.data.equals(written)).toBe(true);
      }
    };
    await Promise.all(connections.map(work));
    await connections[0]!.logOut();
  });

  test('§11.14.1: one connection is logged out, by itself or over another, and the session goes on', async () => {
    const [first, second, third] = await connect(3);
    expect(await second!.logOut(LogoutReason.CLOSE_CONNECTION)).toBe(0);
    first!.send(LogoutRequest, { flags: FINAL_BIT | LogoutReason.CLOSE_CONNECTION, cid: 3 }, { immediate: true });
    expect((await first!.expect(LogoutResponse)).response).toBe(0);
    await third!.expectClose();
    await first!.ping();
    const back = await admitted(target.port, { session: first!.session, cid: 2 });
    await back.ping();
    await first!.logOut();
  });

  test('each connection has digests and segments of its own', async () => {
    const leader = await admitted(target.port, { keys: { MaxConnections: '2' } });
    const keys = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C', MaxRecvDataSegmentLength: '4096' };
    const other = await admitted(target.port, { session: leader.session, cid: 2, keys });
    expect([leader.wire.dataDigest, other.wire.dataDigest]).toEqual([false, true]);
    const written = noise(64 * BLOCK, 77);
    expect(await leader.command(write16(0, 64), { write: written })).toMatchObject({ status: 0 });
    const read = await other.command(read16(0, 64), { read: 64 * BLOCK });
    expect(read.data.equals(written)).toBe(true);
    expect(read.dataIn).toHaveLength((64 * BLOCK) / 4096);
    await leader.logOut();
  });
});
