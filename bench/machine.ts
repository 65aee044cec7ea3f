// What the figures were measured on: the reader judges them by it.
// Which settings were used is the options' to say.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { VERSION } from '../src/cli/version.ts';
import { repositoryRoot } from '../test/support/repository.ts';

export type Machine = Readonly<Record<string, string>>;

/** The first line that a program says, or why there is none. */
function firstLine(program: string, ...args: readonly string[]): string {
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  if (error !== undefined) return 'not there';
  return `${stdout}${stderr}`.trim().split('\n')[0]!;
}

/** Of the Debian package: some of these programs don't say themselves. */
function packaged(name: string): string {
  const { stdout } = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8', timeout: 10_000 });
  return /^Version: (.+)$/m.exec(stdout ?? '')?.[1] ?? 'unknown';
}

/** Of the sources; `-dirty` when they are not quite those. */
function revision(): string {
  const args = ['-C', repositoryRoot(), 'describe', '--always', '--dirty'];
  const { stdout, status } = spawnSync('git', args, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout.trim() : 'unknown';
}

/** `peers`: names of those that take part; `directory`: where the disk's file is. */
export function describeMachine(fioPath: string, peers: readonly string[], directory: string): Machine {
  const all = cpus();
  const among = (part: string) => peers.some((peer) => peer.startsWith(part));
  return {
    machine: `${all[0]?.model.trim() ?? 'unknown'}, ${all.length} CPUs, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    'file system': firstLine('findmnt', '--noheadings', '--output', 'FSTYPE,SOURCE', '--target', directory),
    // What the peers send with. Ours may choose another: tuning.congestionControl.
    'congestion control': readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim(),
    // Whoever else is at work here: with two cores a load of 1 before the start spoils most figures.
    load: loadavg()[0]!.toFixed(1),
    lunaring: `${VERSION}, revision ${revision()}`,
    node: process.version,
    fio: execFileSync(fioPath, ['--version'], { encoding: 'utf8' }).trim(),
    'qemu-img': firstLine('qemu-img', '--version'),
    libiscsi: packaged('libiscsi-bin'),
    ...(among('tgt') ? { tgt: firstLine('tgtd', '--version') } : {}),
    ...(among('istgt') ? { istgt: packaged('istgt') } : {}),
    date: new Date().toISOString(),
  };
}
