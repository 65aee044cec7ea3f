// The other end of a connection, in a thread of its own: an engine under test may block the thread that it runs on.
// Plays the steps it is given and reports every byte that it read. Plain JavaScript, because threads are started from files as they are.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { port, steps } = workerData;
const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
const chunks = [];
let received = 0;
let ended = false;
let error = null;
let changed = () => {};
const announce = () => changed();

socket.on('data', (chunk) => {
  chunks.push(chunk);
  received += chunk.length;
  announce();
});
socket.on('end', () => {
  ended = true;
  announce();
});
socket.on('error', (failure) => {
  error = failure.code;
  announce();
});
socket.on('close', announce);

async function until(condition) {
  while (!condition() && !socket.destroyed) await new Promise((resolve) => (changed = resolve));
}

const play = {
  /** Sends bytes: given ones, or so many of a pattern. */
  send: (bytes) => new Promise((resolve) => socket.write(bytes, resolve)),
  /** Goes on when so many bytes in all have come in. */
  receive: (total) => until(() => received >= total),
  /** Goes on when the other side has closed. */
  untilEnd: () => until(() => ended),
  wait: (ms) => sleep(ms),
  /** Reads nothing from here on, until `read`. */
  deaf: () => socket.pause(),
  read: () => socket.resume(),
  end: () => socket.end(),
  reset: () => socket.resetAndDestroy(),
};

await new Promise((resolve) => socket.once('connect', resolve));
for (const { step, value } of steps) await play[step](value);
socket.destroy();
parentPort.postMessage({ received: Buffer.concat(chunks), ended, error });
