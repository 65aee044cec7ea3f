// The log: lines of JSON for machines, or readable ones on a terminal, on standard error. Standard output is for what was asked for.
// What is logged is everyone's own business.

import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';
import type { LogSettings } from '../config/settings.ts';

const STANDARD_ERROR = 2;

/** Makes the logger. `terminal`: whether a person is reading. */
export function createLogger(settings: LogSettings, terminal: boolean): Logger {
  const options = { level: settings.level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // Written at once: the lines before an end that nobody planned are the ones that matter.
  if (settings.format === 'json' || (settings.format === 'auto' && !terminal)) {
    return pino(options, pino.destination({ fd: STANDARD_ERROR, sync: true }));
  }
  const stream = pretty({
    destination: STANDARD_ERROR,
    sync: true,
    colorize: terminal,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return pino(options, stream);
}
