// Assertions for our own faults. They stay on in production: a broken invariant must end a connection, never answer GOOD.
// The peer's faults are values (session/faults.ts, pdu/login-status.ts), the world's are errnos; neither comes through here.

/** An invariant of ours does not hold. Ends the connection or the worker that finds it. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
  readonly code = 'LUNARING_ASSERTION';
}

/** Throws {@link AssertionFailure} unless `condition` holds. Pass a constant message: building one costs on every call. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}
