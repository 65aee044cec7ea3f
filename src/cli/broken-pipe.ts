// Output that can't be written: nobody reads it any more, as when `lunaring env | head -1` closes the pipe while there is more to say, or a disk is full.
// What ends then, and what goes on, is for the programs to say.

import type { Writable } from 'node:stream';

type Fault = NodeJS.ErrnoException;

function raise(fault: Fault): never {
  throw fault;
}

/** Calls `then` when a write to `stream` finds that its reader has gone, and `otherwise` with any other fault of the stream; left out, such a fault is thrown. */
export function whenUnread(stream: Writable, then: () => void, otherwise: (fault: Fault) => void = raise): void {
  stream.on('error', (fault: Fault) => (fault.code === 'EPIPE' ? then() : otherwise(fault)));
}

/** Resolves when all that was written to `stream` has left the process, or could not and {@link whenUnread} has been told. */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    // The callback of a write that failed comes before the event.
    stream.write('', () => setImmediate(resolve));
  });
}
