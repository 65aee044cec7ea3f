// What the data under way on a connection belong to (RFC 7143 §11.2.4).
// Which file takes them then is connection.ts's to know.

/** The kinds; a candidate is a command that is received once its data are whole. */
export const PayloadKind = { none: 0, command: 1, dataOut: 2, control: 3, candidate: 4 } as const;
export type PayloadKind = (typeof PayloadKind)[keyof typeof PayloadKind];
