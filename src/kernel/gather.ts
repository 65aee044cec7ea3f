// Message headers and I/O vectors for gathered sends, written one after the other into memory that the kernel reads at submission.
// What is gathered, and when it is submitted, is the engine's business.

import { layout, reserved, u32, u64 } from '../base/layout.ts';
import { PageMemory } from './memory.ts';

/** struct msghdr, the 64-bit one. */
export const MessageHeader = layout(
  56,
  {
    name: u64(0),
    nameLength: u32(8),
    reserved12: reserved(12, 4),
    vectors: u64(16),
    vectorCount: u64(24),
    control: u64(32),
    controlLength: u64(40),
    flags: u32(48),
    reserved52: reserved(52, 4),
  },
  'little',
);

/** struct iovec. */
export const IoVector = layout(16, { address: u64(0), length: u64(8) }, 'little');

/** I/O vectors in one message: what the kernel would take is UIO_MAXIOV, 1024. */
export const VECTORS_MAX = 256;

/** Headers for each message of full length: shorter ones may be so many. */
const HEADERS_PER_LONGEST = 16;
/** Each header, and the vectors of each message, begin on a cache line of their own. */
const LINE_BYTES = 64;
const HIGH_WORD = 2 ** -32;
const VECTORS_WORD = MessageHeader.vectors.offset >> 2;
const VECTOR_COUNT_WORD = MessageHeader.vectorCount.offset >> 2;

/**
 * An arena of messages. The kernel copies a message when it takes the entry that points to it (IORING_FEAT_SUBMIT_STABLE),
 * so after each submission the arena starts over. Headers lie among themselves: but for their vectors they are 0, and stay so.
 */
export class Gather {
  readonly #memory: PageMemory;
  readonly #vectorsStart: number;
  readonly #end: number;
  /** Where the next header and the next vectors are. */
  #header = 0;
  #vectors: number;
  #count = 0;

  /** An arena for `messages` messages of {@link VECTORS_MAX} vectors, or more shorter ones. */
  constructor(messages: number) {
    this.#vectorsStart = messages * HEADERS_PER_LONGEST * LINE_BYTES;
    this.#vectors = this.#vectorsStart;
    this.#end = this.#vectorsStart + messages * VECTORS_MAX * IoVector.size;
    this.#memory = new PageMemory(this.#end);
  }

  /** Whether there is room for one more message. */
  get hasRoom(): boolean {
    return this.#header < this.#vectorsStart && this.#vectors + VECTORS_MAX * IoVector.size <= this.#end;
  }

  /** Vectors in the message under way. */
  get count(): number {
    return this.#count;
  }

  /** Begins a message. Ask {@link hasRoom} first. Allocates nothing. */
  begin(): void {
    this.#count = 0;
  }

  /** Adds bytes to the message: at most {@link VECTORS_MAX} times. Allocates nothing. */
  add(address: number, length: number): void {
    const words = this.#memory.words;
    const at = (this.#vectors + this.#count * IoVector.size) >> 2;
    words[at] = address;
    words[at + 1] = address * HIGH_WORD;
    words[at + 2] = length;
    words[at + 3] = 0;
    this.#count++;
  }

  /** Ends the message and answers its machine address. Allocates nothing. */
  finish(): number {
    const { words, address } = this.#memory;
    const message = address + this.#header;
    const vectors = address + this.#vectors;
    const word = this.#header >> 2;
    words[word + VECTORS_WORD] = vectors;
    words[word + VECTORS_WORD + 1] = vectors * HIGH_WORD;
    words[word + VECTOR_COUNT_WORD] = this.#count;
    this.#header += LINE_BYTES;
    this.#vectors += Math.ceil((this.#count * IoVector.size) / LINE_BYTES) * LINE_BYTES;
    return message;
  }

  /** All messages have been submitted. Allocates nothing. */
  reset(): void {
    this.#header = 0;
    this.#vectors = this.#vectorsStart;
  }
}
