// What the io_uring engine writes into user_data, so that it knows each completion again.
// Low word: a socket's handle or a file operation's token. High word: the kind in the upper byte, a socket's generation below.

/** Which operation completed. */
export const Kind = {
  receive: 1,
  place: 2,
  send: 3,
  file: 4,
  wake: 5,
  tick: 6,
  cancel: 7,
  alarm: 8,
  poll: 9,
} as const;

/** Shift to the kind. */
export const KIND_SHIFT = 24;
/** The bits of a socket's generation. */
export const GENERATION_MASK = (1 << KIND_SHIFT) - 1;
