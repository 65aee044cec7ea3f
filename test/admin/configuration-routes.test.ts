import { expect, test } from 'vitest';
import { configurationRoutes } from '../../src/admin/configuration-routes.ts';
import type { AdminContext } from '../../src/admin/context.ts';
import type { Answer } from '../../src/admin/http.ts';
import { PartError } from '../../src/config/part.ts';
import { requestWith } from './request-with.ts';

/** What a reload with that query does, and answers. */
async function reloadWith(query: string): Promise<string[]> {
  const done: string[] = [];
  const reload = { plan: () => void done.push('planned'), apply: async () => void done.push('applied') };
  const request = requestWith({}, `/api/v1/reload?${query}`, 'POST');
  const route = configurationRoutes.find(({ path }) => path.endsWith('/reload'))!;
  const call = { request, parameters: {}, query: request.query, body: undefined, raw: undefined };
  const handle = async (): Promise<Answer> => route.handle(call, { reload } as unknown as AdminContext);
  const error = await handle().catch((failure: unknown) => failure);
  return error instanceof PartError ? [...done, error.message] : done;
}

test('a reload plans, or applies, as it is told in so many words', async () => {
  expect(await reloadWith('')).toEqual(['applied']);
  expect(await reloadWith('plan=false')).toEqual(['applied']);
  expect(await reloadWith('plan=true')).toEqual(['planned']);
});

test.each(['plan=1', 'plan=yes', 'plan=True', 'plan', 'plan=true&plan=true'])('%s does neither', async (query) => {
  expect(await reloadWith(query)).toEqual([expect.stringMatching(/^plan: "/)]);
});
