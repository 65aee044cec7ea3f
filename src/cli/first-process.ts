// The first process of a namespace, as a container's is, gets no signal that it does not handle (pid_namespaces(7)): here it ends by those that
// would end any other. Importing this does so, before there is anything that takes its time; a command that handles them itself has its way.

import { constants } from 'node:os';
import { SIGNALLED } from './world.ts';

if (process.pid === 1) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(SIGNALLED + constants.signals[signal]);
    });
  }
}
