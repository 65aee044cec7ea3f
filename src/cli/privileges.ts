// A target that is started as root, or with capabilities that it has no use for, gives them up before it serves.
// Which it keeps is kernel/capabilities.ts's.

import type { Logger } from 'pino';
import { dropCapabilities } from '../kernel/capabilities.ts';

/** Gives up what serving never needs. Where that can't be the log says so, and the target serves all the same. */
export function shedPrivileges(log: Logger): void {
  try {
    const dropped = dropCapabilities();
    if (dropped !== 0) log.info({ dropped }, 'gave up capabilities that a target does not need');
  } catch (error) {
    log.warn({ err: error }, 'keeps the capabilities that it was started with');
  }
}
