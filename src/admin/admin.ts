// The admin interface of a running target: put together, started, ended. Where it can't be had, the target serves without it.
// What it answers is the parts' business.

import { hostPort } from '../base/host-port.ts';
import type { AdminSettings } from '../config/settings.ts';
import type { AdminContext } from './context.ts';
import { Gate } from './gate.ts';
import { ROUTES, socketsOf } from './parts.ts';
import { TokenGuard } from './token.ts';
import { HttpServer } from './uws.ts';
import { Watch } from './watch.ts';

/** An admin interface that answers. */
export interface Admin {
  /** `http://127.0.0.1:9260`. */
  readonly url: string;
  /** From now on it only tells, and changes nothing. */
  stopping(reason: string): void;
  close(): void;
}

/** What the interface is given; what it watches is its own. */
export type AdminOptions = Omit<AdminContext, 'watch'>;

function urlOf(address: string, port: number): string {
  return `http://${hostPort(address, port)}`;
}

async function start({ address, port, tokenFile }: AdminSettings, options: AdminOptions): Promise<Admin> {
  const guard = tokenFile === undefined ? null : TokenGuard.read(tokenFile);
  const watch = new Watch(options.running);
  const context = { ...options, watch };
  const gate = new Gate({ routes: ROUTES, sockets: socketsOf(context), guard, context });
  try {
    const server = new HttpServer(gate);
    await server.listen(address, port);
    const url = urlOf(address, server.port);
    context.log.info({ url, native: server.native, token: guard !== null }, 'the admin interface listens');
    return {
      url,
      stopping: (reason) => {
        gate.stopping = reason;
      },
      close: () => {
        watch.close();
        server.close();
      },
    };
  } catch (error) {
    watch.close();
    throw error;
  }
}

/** Starts it; null where it is switched off, or can't be had: then the log says why, and what helps. */
export async function startAdmin(options: AdminOptions): Promise<Admin | null> {
  const { admin } = options.settings;
  if (admin === false) return null;
  try {
    return await start(admin, options);
  } catch (error) {
    const cure = 'free the port or set another one (LUNARING_ADMIN=address:port, or off), and start again';
    const { message } = error as Error;
    options.log.error(
      { err: error },
      `no admin interface: ${message}. The target serves without it; to have it, ${cure}`,
    );
    return null;
  }
}
