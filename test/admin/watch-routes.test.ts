// Metrics in the format that is asked for, and a history that is as it is described.

import { expect, it } from 'vitest';
import { z } from 'zod';
import type { AdminContext } from '../../src/admin/context.ts';
import type { Answer } from '../../src/admin/http.ts';
import type { Call } from '../../src/admin/route.ts';
import { Watch } from '../../src/admin/watch.ts';
import { watchRoutes } from '../../src/admin/watch-routes.ts';
import { WatchedTarget } from '../support/watched-target.ts';

async function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const running = new WatchedTarget();
  const watch = new Watch(running);
  const route = watchRoutes.find((each) => each.path === path)!;
  const request = { method: 'GET', path, query: new URLSearchParams(), headers: new Map(Object.entries(headers)) };
  const context = { running, watch, version: '1.2.3', startedAt: new Date() } as unknown as AdminContext;
  try {
    return await route.handle({ request } as unknown as Call, context);
  } finally {
    watch.close();
  }
}

it.each([
  [{}, 'application/openmetrics-text; version=1.0.0; charset=utf-8', true],
  [{ accept: 'text/plain' }, 'text/plain; version=0.0.4; charset=utf-8', false],
])('metrics come in the format that is asked for: %j', async (headers, type, ends) => {
  const answer = await ask('/metrics', headers);
  expect([answer.status, answer.type]).toEqual([200, type]);
  expect(answer.body).toMatch(/^lunaring_build_info\{version="1.2.3",engine="uring"\} 1$/m);
  expect(answer.body.toString().endsWith('# EOF\n')).toBe(ends);
});

it('the history is as it is described', async () => {
  const { body } = await ask('/api/v1/history');
  const { schema } = watchRoutes.find(({ path }) => path === '/api/v1/history')!.answers[200]!;
  expect(z.safeParse(schema!, JSON.parse(body.toString())).error).toBeUndefined();
});
