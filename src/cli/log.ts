// The log: lines of JSON for machines, or readable ones on a terminal, on standard error. Standard output is for what was asked for.
// What is logged is everyone's own business.

import { writeSync } from 'node:fs';
import pino, { type DestinationStream, type Logger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogSettings } from '../config/settings.ts';

const STANDARD_ERROR = 2;

/** How long a reader that is behind is waited for, and how often it is tried meanwhile. */
const PATIENCE_MS = 1000;
const PAUSE_MS = 10;

const NEWLINE = 0x0a;

/** Stops this thread: nothing else of it happens meanwhile. */
function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Lines for a descriptor, written at once: those before an end that nobody planned are the ones that matter. What can't be written, on a
 * full disk or to a reader that has gone, is lost; nothing is kept for later, and the next line is tried again.
 */
class LogLines implements DestinationStream {
  readonly #descriptor: number;
  /** The last line arrived whole. */
  #heard = true;
  /** Of a line only the beginning was written. */
  #torn = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Throws nothing. */
  write(line: string): void {
    // Whoever reads lines then loses one, and not the next as well.
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    let offset = 0;
    try {
      while (offset < bytes.length) offset += this.#write(bytes.subarray(offset));
    } catch {
      // There is nowhere left to say so.
    }
    this.#heard = offset === bytes.length;
    if (offset > 0) this.#torn = bytes[offset - 1] !== NEWLINE;
  }

  /** Answers how many bytes were written, 1 or more. A full pipe is waited for, unless its reader did not make room for the last line either. */
  #write(bytes: Buffer): number {
    for (let waitedMs = 0; ; waitedMs += PAUSE_MS) {
      try {
        return writeSync(this.#descriptor, bytes);
      } catch (error) {
        const full = (error as NodeJS.ErrnoException).code === 'EAGAIN';
        if (!full || !this.#heard || waitedMs >= PATIENCE_MS) throw error;
        pause(PAUSE_MS);
      }
    }
  }
}

/** Who reads the log. */
export interface LogReader {
  /** A person. */
  readonly terminal: boolean;
  readonly colour: boolean;
}

/** Who reads what is written to `stream`: on a terminal a person, who wants colours unless NO_COLOR says anything (no-color.org). */
export function readerOf(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): LogReader {
  const terminal = stream.isTTY === true;
  return { terminal, colour: terminal && (environment['NO_COLOR'] ?? '') === '' };
}

/** Makes the logger. A log that can't be written to `descriptor` loses lines, and is no error. */
export function createLogger(
  settings: LogSettings,
  { terminal, colour }: LogReader,
  descriptor = STANDARD_ERROR,
): Logger {
  const options = { level: settings.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const lines = new LogLines(descriptor);
  if (settings.format === 'json' || (settings.format === 'auto' && !terminal)) return pino(options, lines);
  const prettify = prettyFactory({ colorize: colour, translateTime: 'SYS:HH:MM:ss.l' });
  return pino(options, { write: (line) => lines.write(prettify(line)) });
}
