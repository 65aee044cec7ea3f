// PRE-FETCH(10) and (16) (SBC-4): advice that blocks will be read soon.
// The kernel below reads ahead by itself, so the advice is checked and not taken: GOOD, and not CONDITION MET, says just that.

import { type ColdCommand, NO_DATA } from './cold-command.ts';
import { checkRange, checkReady, decodeBlocks } from './medium.ts';

export const prefetch: ColdCommand = {
  ...NO_DATA,
  name: 'PRE-FETCH',
  run: (task, unit) => {
    decodeBlocks(task);
    if (checkReady(task, unit)) checkRange(task, unit, task.lba, task.blockCount);
  },
};
