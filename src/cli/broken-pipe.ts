// Output that nobody reads any more: `lunaring env | head -1` closes the pipe while there is more to say.
// What ends then, and what goes on, is for the programs to say.

import type { Writable } from 'node:stream';

/** Has `then` called once a write to `stream` finds that its reader has gone; throws what else goes wrong with it. */
export function whenUnread(stream: Writable, then: () => void): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    then();
  });
}
