// A record written to a ring and read from it again: ours, and ringbuf.js, which has no records and is given the length in front.
// Both in one thread, so that what is measured is their work and not the threads' meeting.

import { RingBuffer } from 'ringbuf.js';
import { Ring } from '../../src/ring/ring.ts';
import { runMicro } from '../micro-table.ts';

const CAPACITY = 512 * 1024;
const RECORDS = 64;

for (const bytes of [64, 1024, 4096]) {
  const record = new Uint8Array(bytes).fill(7);
  const ours = new Ring(Ring.allocate(CAPACITY));
  const theirs = new RingBuffer(RingBuffer.getStorageForCapacity(CAPACITY, Uint8Array), Uint8Array);
  const lengthBytes = new Uint8Array(4);
  const length = new Uint32Array(lengthBytes.buffer);
  const framed = new Uint8Array(4 + bytes);

  await runMicro({
    title: `a record of ${bytes} bytes, written and read`,
    operations: RECORDS,
    variants: {
      'src/ring: whole records': () => {
        let sum = 0;
        for (let index = 0; index < RECORDS; index++) ours.tryWrite(record);
        for (let read = ours.read(); read !== null; read = ours.read()) sum += read.length;
        return sum;
      },
      // Length and bytes must appear at once, or the reader sees half a record: they are put together first.
      'ringbuf.js: length and bytes in one push': () => {
        let sum = 0;
        for (let index = 0; index < RECORDS; index++) {
          new DataView(framed.buffer).setUint32(0, bytes, true);
          framed.set(record, 4);
          if (theirs.availableWrite() >= framed.length) theirs.push(framed);
        }
        while (theirs.pop(lengthBytes) === 4) {
          const read = new Uint8Array(length[0]!);
          sum += theirs.pop(read);
        }
        return sum;
      },
    },
  });
}
