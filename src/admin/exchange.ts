// One request and its answer, as uWebSockets.js sends it.
// What is asked and answered is uws.ts's and its handler's.

import type { HttpResponse } from 'uWebSockets.js';
import { type Answer, HALLMARK, statusLine } from './http.ts';

/** One request and its answer, on a connection that may go away at any moment. */
export class Exchange {
  readonly #res: HttpResponse;
  readonly #native: boolean;
  readonly #headed: boolean;
  readonly #hold: (bytes: number) => void;
  #held = 0;
  #over = false;

  /** `headed`: the headers alone were asked for. `hold`: so many bytes more, or fewer, are kept for it. */
  constructor(res: HttpResponse, native: boolean, headed: boolean, hold: (bytes: number) => void) {
    this.#res = res;
    this.#native = native;
    this.#headed = headed;
    this.#hold = hold;
    res.onAborted(() => this.#finish());
  }

  hold(bytes: number): void {
    if (this.#over) return;
    this.#held += bytes;
    this.#hold(bytes);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#hold(-this.#held);
  }

  abandon(): void {
    if (!this.#over) this.#res.close();
  }

  answer({ status, type, body, headers = {} }: Answer): void {
    if (this.#over) return;
    const res = this.#res;
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    res.cork(() => {
      res.writeStatus(statusLine(status)).writeHeader(HALLMARK, 'v1');
      if (type !== '') res.writeHeader('Content-Type', type);
      // What is shown is of now, and is taken for nothing else than it says.
      res.writeHeader('Cache-Control', 'no-store').writeHeader('X-Content-Type-Options', 'nosniff');
      res.writeHeader('X-Frame-Options', 'DENY');
      for (const [name, value] of Object.entries(headers)) res.writeHeader(name, value);
      this.#send(bytes, status);
    });
  }

  /** The length is that of the body that GET is answered with (RFC 9110 §8.6). */
  #sendNothing(length: number): void {
    // Not told to endWithoutBody: with a length the native server takes the answer for unfinished, and ends the connection at the next request.
    const res = this.#res.writeHeader('Content-Length', String(length));
    if (this.#native) res.endWithoutBody();
    else res.end();
    this.#finish();
  }

  /** The native server is given what the peer takes, so that what it does not is counted. */
  #send(bytes: Buffer, status: number): void {
    const res = this.#res;
    if (this.#headed) {
      this.#sendNothing(bytes.length);
      return;
    }
    if (!this.#native || bytes.length === 0) {
      const NO_CONTENT = 204;
      if (this.#native && status === NO_CONTENT) res.endWithoutBody();
      else res.end(bytes);
      this.#finish();
      return;
    }
    const start = res.getWriteOffset();
    const [, done] = res.tryEnd(bytes, bytes.length);
    if (done) {
      this.#finish();
      return;
    }
    this.hold(bytes.length);
    res.onWritable((offset) => {
      const [fine, finished] = res.tryEnd(bytes.subarray(offset - start), bytes.length);
      if (finished) this.#finish();
      return fine;
    });
  }
}
