// What src/engine/engine.ts promises of a consumer that fails, held against every engine: whichever event throws, `run` rejects with it once
// everything is closed, so that the worker can be started anew.

import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { EngineEvents, SocketHandle } from '../../src/engine/engine.ts';
import { Scratch } from '../support/scratch.ts';
import { Bench, connectPeer, ENGINES, type PeerStep, pattern } from './harness.ts';

const SEND_BYTES = 256 * 1024;

/** Peers, so that when the fault comes there is a socket in every state. */
const PEERS: Readonly<Record<'quiet' | 'deaf' | 'half' | 'surplus' | 'lost', readonly PeerStep[]>> = {
  /** Nothing happens here. */
  quiet: [{ step: 'untilEnd' }],
  /** A send to it waits in the kernel. */
  deaf: [{ step: 'deaf' }, { step: 'wait', value: 150 }, { step: 'read' }, { step: 'untilEnd' }],
  /** Of what is to go straight into place it sends half. */
  half: [{ step: 'send', value: pattern(40_000) }, { step: 'untilEnd' }],
  /** It sends more than anybody takes. */
  surplus: [{ step: 'send', value: pattern(200_000) }, { step: 'untilEnd' }],
  /** It goes. */
  lost: [{ step: 'wait', value: 50 }, { step: 'reset' }],
};
type Peer = keyof typeof PEERS;

/** Which event throws, and what has to happen for it to come; all the others do what is usual. */
const FAULTS: Readonly<Record<Exclude<keyof EngineEvents, 'hungry'>, (bench: Bench, sockets: Sockets) => void>> = {
  received: () => {},
  receivedInto: ({ engine, on }, { surplus }) => {
    const { received } = on;
    on.received = (socket, at, length) => {
      if (socket !== surplus) return received(socket, at, length);
      engine.receiveInto(socket, 0, 1000);
      return length;
    };
  },
  released: () => {},
  ended: () => {},
  // Closed by itself, or by the consumer after the peer has gone: both ways lead here.
  closed: () => {},
  fileDone: ({ engine }) => engine.read(openFile, 0, 4096, 0, 1),
  woken: (bench) => bench.ring(),
  tick: () => {},
  alarmed: ({ engine }) => engine.alarm(1),
};
type Sockets = Readonly<Record<Peer, SocketHandle>>;

/** Of the case under way. */
let openFile = -1;

describe.each(ENGINES)('%s: a consumer that fails', (_name, make) => {
  it.each(Object.keys(FAULTS) as (keyof typeof FAULTS)[])('in %s has everything closed', async (event) => {
    const descriptors = readdirSync('/proc/self/fd').length;
    using scratch = new Scratch('engine');
    openFile = openSync(scratch.file('disk'), 'w+');
    const names = Object.keys(PEERS) as Peer[];
    const peers = await Promise.all(names.map((name) => connectPeer(PEERS[name])));
    const bench = new Bench(make);
    const { engine, on } = bench;
    const sockets = Object.fromEntries(names.map((name, index) => [name, engine.openSocket(peers[index]!.fd)]));
    const { quiet, deaf, half, surplus } = sockets as Sockets;
    const big = bench.slot(pattern(SEND_BYTES));
    const place = bench.slot(Buffer.alloc(SEND_BYTES));
    on.received = (socket, _at, length) => {
      if (socket === half) engine.receiveInto(socket, place.at, 60_000);
      return socket === surplus ? Math.min(10, length) : length;
    };
    on.closed = () => {};
    FAULTS[event](bench, sockets as Sockets);
    const fault = new Error(`a fault in ${event}`);
    Object.assign(on, {
      [event]: () => {
        throw fault;
      },
    });
    engine.send(quiet, big.address, 1000, 1);
    for (let token = 2; token < 100; token++) engine.send(deaf, big.address, SEND_BYTES, token);
    for (const socket of Object.values(sockets)) engine.resumeReceive(socket);
    await expect(async () => engine.run()).rejects.toThrow(fault);
    for (const { report } of peers) {
      const { ended, error } = await report;
      expect(ended || error !== null || peers.at(-1)!.report === report).toBe(true);
    }
    closeSync(openFile);
    bench.dispose();
    // The threads of the peers end when they get to it.
    await expect.poll(() => readdirSync('/proc/self/fd').length, { timeout: 20_000 }).toBeLessThanOrEqual(descriptors);
  });
});
