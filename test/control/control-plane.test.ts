// What the control plane does when it hears of its workers, with workers that do nothing.

import { pino } from 'pino';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { ControlPlane } from '../../src/control/control-plane.ts';
import type { Candidate } from '../../src/control/handoff.ts';
import { THIS_MACHINE } from '../../src/control/machine.ts';
import type { Workers } from '../../src/control/workers.ts';
import { LoginStatus } from '../../src/pdu/login-status.ts';
import { DEFAULT_CONNECTION_PARAMETERS, DEFAULT_SESSION_PARAMETERS } from '../../src/pdu/parameters.ts';
import { Turns } from '../../src/ring/turns.ts';

const TARGET = 'iqn.2026-11.io.lunaring:t';

/** Two workers that take what they are sent and say nothing. */
const WORKERS: Workers = {
  turns: Turns.create(),
  isRunning: () => true,
  running: () => [0, 1],
  send: () => {},
  answering: () => () => {},
  broadcast: () => {},
  sendBuffer: () => {},
  connectDisk: () => {},
};

/** `closed` hears which descriptors were closed. */
function plane(closed: number[]): ControlPlane {
  const targets = [{ name: TARGET, luns: [{ lun: 0, backend: 'null', size: '1MiB' }] }];
  const text = JSON.stringify({ targets });
  const { settings } = loadSettings({ file: 'lunaring.json', text, environment: {}, workingDirectory: '/' });
  return new ControlPlane({
    settings: settings!,
    makeWorkers: () => WORKERS,
    portals: () => [],
    machine: { ...THIS_MACHINE, close: (fd) => closed.push(fd) },
    log: pino({ level: 'silent' }),
  });
}

/** A login that is complete. */
function candidate(fd: number): Candidate {
  const identity = {
    initiatorName: 'iqn.2026-11.io.lunaring:a',
    isid: '800000000001',
    targetName: TARGET,
    portalGroupTag: 1,
  };
  const claim = { identity, tsih: 0, cid: 1, sessionType: 'Normal' };
  const endpoint = { peerAddress: '127.0.0.1', localAddress: '127.0.0.1' };
  const parameters = { session: DEFAULT_SESSION_PARAMETERS, connection: DEFAULT_CONNECTION_PARAMETERS };
  const grant = { claim, endpoint, initiatorAlias: '', ...parameters, finalResponse: () => new Uint8Array(48) };
  return { grant, fd, received: new Uint8Array(0), givenUp: new Promise(() => {}) } as unknown as Candidate;
}

test('a login whose worker has stopped before it answered is told so, and its descriptor is closed', async () => {
  const closed: number[] = [];
  const target = plane(closed);
  const taken = target.logins.handoffs.take(candidate(7));
  await new Promise(setImmediate);
  const [session] = target.sessions.all();
  target.stopped(1 - session!.worker);
  expect(closed).toEqual([]);
  target.stopped(session!.worker);
  expect(closed).toEqual([7]);
  expect((await taken)?.code).toBe(LoginStatus.SERVICE_UNAVAILABLE);
  expect(target.sessions.size).toBe(0);
  target.close();
});
