// The body of a request: gathered up to a bound, and read as JSON.
// What has to be in it is the routes' business.

import { ApiError } from './http.ts';

/** As long as a body may be. */
export const BODY_BYTES_MAX = 1024 * 1024;
/** So much of a body that is too long is read and dropped, so that the peer hears why it is refused; beyond that it is cut off. */
export const DISCARDED_BYTES_MAX = 16 * 1024 * 1024;

/** A body that is coming in. */
export class BodyReader {
  readonly #bound: number;
  #chunks: Buffer[] | null = [];
  #held = 0;
  #received = 0;

  /** `wanted` false: nothing of it is kept. */
  constructor(wanted: boolean) {
    this.#bound = wanted ? BODY_BYTES_MAX : 0;
  }

  /** Bytes that are kept. */
  get held(): number {
    return this.#held;
  }

  /** Takes what has arrived; it is copied. `endless`: the peer does not stop. */
  take(chunk: ArrayBuffer | Uint8Array, isLast: boolean): 'more' | 'whole' | 'endless' {
    this.#received += chunk.byteLength;
    if (this.#received > this.#bound) {
      this.#chunks = null;
      this.#held = 0;
    } else if (chunk.byteLength > 0) {
      this.#chunks?.push(Buffer.from(new Uint8Array(chunk)));
      this.#held += chunk.byteLength;
    }
    if (isLast) return 'whole';
    return this.#received > DISCARDED_BYTES_MAX ? 'endless' : 'more';
  }

  /** The whole; null: it was too long. */
  get body(): Buffer | null {
    return this.#chunks === null ? null : Buffer.concat(this.#chunks);
  }
}

const isJson = (type: string): boolean => /^application\/json\s*(?:;|$)/i.test(type);

/** A body as the value that it stands for; undefined where there is none. Throws {@link ApiError}. */
export function parseBody(body: Buffer | null, contentType: string): unknown {
  if (body === null) {
    throw new ApiError(413, 'too-large', `a body may have ${BODY_BYTES_MAX} bytes; this one has more`);
  }
  if (body.length === 0) return undefined;
  if (!isJson(contentType)) {
    const given = contentType === '' ? 'none' : 'another';
    throw new ApiError(415, 'not-json', `a body is JSON, with Content-Type: application/json; ${given} was given`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    return JSON.parse(text);
  } catch {
    // Not what the parser says: it quotes the body, which may hold a secret.
    throw new ApiError(400, 'malformed', 'the body is no JSON text in UTF-8');
  }
}
