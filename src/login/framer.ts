// Cuts the bytes of a connection that main still owns into PDUs, however they were split on their way. No digests: login has none.
// What a PDU means is judged by login-machine.ts and discovery-session.ts.

import { BHS_SIZE, Bhs, padded } from '../pdu/bhs.ts';
import { OPCODE_MASK, Opcode } from '../pdu/opcode.ts';
import { LOGIN_SEGMENT_BYTES_MAX } from './login-header.ts';

/**
 * Bytes held at most: one read of a socket (64 KiB in Node) behind an unfinished PDU. Who sends more without waiting for answers is
 * cut off.
 */
export const HELD_BYTES_MAX = 128 * 1024;

/** What a framer reads. */
export interface FramerOptions {
  /** Only Login Requests are read whole; any other PDU is delivered by its header alone, and is the last. */
  readonly loginOnly: boolean;
}

/** Puts PDUs together. */
export class LoginFramer {
  readonly #options: FramerOptions;
  #held: Uint8Array = new Uint8Array(0);
  #spent = false;

  constructor(options: FramerOptions = { loginOnly: true }) {
    this.#options = options;
  }

  /** Takes bytes as they come. False: more are held than anybody has reason to send; close the connection. */
  push(bytes: Uint8Array): boolean {
    if (this.#spent) return true;
    if (this.#held.length + bytes.length > HELD_BYTES_MAX) return false;
    this.#held = this.#held.length === 0 ? bytes.slice() : Buffer.concat([this.#held, bytes]);
    return true;
  }

  /**
   * The next PDU, or null while it is not complete: header, additional segments, data without padding. A PDU that will not be served
   * (a login has no additional segments), or whose data segment is longer than 8192 bytes, is its header alone; none comes after it.
   */
  next(): Uint8Array | null {
    const held = this.#held;
    if (this.#spent || held.length < BHS_SIZE) return null;
    const view = new DataView(held.buffer, held.byteOffset, held.byteLength);
    const segment = Bhs.dataSegmentLength.get(view, 0);
    const additional = Bhs.totalAHSLength.get(view, 0) * 4;
    const isLogin = (Bhs.opcode.get(view, 0) & OPCODE_MASK) === Opcode.LOGIN_REQUEST && additional === 0;
    if (segment > LOGIN_SEGMENT_BYTES_MAX || (this.#options.loginOnly && !isLogin)) {
      this.#spent = true;
      this.#held = new Uint8Array(0);
      return held.slice(0, BHS_SIZE);
    }
    const data = BHS_SIZE + additional;
    const end = data + padded(segment);
    if (held.length < end) return null;
    this.#held = held.subarray(end);
    return held.subarray(0, data + segment);
  }

  /** What has come behind the PDUs taken so far; it is the caller's from now on. */
  takeRest(): Uint8Array {
    const rest = this.#held;
    this.#held = new Uint8Array(0);
    return rest;
  }
}
