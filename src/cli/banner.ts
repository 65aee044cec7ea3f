// What a person sees when the target is up: what is served where, and the very commands that connect to it and measure it.
// Machines get the same facts as one line of JSON.

import { hostPort } from '../base/host-port.ts';
import type { LunSettings, Settings } from '../config/settings.ts';
import { formatSize } from '../config/size.ts';
import type { RunningPortal } from '../control/portals.ts';
import type { RunningTarget } from '../control/target.ts';
import { VERSION } from './version.ts';

/** An address to connect to: the loopback where a portal listens on all. */
function connectable({ address, port }: RunningPortal): string {
  if (address === '0.0.0.0') return `127.0.0.1:${port}`;
  if (address === '::') return `[::1]:${port}`;
  return hostPort(address, port);
}

function describeLun(lun: LunSettings): string {
  const size = lun.size === undefined ? [] : [formatSize(lun.size)];
  const what = lun.backend === 'file' ? [lun.path, lun.direct ? 'direct' : 'through the page cache'] : [lun.backend];
  return [...what, ...size, `blocks of ${lun.blockSize}`, ...(lun.readOnly ? ['read-only'] : [])].join(', ');
}

/** Commands for the first target that is served at the first portal. */
function commands(settings: Settings, portal: RunningPortal): string[] {
  const where = connectable(portal);
  const target = settings.targets.find(
    ({ portalGroups, luns }) => portalGroups.includes(portal.tag) && luns.length > 0,
  );
  const lines = ['connect:', `  iscsi-ls -s iscsi://${where}`, `  iscsiadm -m discovery -t sendtargets -p ${where}`];
  if (target === undefined) return lines;
  const lun = target.luns[0]!.lun;
  const url = `iscsi://${where}/${target.name}/${lun}`;
  // The kernel initiator's, after the login above.
  const device = `/dev/disk/by-path/ip-${where}-iscsi-${target.name}-lun-${lun}`;
  // fio takes a colon for a separator of file names.
  const escaped = (name: string): string => name.replaceAll(':', '\\:');
  const job = '--rw=randread --bs=4k --iodepth=32 --time_based --runtime=10';
  return [
    ...lines,
    `  iscsiadm -m node -T ${target.name} -p ${where} --login`,
    `  qemu-img info ${url}`,
    'measure:',
    `  iscsi-perf -m 32 -b 8 -t 10 -r ${url}`,
    `  fio --name=libiscsi --ioengine=libiscsi --filename='${escaped(url)}' ${job}`,
    `  fio --name=kernel --ioengine=libaio --direct=1 --filename='${escaped(device)}' ${job}`,
  ];
}

/** The text for people. `admin`: the admin interface's URL, if there is one. */
export function banner(settings: Settings, running: RunningTarget, admin: string | null): string {
  const lines = [
    `lunaring ${VERSION} is ready`,
    `  portals  ${running.portals.map((portal) => `${connectable(portal)},${portal.tag}`).join(' ')}`,
    ...(admin === null ? [] : [`  admin    ${admin}`]),
    `  engine   ${running.engine}: ${running.engineReason}`,
    `  workers  ${running.workers}`,
  ];
  for (const target of settings.targets) {
    lines.push(`  target   ${target.name}${target.state === 'online' ? '' : ` (${target.state})`}`);
    for (const lun of target.luns) lines.push(`    LUN ${lun.lun}  ${describeLun(lun)}`);
  }
  const portal = running.portals[0];
  if (portal !== undefined) lines.push(...commands(settings, portal));
  return `${lines.join('\n')}\n`;
}

/** The line for machines. */
export function readyLine(settings: Settings, running: RunningTarget, admin: string | null): string {
  const { portals, engine, engineReason, workers } = running;
  const targets = settings.targets.map(({ name, state, luns }) => ({ name, state, luns: luns.map(({ lun }) => lun) }));
  return `${JSON.stringify({ event: 'ready', version: VERSION, portals, admin, engine, engineReason, workers, targets })}\n`;
}
