// What the interface consists of: every route, and every WebSocket by its path.
// Another part of it is added here.

import { configurationRoutes } from './configuration-routes.ts';
import type { AdminContext } from './context.ts';
import type { SocketHandler } from './http.ts';
import { descriptionRoute } from './openapi.ts';
import type { Route } from './route.ts';
import { serviceRoutes } from './service-routes.ts';
import { sessionRoutes } from './session-routes.ts';
import { targetRoutes } from './target-routes.ts';
import { unitRoutes } from './unit-routes.ts';

const PARTS: readonly Route[] = [
  ...serviceRoutes,
  ...targetRoutes,
  ...unitRoutes,
  ...sessionRoutes,
  ...configurationRoutes,
];

/** All routes, that of their description included. */
export const ROUTES: readonly Route[] = [...PARTS, descriptionRoute(PARTS)];

/** Something that runs as long as the interface does. */
export interface SocketPart extends SocketHandler {
  readonly path: string;
  close(): void;
}

/** Starts what serves WebSockets. */
export const SOCKET_PARTS: readonly ((context: AdminContext) => SocketPart)[] = [];
