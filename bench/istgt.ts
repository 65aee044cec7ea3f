// istgt, a userspace target of FreeBSD descent, as a private instance: one file, the page cache, a thread per connection.
// It is installed only when it is asked for (`--peers istgt`); its logout takes seconds, so it is no part of the usual run.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { accepts, Daemon } from '../test/support/daemon.ts';
import { repositoryRoot } from '../test/support/repository.ts';
import { run, succeed } from '../test/support/run.ts';
import { freePort } from '../test/support/scratch.ts';

const NAME_BASE = 'iqn.2026-11.io.lunaring';
const INSTALL_LIMIT_SECONDS = 300;

/** It refuses InitialR2T=No; everything else is what ours offers. The unit control has to be there, and nobody uses it. */
function configuration(directory: string, file: string, sizeMiB: number, port: number, controlPort: number): string {
  return `[Global]
  NodeBase "${NAME_BASE}"
  PidFile ${directory}/istgt.pid
  AuthFile ${directory}/auth.conf
  LogFacility "local7"
  Timeout 30
  NopInInterval 0
  DiscoveryAuthMethod None
  MaxSessions 16
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  DefaultTime2Wait 2
  DefaultTime2Retain 0
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
  DataPDUInOrder Yes
  DataSequenceInOrder Yes
  ErrorRecoveryLevel 0
[UnitControl]
  AuthMethod None
  Portal UC1 127.0.0.1:${controlPort}
  Netmask 127.0.0.1
[PortalGroup1]
  Portal DA1 127.0.0.1:${port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.0/8
[LogicalUnit1]
  TargetName istgt
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  UseDigest Auto
  UnitType Disk
  QueueDepth 128
  LUN0 Storage ${file} ${sizeMiB}MB
`;
}

/** Puts it on this machine, where it can be. */
async function install(): Promise<void> {
  if ((await run('sh', ['-c', 'command -v istgt'])).code === 0) return;
  const setup = join(repositoryRoot(), 'scripts/setup-clients.mjs');
  await succeed(process.execPath, [setup, 'istgt'], { limitSeconds: INSTALL_LIMIT_SECONDS });
}

/** Starts an istgt that serves `file`, with its own files beside it. */
export async function startIstgt(
  file: string,
  sizeMiB: number,
  cpus: string | undefined,
): Promise<{ daemon: Daemon; url: string }> {
  await install();
  const directory = join(dirname(file), 'istgt');
  mkdirSync(directory, { recursive: true });
  const port = await freePort();
  const path = join(directory, 'istgt.conf');
  writeFileSync(path, configuration(directory, file, sizeMiB, port, await freePort()));
  // It wants one for users and secrets, readable by nobody else.
  writeFileSync(join(directory, 'auth.conf'), '', { mode: 0o600 });
  const daemon = await Daemon.start(['istgt', '-D', '-c', path], { ready: () => accepts(port), cpus });
  return { daemon, url: `iscsi://127.0.0.1:${port}/${NAME_BASE}:istgt/0` };
}
