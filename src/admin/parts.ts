// What the interface consists of: every route, and every WebSocket by its path.
// Another part of it is added here.

import { configurationRoutes } from './configuration-routes.ts';
import { type AdminContext, BASE } from './context.ts';
import type { SocketHandler } from './http.ts';
import { descriptionRoute } from './openapi.ts';
import { pageRoutes } from './page-files.ts';
import type { Route } from './route.ts';
import { serviceRoutes } from './service-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { targetRoutes } from './target-routes.ts';
import { unitRoutes } from './unit-routes.ts';
import { watchRoutes } from './watch-routes.ts';

const PARTS: readonly Route[] = [
  ...serviceRoutes,
  ...targetRoutes,
  ...unitRoutes,
  ...sessionRoutes,
  ...configurationRoutes,
  ...watchRoutes,
  ...pageRoutes,
];

/** All routes, that of their description included. */
export const ROUTES: readonly Route[] = [...PARTS, descriptionRoute(PARTS)];

/** WebSockets, by path. */
export function socketsOf({ watch }: AdminContext): ReadonlyMap<string, SocketHandler> {
  return new Map([[`${BASE}/events`, watch.events]]);
}
