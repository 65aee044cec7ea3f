// The family of errors that cold code throws for the world's faults: each has a code to switch on and a cause to print.
// Our own faults are assertions (assert.ts), the peer's are values; neither comes through here.

/** Something outside this program does not work: a file, a socket, the kernel, the configuration. */
export class LunaringError extends Error {
  /** Stable, upper case, `LUNARING_…`: for scripts and tests. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}
