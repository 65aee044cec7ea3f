// tgt, the userspace target of the Linux distributions, as a private instance: the peer that ours is measured against.
// Two backing stores matter: aio (O_DIRECT, kernel AIO) and rdwr (a pool of threads; page cache, or O_DIRECT when it is told so).

import { dirname, join } from 'node:path';
import { accepts, Daemon } from '../test/support/daemon.ts';
import { succeed } from '../test/support/run.ts';
import { freePort } from '../test/support/scratch.ts';

const NAME = 'iqn.2026-11.io.lunaring:tgt';
/** Few I/O threads are where it is fastest. */
const IO_THREADS = '2';

/** What it is told to negotiate: the values that ours offers, where its own defaults are lower and would cost it round trips. */
const PARAMETERS: Readonly<Record<string, string>> = {
  MaxRecvDataSegmentLength: '262144',
  MaxXmitDataSegmentLength: '262144',
  MaxBurstLength: '1048576',
  FirstBurstLength: '262144',
  InitialR2T: 'No',
  ImmediateData: 'Yes',
};

/**
 * Starts a tgtd that serves `path` from the backing store `store` (`aio`, `rdwr`) with `--bsoflags` as given, its control socket beside it: where
 * the system's is, only root may make one. It ignores SIGTERM: kill it.
 */
export async function startTgt(
  path: string,
  store: string,
  cpus: string | undefined,
  openFlags?: string,
): Promise<{ daemon: Daemon; url: string }> {
  const port = await freePort();
  const env = { TGT_IPC_SOCKET: join(dirname(path), `tgt-${port}`) };
  const command = ['tgtd', '-f', '-t', IO_THREADS, '--iscsi', `portal=127.0.0.1:${port}`];
  const daemon = await Daemon.start(command, { ready: () => accepts(port), cpus, env });
  const admin = (...args: string[]) => succeed('tgtadm', ['--lld', 'iscsi', ...args], { env });
  const target = ['--mode', 'target', '--tid', '1'];
  try {
    await admin('--op', 'new', ...target, '-T', NAME);
    for (const [name, value] of Object.entries(PARAMETERS)) {
      await admin('--op', 'update', ...target, '--name', name, '--value', value);
    }
    // LUN 0 is its controller device.
    const unit = ['--mode', 'logicalunit', '--tid', '1', '--lun', '1'];
    const flags = openFlags === undefined ? [] : ['--bsoflags', openFlags];
    await admin('--op', 'new', ...unit, '--bstype', store, ...flags, '-b', path);
    await admin('--op', 'bind', ...target, '-I', 'ALL');
  } catch (error) {
    await daemon.kill();
    throw error;
  }
  return { daemon, url: `iscsi://127.0.0.1:${port}/${NAME}/1` };
}
