// Every request's way: where it comes from, the token, the route, the body; then the route's function, and its errors as answers.
// What a route does is its own business, what travels on sockets uws.ts's.

import { ConfigurationError, type Finding, formatPath, LoadingError, summarize } from '../config/finding.ts';
import { findingsOf } from '../config/load.ts';
import { PartError, THE_BODY } from '../config/part.ts';
import { SavingError } from '../control/saving.ts';
import { StorageError } from '../control/storage.ts';
import { parseBody } from './body.ts';
import { type AdminContext, flagIn, saveServed, servedNow } from './context.ts';
import { type AdminRequest, type Answer, ApiError, type ApiFinding, errorAnswer, type SocketHandler } from './http.ts';
import { strangeOrigin } from './origin.ts';
import { type Call, changes, type Route } from './route.ts';
import { Router } from './router.ts';
import type { TokenGuard } from './token.ts';
import type { HttpHandler, Step } from './uws.ts';

/** What a gate is made of. */
export interface GateOptions {
  readonly routes: readonly Route[];
  /** By path. */
  readonly sockets: ReadonlyMap<string, SocketHandler>;
  /** Null: no token is asked for. */
  readonly guard: TokenGuard | null;
  readonly context: AdminContext;
}

/** Lets requests through to the routes. */
export class Gate implements HttpHandler {
  /** Why nothing is changed any more; empty while things are. */
  stopping = '';
  readonly #options: GateOptions;
  readonly #router: Router;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
  }

  begin(request: AdminRequest): Step {
    try {
      return this.#route(request);
    } catch (error) {
      return this.#failed(error, request);
    }
  }

  upgrade(request: AdminRequest): SocketHandler | Answer {
    const handler = this.#options.sockets.get(request.path);
    try {
      this.#judgeOrigin(request);
      this.#judgeToken(request);
      if (handler === undefined) throw new ApiError(404, 'unknown-path', 'there is no WebSocket at this path');
      return handler;
    } catch (error) {
      return this.#failed(error, request);
    }
  }

  #judgeOrigin(request: AdminRequest): void {
    const strange = strangeOrigin(request, this.#options.guard !== null);
    if (strange !== null) throw new ApiError(403, 'origin', strange);
  }

  #judgeToken(request: AdminRequest): void {
    const { guard } = this.#options;
    if (guard === null || guard.admits(request)) return;
    const headers = { 'WWW-Authenticate': 'Bearer' };
    throw new ApiError(401, 'token', 'Authorization: Bearer must carry the token of admin.tokenFile', { headers });
  }

  #route(request: AdminRequest): Step {
    this.#judgeOrigin(request);
    const found = this.#router.find(request.method, request.path);
    if (found.kind !== 'route' || found.route.open !== true) this.#judgeToken(request);
    if (found.kind === 'nowhere') {
      if (this.#options.sockets.has(request.path)) {
        throw new ApiError(426, 'upgrade', 'this path is a WebSocket', { headers: { Upgrade: 'websocket' } });
      }
      throw new ApiError(404, 'unknown-path', 'there is nothing at this path; /openapi.json lists what there is');
    }
    if (found.kind === 'method') {
      const Allow = found.allowed.join(', ');
      throw new ApiError(405, 'method', `this path takes ${Allow}`, { headers: { Allow } });
    }
    const { route, parameters } = found;
    const { query, headers } = request;
    if (changes(route) && this.stopping !== '') throw new ApiError(503, 'stopping', this.stopping);
    return async (bytes) => {
      try {
        const raw = parseBody(bytes, headers.get('content-type') ?? '');
        const call = { request, parameters, query, raw, body: judgeBody(route, raw) };
        const { context } = this.#options;
        if (!changes(route)) return await route.handle(call, context);
        return await context.changes.run(() => change(route, call, context));
      } catch (error) {
        return this.#failed(error, request);
      }
    };
  }

  #failed(error: unknown, { method, path }: AdminRequest): Answer {
    if (error instanceof ApiError) return errorAnswer(error);
    if (error instanceof LoadingError) return unusable(error.findings);
    if (error instanceof PartError || error instanceof ConfigurationError) return unusable(ofRequest(error.findings));
    if (error instanceof StorageError) {
      const { key, received, allowed, remedy } = error;
      return unusable([{ path: key, received, allowed, remedy }]);
    }
    if (error instanceof SavingError) return errorAnswer(new ApiError(409, 'not-saved', error.message));
    this.#options.context.log.error({ err: error, method, path }, 'a request to the admin interface failed');
    return errorAnswer(new ApiError(500, 'failed', 'this should not have happened; the log has more'));
  }
}

/** Makes a change, and with `save=true` has the file say it. What the file can't be made to say is found out before. */
async function change(route: Route, call: Call, context: AdminContext): Promise<Answer> {
  const saves = flagIn(call.query, 'save');
  if (saves) context.saving.check({ ...servedNow(context), ...route.intends?.(call, context) });
  const answer = await route.handle(call, context);
  if (saves) saveChange(context);
  return answer;
}

/** Nobody is to take the change for one that was not made. */
function saveChange(context: AdminContext): void {
  try {
    saveServed(context);
  } catch (cause) {
    const { message } = cause as Error;
    throw new SavingError(`the change was made and holds, but the file does not say it: ${message}`, { cause });
  }
}

/** Without who said it, which is who asks. */
function ofRequest(findings: readonly Finding[]): readonly ApiFinding[] {
  return findings.map(({ severity: _, origin: __, ...finding }) => finding);
}

function unusable(findings: readonly ApiFinding[]): Answer {
  const first = findings.find(({ severity = 'error' }) => severity === 'error');
  const message = first === undefined ? 'a value can’t be used' : summarize(first);
  return errorAnswer(new ApiError(422, 'unusable', message, { findings }));
}

/** The body as the route's schema gives it. Throws {@link PartError}. */
function judgeBody({ body }: Route, raw: unknown): unknown {
  if (body === undefined) return undefined;
  const parsed = body.safeParse(raw);
  if (parsed.success) return parsed.data;
  const findings = findingsOf(parsed.error, raw, () => THE_BODY);
  throw new PartError(
    findings.map((finding) => ({ ...finding, path: finding.path === formatPath([]) ? THE_BODY : finding.path })),
  );
}
