// Serves a disk held in memory. Each line `snapshot` on standard input takes a snapshot and serves it as the next LUN, read-only, while
// initiators go on; at the end of the input, or at Ctrl-C, the target ends.
//
//   npm run build && node dist/docs/examples/snapshots.js [port]

import { createInterface } from 'node:readline';
import { createTarget } from 'lunaring';
import { SnapshotDisk } from './snapshot-disk.ts';

const NAME = 'iqn.2026-11.io.lunaring:snapshots';
const SIZE = 256 * 1024 * 1024;

const disk = new SnapshotDisk();
const target = await createTarget({
  portals: [{ address: '127.0.0.1', port: Number(process.argv[2] ?? 3260) }],
  targets: [{ name: NAME, luns: [{ lun: 0, backend: 'custom', size: SIZE, blockSize: 4096, disk }] }],
});
const { address, port } = target.portals[0]!;
console.log(`iscsi://${address}:${port}/${NAME}/0`);

const lines = createInterface({ input: process.stdin });
process.once('SIGINT', () => lines.close());
let lun = 0;
for await (const line of lines) {
  if (line.trim() !== 'snapshot') continue;
  lun++;
  await target.addUnit(NAME, { lun, backend: 'custom', size: SIZE, blockSize: 4096, disk: disk.snapshot() });
  console.log(`iscsi://${address}:${port}/${NAME}/${lun}`);
}
await target.close();
