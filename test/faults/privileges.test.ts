// A target that root starts: it serves and is administered with few of root's capabilities, and no program that it might start gets more.

import { chmodSync, chownSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MIB } from '../../src/config/limits.ts';
import { KEPT_CAPABILITIES } from '../../src/kernel/capabilities.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { read16 } from '../support/cdbs.ts';
import { ofThreads } from '../support/process-readings.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { noise, Scratch } from '../support/scratch.ts';
import { TARGET_NAME } from '../support/target-process.ts';
import { PersistentInitiator, startFailingTarget } from './worker-failure.ts';

const KEPT = Object.values(KEPT_CAPABILITIES).reduce((mask, number) => mask | (1n << BigInt(number)), 0n);
const NOBODY = 65_534;
const WORKERS = 2;
const BLOCK = 512;

/** Of a thread, as the kernel has them in its `status`. */
function privilegesOf(status: string) {
  const of = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)![1]!;
  const excess = ['CapPrm', 'CapEff', 'CapInh'].reduce((all, name) => all | BigInt(`0x${of(name)}`), 0n) & ~KEPT;
  return { thread: Number(of('Pid')), excess, noNewPrivileges: of('NoNewPrivs') };
}

describe.each(['uring', 'posix'] as const)('the privileges of a target, engine %s', (engine) => {
  it.skipIf(process.getuid?.() !== 0)('are few, and enough for all that may come', async () => {
    using scratch = new Scratch('privileges');
    const path = scratch.noise('disk', MIB);
    chownSync(path, NOBODY, NOBODY);
    chmodSync(path, 0o600);
    await using target = await startFailingTarget(engine, [], { admin: { port: 0 } });
    await target.logged(/"dropped":\d+,"msg":"gave up capabilities/);
    const few = () =>
      ofThreads(target.pid, 'status')
        .map(privilegesOf)
        .filter(({ excess, noNewPrivileges }) => excess === 0n && noNewPrivileges === '1')
        .map(({ thread }) => thread);
    expect(few()).toContain(target.pid);
    // Main and its workers; the threads that Node had before are its own.
    expect(few().length).toBeGreaterThanOrEqual(1 + WORKERS);
    const initiator = await PersistentInitiator.start(target.port, 0);
    await initiator.failItsWorker();
    await initiator.advances(5);
    await initiator.stop();
    const name = `targets/${encodeURIComponent(TARGET_NAME)}/luns`;
    const added = await callAdmin(target.ready.admin!, 'POST', name, { lun: 5, path });
    expect({ status: added.status, value: added.value }).toMatchObject({ status: 201 });
    using reader = await RawInitiator.logIn(target.port);
    const { status, data } = await reader.command(read16(0, 8), { lun: 5, read: 8 * BLOCK });
    expect({ status, right: data.equals(noise(MIB).subarray(0, 8 * BLOCK)) }).toEqual({ status: 0, right: true });
  });
});
