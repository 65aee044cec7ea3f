// Requests for tests of what judges them.

import type { AdminRequest } from '../../src/admin/http.ts';

/** A request with these headers and nothing remarkable about it. */
export function requestWith(
  headers: Readonly<Record<string, string>>,
  url = '/api/v1/status',
  method = 'GET',
): AdminRequest {
  const [path = '', query] = url.split('?', 2);
  return { method, path, query: new URLSearchParams(query), headers: new Map(Object.entries(headers)) };
}
