// Completion queue entries of io_uring: the layout, the flags in use, and who hears of them.
// What a completion means is the engine's business.

import { i32, layout, u32 } from '../base/layout.ts';

/** struct io_uring_cqe. user_data is two words to us: numbers of 64 bits are slow in JavaScript. */
export const Cqe = layout(
  16,
  {
    userLow: u32(0),
    userHigh: u32(4),
    result: i32(8),
    flags: u32(12),
  },
  'little',
);

/** IORING_CQE_F_*. */
export const CompletionFlag = {
  /** A provided buffer was used: its number is in the upper half. */
  BUFFER: 1 << 0,
  /** The socket has more to read. */
  SOCK_NONEMPTY: 1 << 2,
} as const;
/** Shift to the buffer's number. */
export const BUFFER_SHIFT = 16;

/** Hears of each completion: the two words of user_data as signed numbers, the result (negative: an errno), the flags. */
export interface CompletionHandler {
  /** A completion is there, and {@link complete} will be called with it. */
  preview(userLow: number, userHigh: number): void;
  complete(userLow: number, userHigh: number, result: number, flags: number): void;
}
