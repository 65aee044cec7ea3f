// Portals that come, change and go: where it is listened, and what becomes of connections that are under way.

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import koffi from 'koffi';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LunaringError } from '../../src/base/error.ts';
import type { PortalSettings } from '../../src/config/settings.ts';
import { Admittance } from '../../src/control/admittance.ts';
import type { CongestionChoice } from '../../src/control/congestion.ts';
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

const UNCHANGED: CongestionChoice = { name: null, required: false, reason: '' };

let portals: Portals;
let ports: readonly [number, number];
beforeEach(async () => {
  portals = new Portals(CONTEXT, UNCHANGED);
  ports = [await freePort(), await freePort()];
});
afterEach(async () => {
  vi.restoreAllMocks();
  await portals.close();
});

const at = (port: number, tag = 1): PortalSettings => ({ address: '127.0.0.1', port, tag, discovery: true });

const SYSTEMS = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();

/** How many sockets of this process send with `name`, as the kernel has it. */
function sendingWith(name: string): number {
  const [IPPROTO_TCP, TCP_CONGESTION] = [6, 13];
  const read = koffi.load(null).func('int getsockopt(int, int, int, void *, void *)');
  const namesOf = readdirSync('/proc/self/fd').map((fd) => {
    const value = new Uint8Array(16);
    const failed = read(Number(fd), IPPROTO_TCP, TCP_CONGESTION, value, new Uint32Array([value.length])) !== 0;
    return failed ? '' : new TextDecoder().decode(value).split('\0', 1)[0];
  });
  return namesOf.filter((each) => each === name).length;
}

/** How many connections the kernel keeps for who listens in this process, one number for each. */
function backlogs(): number[] {
  const [IPPROTO_TCP, TCP_INFO] = [6, 11];
  const [TCP_LISTEN, BACKLOG_AT] = [10, 28];
  const read = koffi.load(null).func('int getsockopt(int, int, int, void *, void *)');
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const info = new DataView(new ArrayBuffer(104));
    const failed = read(Number(fd), IPPROTO_TCP, TCP_INFO, info, new Uint32Array([info.byteLength])) !== 0;
    return failed || info.getUint8(0) !== TCP_LISTEN ? [] : [info.getUint32(BACKLOG_AT, true)];
  });
}

/** Somebody who has connected, was accepted, and says nothing. */
async function knock(port: number): Promise<Socket> {
  const accepted = vi.spyOn(CONTEXT.admittance, 'begin');
  const socket = connect(port, '127.0.0.1');
  await expect.poll(() => accepted.mock.calls.length, { timeout: 20_000 }).toBe(1);
  return socket;
}

test('what is in the way of listening is told, with what to do', async () => {
  const others = new Portals(CONTEXT, UNCHANGED);
  await others.add(at(ports[0]), []);
  const refused = expect(portals.add(at(ports[0]), [])).rejects;
  await refused.toThrow(`stop what ss -ltnp 'sport = :${ports[0]}' names, or choose another port`);
  await others.close();
  const elsewhere = { ...at(ports[0]), address: '192.0.2.1' };
  await expect(portals.add(elsewhere, [])).rejects.toThrow('no such address; ip address lists');
});

