// A TCP connection that takes bytes and gives back whole PDUs, with or without digests.
// Knows where a PDU ends, not what it means: that is raw-initiator.ts.

import { connect, type Socket } from 'node:net';
import { BHS_SIZE, Bhs, DIGEST_SIZE, padded } from '../../src/pdu/bhs.ts';
import { crc32c } from '../../src/pdu/digest.ts';
import { OPCODE_MASK } from '../../src/pdu/opcode.ts';
import { describeHeader, viewOf } from './header-values.ts';

/** A PDU as it came. */
export interface Pdu {
  /** Without the immediate bit. */
  readonly opcode: number;
  readonly header: Buffer;
  /** Without padding. */
  readonly data: Buffer;
}

/** How long a reply may take before a test gives up. Generous: it is reached only by a test that fails. */
export const REPLY_LIMIT_MS = 30_000;

const AHS_WORD = 4;

/** A connection to a target. */
export class PduSocket {
  /** Whether PDUs carry digests, both ways: set by the login once they are agreed on. */
  headerDigest = false;
  dataDigest = false;
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  /** What came behind it, put together only when somebody asks: nobody may ask for a long time, while megabytes come. */
  #chunks: Buffer[] = [];
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    // A reset ends a connection as a FIN does; tests that care look at what came before.
    socket.on('error', () => undefined);
    const closed = () => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('end', closed);
    socket.on('close', closed);
  }

  /** Connects to a target. */
  static open(port: number, host = '127.0.0.1'): Promise<PduSocket> {
    return new Promise((resolve, reject) => {
      // Half-open, so that what was received before a FIN can still be answered.
      const socket = connect({ port, host, allowHalfOpen: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new PduSocket(socket));
      });
    });
  }

  /** Whether the target has closed the connection; PDUs from before may still be there. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next PDU, or null when the target closed the connection. Throws when neither comes in time, or a digest is wrong. */
  async receive(limitMs = REPLY_LIMIT_MS): Promise<Pdu | null> {
    const deadline = performance.now() + limitMs;
    for (let late = false; ; ) {
      const pdu = this.#takePdu();
      if (pdu !== null) return pdu;
      if (this.#closed) return null;
      if (late) throw new Error(`no PDU within ${limitMs} ms; ${this.#received.length} bytes of one are there`);
      late = !(await this.#moreBefore(deadline));
      // It may be this process that was kept waiting: what has come meanwhile is read before anything is said to be missing.
      if (late) await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
  }

  /** No more bytes are taken from the kernel until {@link resume}: the target sees a full window. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Sends a FIN; replies can still be received. */
  end(): void {
    this.#socket.end();
  }

  /** Lets the connection go without a reset. */
  close(): void {
    this.#socket.destroy();
  }

  /** Sends a RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Waits for bytes or the end; false when the deadline came first. */
  #moreBefore(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, deadline - performance.now()));
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve(true);
      };
    });
  }

  #takePdu(): Pdu | null {
    if (this.#chunks.length > 0) this.#received = Buffer.concat([this.#received, ...this.#chunks.splice(0)]);
    const bytes = this.#received;
    if (bytes.length < BHS_SIZE) return null;
    const view = viewOf(bytes);
    const headerEnd = BHS_SIZE + Bhs.totalAHSLength.get(view, 0) * AHS_WORD;
    const dataStart = headerEnd + (this.headerDigest ? DIGEST_SIZE : 0);
    const length = Bhs.dataSegmentLength.get(view, 0);
    const dataEnd = dataStart + padded(length);
    const end = dataEnd + (this.dataDigest && length > 0 ? DIGEST_SIZE : 0);
    if (bytes.length < end) return null;
    const opcode = Bhs.opcode.get(view, 0) & OPCODE_MASK;
    if (this.headerDigest) this.#checkDigest(bytes, 0, headerEnd, opcode);
    if (end > dataEnd) this.#checkDigest(bytes, dataStart, dataEnd, opcode);
    this.#received = bytes.subarray(end);
    return { opcode, header: bytes.subarray(0, BHS_SIZE), data: bytes.subarray(dataStart, dataStart + length) };
  }

  /** The digest stands right behind what it covers. */
  #checkDigest(bytes: Buffer, start: number, end: number, opcode: number): void {
    const computed = crc32c(bytes, start, end - start);
    const sent = bytes.readUInt32LE(end);
    if (computed === sent) return;
    const what = start === 0 ? 'header' : 'data';
    throw new Error(`wrong ${what} digest 0x${sent.toString(16)} in ${describeHeader(bytes, opcode)}`);
  }
}
