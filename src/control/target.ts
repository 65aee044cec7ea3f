// The running target on main: what `lunaring serve` starts, watches and stops.
// What is served is the catalog's, how it is served the workers'.

import type { Logger } from 'pino';
import { LunaringError } from '../base/error.ts';
import type { Settings } from '../config/settings.ts';

/** A portal that is listened on; `port` is the real one where 0 was configured. */
export interface RunningPortal {
  readonly address: string;
  readonly port: number;
  readonly tag: number;
}

/** A target that takes logins. */
export interface RunningTarget {
  readonly portals: readonly RunningPortal[];
  /** The engine in use, and why it was taken. */
  readonly engine: string;
  readonly engineReason: string;
  readonly workers: number;
  /** Drains: new logins are refused, sessions asked to log out, data synced. Resolves when every thread has ended. */
  stop(): Promise<void>;
  /** Resolves when the target can't go on; never otherwise. */
  readonly failed: Promise<Error>;
}

/** Starts serving. Throws ConfigurationError for what the settings say, LunaringError for what the machine does not allow. */
export async function startTarget(settings: Settings, log: Logger): Promise<RunningTarget> {
  log.debug({ portals: settings.portals.length }, 'starting');
  throw new LunaringError('LUNARING_INCOMPLETE', 'the data plane is not part of this build');
}