describe('portals', () => {
  test('are listened on while others are, until they are not', async () => {
    await portals.add(at(ports[0]), []);
    await portals.add(at(ports[1], 2), []);
    expect(portals.running.map(({ port, tag }) => [port, tag])).toEqual([
      [ports[0], 1],
      [ports[1], 2],
    ]);
    portals.remove(at(ports[0]));
    expect([await accepts(ports[0]), await accepts(ports[1])]).toEqual([false, true]);
    // Its address is free at once.
    await portals.add(at(ports[0], 3), []);
    expect(portals.settings.map(({ tag }) => tag)).toEqual([2, 3]);
    expect(await accepts(ports[0])).toBe(true);
  });

  test('have the kernel keep as many who come at once as it may', async () => {
    const most = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
    await portals.add(at(ports[0]), []);
    expect(backlogs()).toEqual([Math.min(most, 4096)]);
  });

  test('that can’t be listened on change nothing', async () => {
    await portals.add(at(ports[0]), []);
    await expect(portals.add(at(ports[0], 2), [])).rejects.toThrow(LunaringError);
    expect(portals.settings).toEqual([at(ports[0])]);
  });

  test('on any free port tell which it is', async () => {
    await portals.add(at(0), []);
    await portals.add(at(0, 2), []);
    const [one, other] = portals.running;
    expect([one!.port > 0, other!.port > 0, one!.port === other!.port]).toEqual([true, true, false]);
    portals.remove(at(0, 2));
    expect(portals.running).toEqual([one]);
  });

  test.each([[['0.0.0.0', '::']], [['::', '0.0.0.0']], [['::', '127.0.0.1']]])(
    'of both families share a port: %j',
    async (addresses) => {
      const both = addresses.map((address, index): PortalSettings => ({ ...at(ports[0], index + 1), address }));
      for (const portal of both) await portals.add(portal, both);
      expect(portals.running.map(({ address, port }) => [address, port])).toEqual(
        addresses.map((address) => [address, ports[0]]),
      );
      // Who comes over IPv4 is the IPv4 portal's.
      portals.remove(both[addresses.indexOf('::')]!);
      expect(await accepts(ports[0])).toBe(true);
    },
  );

  test('on :: alone take IPv4 as well', async () => {
    const all = { ...at(ports[0]), address: '::' };
    await portals.add(all, [all, at(ports[1])]);
    expect(await accepts(ports[0])).toBe(true);
  });

  test('on :: have who comes over IPv4 in the log as access lists have it', async () => {
    const refused = vi.fn<LoginContext['refused']>();
    const own = new Portals({ ...CONTEXT, refused }, UNCHANGED);
    try {
      const all = { ...at(ports[0]), address: '::' };
      await own.add(all, [all]);
      const socket = connect(ports[0], '127.0.0.1');
      // A Login Request whose Version-min is 1.
      socket.end(Buffer.concat([Buffer.from([0x43, 0x87, 1, 1]), Buffer.alloc(44)]));
      await once(socket.resume(), 'close');
      expect(refused).toHaveBeenCalledWith(
        expect.objectContaining({ status: '0205', peerAddress: '127.0.0.1', localAddress: '127.0.0.1' }),
      );
    } finally {
      await own.close();
    }
  });

  test('change where they are', async () => {
    await portals.add(at(ports[0]), []);
    portals.change(at(ports[0]), at(ports[0], 9));
    expect(portals.running).toEqual([{ address: '127.0.0.1', port: ports[0], tag: 9 }]);
    expect(await accepts(ports[0])).toBe(true);
  });

  test('that are left keep the logins that are under way there, until all is closed', async () => {
    await portals.add(at(ports[0]), []);
    const socket = await knock(ports[0]);
    const ended = once(socket, 'close');
    portals.remove(at(ports[0]));
    expect(await accepts(ports[0])).toBe(false);
    expect(socket.destroyed).toBe(false);
    await portals.close();
    await ended;
  });

  test('give connections the congestion control that was chosen', async () => {
    // Every kernel has reno, and hardly anyone has chosen it.
    const before = sendingWith('reno');
    const chosen = new Portals(CONTEXT, { name: 'reno', required: true, reason: '' });
    await chosen.add(at(ports[0]), []);
    const socket = await knock(ports[0]);
    // The listening socket and the accepted one; the initiator's own end is its own affair.
    expect(sendingWith('reno')).toBe(before + (SYSTEMS === 'reno' ? 3 : 2));
    socket.destroy();
    await chosen.close();
  });

  test('can’t be had with a congestion control that the kernel does not have, if it was asked for', async () => {
    const asked = new Portals(CONTEXT, { name: 'no-such', required: true, reason: '' });
    await expect(asked.add(at(ports[0]), [])).rejects.toThrow(
      `portal 127.0.0.1 port ${ports[0]}: congestion control no-such can't be had (ENOENT); name one of`,
    );
    expect([asked.settings, await accepts(ports[0])]).toEqual([[], false]);
    const offered = new Portals(CONTEXT, { name: 'no-such', required: false, reason: '' });
    await offered.add(at(ports[0]), []);
    expect(await accepts(ports[0])).toBe(true);
    await offered.close();
  });
});
