// Serves a disk that fails as the JSON on the command line says (`Faults` in faulty-disk.ts), until Ctrl-C.
//
//   npm run build
//   node dist/docs/examples/faults.js '{"path": "/tmp/faulty.img", "log": "/tmp/faulty.log", "badBlocks": [1048576]}' [port]

import { once } from 'node:events';
import { createTarget } from 'lunaring';
import type { Faults } from './faulty-disk.ts';

const NAME = 'iqn.2026-11.io.lunaring:faults';

const faults = JSON.parse(process.argv[2] ?? '{"path": "faulty.img"}') as Faults;
const module = new URL('./faulty-disk.js', import.meta.url);
const target = await createTarget({
  portals: [{ address: '127.0.0.1', port: Number(process.argv[3] ?? 3260) }],
  targets: [
    {
      name: NAME,
      luns: [{ lun: 0, backend: 'custom', size: '64MiB', module, data: faults, timeoutMs: 5000 }],
    },
  ],
});
const { address, port } = target.portals[0]!;
console.log(`iscsi://${address}:${port}/${NAME}/0`);

await once(process, 'SIGINT');
await target.close();
