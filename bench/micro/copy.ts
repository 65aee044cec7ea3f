// Copying within a slab, source and target equally aligned or not: what Slab.copy chooses from.

import { Slab } from '../../src/engine/slab.ts';
import { addressOf, copyMemory, pageOffset } from '../../src/kernel/memory.ts';
import { runMicro } from '../micro-table.ts';

const COPIES = 32;
const TARGET = 8 * 1024 * 1024;

const slab = new Slab({ bytes: 2 * TARGET, receiveBytes: 4096 }, pageOffset);
const { bytes } = slab;
const base = addressOf(slab.memory) + slab.view.byteOffset;

for (const length of [512, 4096, 65_536]) {
  for (const shift of [0, 4]) {
    await runMicro({
      title: `${length} bytes within the slab, ${shift === 0 ? 'equally' : 'differently'} aligned`,
      operations: COPIES,
      variants: {
        'Uint8Array.copyWithin': () => {
          for (let index = 0; index < COPIES; index++) {
            const from = index * length + shift;
            bytes.copyWithin(TARGET + index * length, from, from + length);
          }
        },
        'memmove through FFI': () => {
          for (let index = 0; index < COPIES; index++) {
            copyMemory(base + TARGET + index * length, base + index * length + shift, length);
          }
        },
      },
    });
  }
}
