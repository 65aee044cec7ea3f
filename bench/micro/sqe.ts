// Filling a submission queue entry of io_uring: word by word, as src/kernel/sqe.ts does, and through the layout's accessors.

import { Operation, Sqe, writeEntry } from '../../src/kernel/sqe.ts';
import { runMicro } from '../micro-table.ts';

const ENTRIES = 1024;
const memory = new ArrayBuffer(ENTRIES * Sqe.size);
const words = new Int32Array(memory);
const view = new DataView(memory);
const ADDRESS = 0x7f12_3456_7000;
const FD = 20;
const LENGTH = 4096;
const KIND = 4 << 24;

await runMicro({
  title: 'one submission queue entry',
  operations: ENTRIES,
  variants: {
    'words of an Int32Array': () => {
      for (let index = 0; index < ENTRIES; index++) {
        const shift = index * LENGTH;
        writeEntry(words, index, Operation.READ, FD, shift * 2 ** 20, ADDRESS + shift, LENGTH, 0, 0, index, KIND);
      }
    },
    'layout accessors': () => {
      for (let index = 0; index < ENTRIES; index++) {
        const at = index * Sqe.size;
        const shift = index * LENGTH;
        Sqe.opcode.set(view, at, Operation.READ);
        Sqe.flags.set(view, at, 0);
        Sqe.ioprio.set(view, at, 0);
        Sqe.fd.set(view, at, FD);
        Sqe.offset.set(view, at, shift * 2 ** 20);
        Sqe.address.set(view, at, ADDRESS + shift);
        Sqe.length.set(view, at, LENGTH);
        Sqe.operationFlags.set(view, at, 0);
        Sqe.userLow.set(view, at, index);
        Sqe.userHigh.set(view, at, KIND);
        Sqe.buffer.set(view, at, 0);
        Sqe.personality.set(view, at, 0);
        Sqe.fileIndex.set(view, at, 0);
        Sqe.address3.set(view, at, 0);
      }
    },
  },
});
