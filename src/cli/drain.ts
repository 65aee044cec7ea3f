// `lunaring drain`: has a running target refuse logins with 0301, before maintenance; sessions go on. With --off it takes them again.
// One target alone is sent elsewhere by `lunaring target redirect`, or taken offline.

import type { AdminOptions } from './admin-address.ts';
import { administer } from './administer.ts';
import { paragraph } from './table.ts';
import type { ExitCode, World } from './world.ts';

/** Options of the command. */
export interface DrainOptions extends AdminOptions {
  readonly off?: boolean;
  readonly reason?: string;
}

/** Runs the command. */
export function drain(options: DrainOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    if (options.off === true) {
      await admin.remove('/drain');
      return { data: { draining: '' }, text: 'logins are taken again' };
    }
    const { reason } = options;
    const data = await admin.put<{ readonly draining: string }>('/drain', {
      body: reason === undefined ? {} : { reason },
    });
    const hint = 'sessions go on (lunaring session list); lunaring drain --off takes logins again';
    return { data, text: paragraph(`logins are refused with 0301: ${data.draining}; ${hint}`) };
  });
}
