// Portals that come, change and go: where it is listened, and what becomes of connections that are under way.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LunaringError } from '../../src/base/error.ts';
import type { PortalSettings } from '../../src/config/settings.ts';
import { Admittance } from '../../src/control/admittance.ts';
import type { LoginContext } from '../../src/control/login-connection.ts';
import type { LoginSettings } from '../../src/control/login-settings.ts';
import { THIS_MACHINE } from '../../src/control/machine.ts';
import { Portals } from '../../src/control/portals.ts';
import { accepts } from '../support/daemon.ts';
import { freePort } from '../support/scratch.ts';

const CONTEXT = {
  admittance: new Admittance(),
  settings: { tuning: { loginTimeoutMs: 60_000 } } as LoginSettings,
  machine: THIS_MACHINE,
  log: pino({ level: 'silent' }),
} as LoginContext;

let portals: Portals;
let ports: readonly [number, number];
beforeEach(async () => {
  portals = new Portals(CONTEXT);
  ports = [await freePort(), await freePort()];
});
afterEach(() => portals.close());

const at = (port: number, tag = 1): PortalSettings => ({ address: '127.0.0.1', port, tag, discovery: true });

/** Somebody who has connected, was accepted, and says nothing. */
async function knock(port: number): Promise<Socket> {
  const accepted = vi.spyOn(CONTEXT.admittance, 'begin');
  const socket = connect(port, '127.0.0.1');
  await expect.poll(() => accepted.mock.calls.length, { timeout: 20_000 }).toBe(1);
  return socket;
}

describe('portals', () => {
  test('are listened on while others are, until they are not', async () => {
    await portals.add(at(ports[0]));
    await portals.add(at(ports[1], 2));
    expect(portals.running.map(({ port, tag }) => [port, tag])).toEqual([
      [ports[0], 1],
      [ports[1], 2],
    ]);
    portals.remove(at(ports[0]));
    expect([await accepts(ports[0]), await accepts(ports[1])]).toEqual([false, true]);
    // Its address is free at once.
    await portals.add(at(ports[0], 3));
    expect(portals.settings.map(({ tag }) => tag)).toEqual([2, 3]);
    expect(await accepts(ports[0])).toBe(true);
  });

  test('that can’t be listened on change nothing', async () => {
    await portals.add(at(ports[0]));
    await expect(portals.add(at(ports[0], 2))).rejects.toThrow(LunaringError);
    expect(portals.settings).toEqual([at(ports[0])]);
  });

  test('on any free port tell which it is', async () => {
    await portals.add(at(0));
    await portals.add(at(0, 2));
    const [one, other] = portals.running;
    expect([one!.port > 0, other!.port > 0, one!.port === other!.port]).toEqual([true, true, false]);
    portals.remove(at(0, 2));
    expect(portals.running).toEqual([one]);
  });

  test('change where they are', async () => {
    await portals.add(at(ports[0]));
    portals.change(at(ports[0]), at(ports[0], 9));
    expect(portals.running).toEqual([{ address: '127.0.0.1', port: ports[0], tag: 9 }]);
    expect(await accepts(ports[0])).toBe(true);
  });

  test('that are left keep the logins that are under way there, until all is closed', async () => {
    await portals.add(at(ports[0]));
    const socket = await knock(ports[0]);
    const ended = once(socket, 'close');
    portals.remove(at(ports[0]));
    expect(await accepts(ports[0])).toBe(false);
    expect(socket.destroyed).toBe(false);
    await portals.close();
    await ended;
  });
});
