// The first process of a namespace, which a container's is, gets only the signals that it handles (pid_namespaces(7)). This handles those that
// would end any other process, as soon as it is imported and before anything slow is; it stands back for a command that handles them itself.

import { constants } from 'node:os';
import { SIGNALLED } from './world.ts';

if (process.pid === 1) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(SIGNALLED + constants.signals[signal]);
    });
  }
}
