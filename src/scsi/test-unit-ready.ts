// TEST UNIT READY (SPC-5): may commands reach the medium?
// The unit attention that it is mostly sent for has been reported before it runs.

import { type ColdCommand, NO_DATA } from './cold-command.ts';
import { checkReady } from './medium.ts';

export const testUnitReady: ColdCommand = {
  ...NO_DATA,
  name: 'TEST UNIT READY',
  run: (task, unit) => {
    checkReady(task, unit);
  },
};
