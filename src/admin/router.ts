// Which route a path leads to.
// Who may take it is gate.ts's business.

import type { Route } from './route.ts';

/** Where a request leads: to a route, to a path that takes other methods, or nowhere. */
export type Destination =
  | { readonly kind: 'route'; readonly route: Route; readonly parameters: Readonly<Record<string, string>> }
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
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

  /** `path` as it came, percent-encoded. HEAD leads to where GET does (RFC 9110 §9.3.2): the answer loses its body on its way out. */
  find(method: string, path: string): Destination {
    const segments = segmentsOf(path);
    const meant = method === 'HEAD' ? 'GET' : method;
    const allowed: string[] = [];
    for (const { segments: pattern, route } of this.#entries) {
      const parameters = match(pattern, segments);
      if (parameters === null) continue;
      if (route.method === meant) return { kind: 'route', route, parameters };
      allowed.push(...(route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]));
    }
    return allowed.length === 0 ? { kind: 'nowhere' } : { kind: 'method', allowed };
  }
}
