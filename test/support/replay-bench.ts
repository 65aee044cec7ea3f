// READ and WRITE commands replayed against the real session, SCSI and backend code as fast as it takes them: for counting what a command
// allocates, and for measuring what it costs. Nothing is looked at on the way out but how much it is.

import type { Address, SocketHandle } from '../../src/engine/engine.ts';
import { NO_RELEASE } from '../../src/engine/engine.ts';
import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { ScsiCommand } from '../../src/pdu/scsi-command.ts';
import { read10, write10 } from './cdbs.ts';
import { type BenchOptions, BLOCK_BYTES, SessionBench, type SimLogin } from './session-bench.ts';
import { SimEngine } from './sim-engine.ts';

/** Bytes that a command moves. */
export const REPLAY_BYTES = 4096;
const BLOCKS = REPLAY_BYTES / BLOCK_BYTES;

/** Sends are counted and their memory comes back at the end of the turn, as from a socket that has room. */
class ReplayEngine extends SimEngine {
  sends = 0;
  sentBytes = 0;
  readonly #tokens = new Int32Array(4096);
  #count = 0;
  #replaying = false;

  /** From now on. */
  replay(): void {
    this.#replaying = true;
  }

  override send(socket: SocketHandle, address: Address, length: number, token: number): void {
    if (!this.#replaying) {
      super.send(socket, address, length, token);
      return;
    }
    this.sends++;
    this.sentBytes += length;
    if (token !== NO_RELEASE) this.#tokens[this.#count++] = token;
  }

  /** The end of a turn. */
  release(socket: SocketHandle): void {
    const count = this.#count;
    this.#count = 0;
    for (let index = 0; index < count; index++) this.events.released(socket, this.#tokens[index]!);
  }
}

/** One session of one connection, and the bytes of a turn's commands. Their headers change from turn to turn, so they carry no digest. */
export class ReplayBench {
  readonly bench: SessionBench;
  readonly #engine: ReplayEngine;
  readonly #socket: SocketHandle;
  /** Where the commands lie: the receive area. */
  readonly #at: number;
  readonly #length: number;
  readonly #stride: number;
  readonly #count: number;
  #cmdSN = 1;

  /** `count` commands a turn of READ or WRITE(10), at `lun`. */
  constructor(
    direction: 'read' | 'write',
    lun: number,
    count: number,
    login: SimLogin = {},
    options: BenchOptions = {},
  ) {
    const engine = new ReplayEngine({ receiveBytes: 1024 * 1024, ...options });
    this.#engine = engine;
    this.bench = new SessionBench({ ...options, engine });
    const initiator = this.bench.logIn({ queueDepth: 2 * count, ...login });
    this.#socket = initiator.socket;
    this.#at = engine.slab.receiveStart;
    this.#count = count;
    const data = direction === 'write' ? Buffer.alloc(REPLAY_BYTES, 0x5a) : undefined;
    let end = this.#at;
    for (let index = 0; index < count; index++) {
      const lba = index * BLOCKS;
      const bytes =
        data === undefined
          ? initiator.encodeCommand(read10(lba, BLOCKS), { lun, read: REPLAY_BYTES })
          : initiator.encodeCommand(write10(lba, BLOCKS), { lun, write: REPLAY_BYTES, data });
      engine.slab.bytes.set(bytes, end);
      end += bytes.length;
    }
    this.#length = end - this.#at;
    this.#stride = this.#length / count;
    if (this.#stride < BHS_SIZE) throw new Error('a command is no shorter than its header');
    engine.replay();
  }

  /** Sends so far. */
  get sends(): number {
    return this.#engine.sends;
  }

  get sentBytes(): number {
    return this.#engine.sentBytes;
  }

  /** One turn: all commands come in, and what they send is taken. */
  turn(): void {
    const { view } = this.#engine.slab;
    for (let index = 0, at = this.#at; index < this.#count; index++, at += this.#stride) {
      ScsiCommand.cmdSN.set(view, at, this.#cmdSN);
      this.#cmdSN = (this.#cmdSN + 1) >>> 0;
    }
    const sendsBefore = this.#engine.sends;
    const taken = this.#engine.events.received(this.#socket, this.#at, this.#length);
    if (taken !== this.#length) throw new Error(`${taken} bytes of ${this.#length} taken`);
    if (this.#engine.sends < sendsBefore + this.#count) throw new Error('a command was not answered');
    this.#engine.release(this.#socket);
  }
}
