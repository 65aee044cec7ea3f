// The reading end of a ring, in a thread of its own. Plain JavaScript over what was built, because threads are started from files as they are.

import { parentPort, workerData } from 'node:worker_threads';
import { Ring } from '../../dist/src/ring/ring.js';

const { memory, records } = workerData;
const reader = new Ring(memory);
let sum = 0;
let inOrder = true;
for (let index = 0; index < records; ) {
  const record = reader.read();
  if (record === null) continue;
  inOrder &&= new DataView(record.buffer).getUint32(0, true) === index;
  for (const byte of record) sum = (sum * 31 + byte) | 0;
  index++;
}
parentPort.postMessage({ sum, inOrder });
