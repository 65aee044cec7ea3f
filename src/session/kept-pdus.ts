// The PDUs that one connection keeps, oldest first, linked through themselves.
// Which are kept, and how many bytes of them, is sent-pdus.ts's.

import type { SentPdu } from './sent-pdu.ts';

/** Intrusive: a PDU is kept once. A Set that is emptied from its front would look through all that was in it for what is the oldest now. */
export class KeptPdus {
  #oldest: SentPdu | null = null;
  #latest: SentPdu | null = null;

  get oldest(): SentPdu | null {
    return this.#oldest;
  }

  add(pdu: SentPdu): void {
    pdu.kept = true;
    pdu.previousKept = this.#latest;
    if (this.#latest === null) this.#oldest = pdu;
    else this.#latest.nextKept = pdu;
    this.#latest = pdu;
  }

  /** False: it is not kept. */
  delete(pdu: SentPdu): boolean {
    if (!pdu.kept) return false;
    if (pdu.previousKept === null) this.#oldest = pdu.nextKept;
    else pdu.previousKept.nextKept = pdu.nextKept;
    if (pdu.nextKept === null) this.#latest = pdu.previousKept;
    else pdu.nextKept.previousKept = pdu.previousKept;
    pdu.previousKept = null;
    pdu.nextKept = null;
    pdu.kept = false;
    return true;
  }
}
