// Many peers in one thread: each connects, sends a few bytes, and leaves when the other side does.

import { connect } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

const { port, count, bytes } = workerData;
let open = count;
for (let index = 0; index < count; index++) {
  const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes));
  socket.on('error', () => {});
  socket.on('close', () => {
    if (--open === 0) parentPort.postMessage('all closed');
  });
  socket.resume();
}
