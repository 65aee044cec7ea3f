// Signals that come while the program is still being loaded, from this import on. The first process of a namespace, which a container's is, gets
// only those that it handles (pid_namespaces(7)); a target is not to end by a SIGHUP. Later on they are those of the command that runs.

import { constants } from 'node:os';
import { SIGNALLED } from './world.ts';

if (process.pid === 1) {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(SIGNALLED + constants.signals[signal]);
    });
  }
}

const [, , command = ''] = process.argv;
// Without a command it serves. The configuration is read after this: there is nothing else to be done.
if (command === 'serve' || command === '' || command.startsWith('-')) process.on('SIGHUP', () => {});
