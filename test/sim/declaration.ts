// The MaxRecvDataSegmentLength of a simulated connection: declared at its login, and anew while READs are under way (RFC 7143 §13.12).
// Checks that nothing comes that is longer. What becomes of data that were sent under an older one is data-recovery.ts's.

import { opcodeName } from '../../src/pdu/opcode.ts';
import type { Pdu } from '../support/pdu-socket.ts';
import { Violation } from './clock.ts';

/** A Text Request that declares a length. */
export interface Declaring {
  readonly tag: number;
  readonly cmdSN: number;
  readonly length: number;
}

/** See the file's head. */
export class Declaration {
  /** What the target has been heard to know of. */
  inForce = 0;
  /** Grows with each one that is sent, and when it is heard to have taken effect: what was cut for the same version is short enough. */
  version = 0;
  /** The one that has yet to be answered, in the order of StatSN. */
  pending: Declaring | null = null;
  /** The answer to that one has come, perhaps before others that lack. */
  #heard = false;

  /** The target may know it or not. */
  get uncertain(): boolean {
    return this.pending !== null && !this.#heard;
  }

  declare(declaring: Declaring): void {
    this.pending = declaring;
    this.#heard = false;
    this.version++;
  }

  /** A Text Response has come: what is sent behind it obeys the declaration. */
  heard(tag: number): void {
    if (!this.uncertain || this.pending!.tag !== tag) return;
    this.#heard = true;
    this.inForce = this.pending!.length;
    this.version++;
  }

  /** The Text Response is due. False: nobody asked for it. */
  answered(tag: number): boolean {
    if (this.pending?.tag !== tag) return false;
    this.pending = null;
    return true;
  }

  /** Whether a PDU is longer than what was declared when it was sent. Either may hold while that is not known. */
  check({ opcode, data }: Pdu): void {
    const most = this.uncertain ? Math.max(this.inForce, this.pending!.length) : this.inForce;
    if (data.length <= most) return;
    throw new Violation(
      'a segment is no longer than MaxRecvDataSegmentLength',
      `${opcodeName(opcode)}: ${data.length}, beyond ${most}`,
    );
  }
}
