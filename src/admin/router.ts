// Which route a path leads to.
// Who may take it is gate.ts's business.

import type { Method, Route } from './route.ts';

/** Where a request leads: to a route, to a path that takes other methods, or nowhere. */
export type Destination =
  | { readonly kind: 'route'; readonly route: Route; readonly parameters: Readonly<Record<string, string>> }
  | { readonly kind: 'method'; readonly allowed: readonly Method[] }
  | { readonly kind: 'nowhere' };

interface Entry {
  readonly segments: readonly string[];
  readonly route: Route;
}

const segmentsOf = (path: string): string[] => path.split('/').slice(1);
const parameterOf = (segment: string): string | null => /^\{(\w+)\}$/.exec(segment)?.[1] ?? null;

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/** The parameters of a path that fits, or null. */
function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const parameters: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const given = decode(segments[index]!);
    const name = parameterOf(part);
    if (given === null || (name === null && given !== part) || (name !== null && given === '')) return null;
    if (name !== null) parameters[name] = given;
  }
  return parameters;
}

/** The routes by path. */
export class Router {
  readonly #entries: readonly Entry[];

  constructor(routes: readonly Route[]) {
    this.#entries = routes.map((route) => ({ segments: segmentsOf(route.path), route }));
  }

  /** `path` as it came, percent-encoded. */
  find(method: string, path: string): Destination {
    const segments = segmentsOf(path);
    const allowed: Method[] = [];
    for (const { segments: pattern, route } of this.#entries) {
      const parameters = match(pattern, segments);
      if (parameters === null) continue;
      if (route.method === method) return { kind: 'route', route, parameters };
      allowed.push(route.method);
    }
    return allowed.length === 0 ? { kind: 'nowhere' } : { kind: 'method', allowed };
  }
}
