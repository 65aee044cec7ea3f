// Requests for tests of what judges them.

import type { AdminRequest } from '../../src/admin/http.ts';

/** A request with these headers and nothing remarkable about it. */
export function requestWith(
  headers: Readonly<Record<string, string>>,
  path = '/api/v1/status',
  method = 'GET',
): AdminRequest {
  return { method, path, query: new URLSearchParams(), headers: new Map(Object.entries(headers)) };
}
