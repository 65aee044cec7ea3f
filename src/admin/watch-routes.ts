// The routes for who watches: metrics for monitoring, and the last fifteen minutes for the page.
// What is measured, and how it is told, is metrics/'s; what is told as it happens, events.ts's.

import { z } from 'zod';
import { collect } from '../metrics/collect.ts';
import { negotiate } from '../metrics/exposition.ts';
import { described } from './answers.ts';
import { BASE } from './context.ts';
import { jsonAnswer } from './http.ts';
import type { Route } from './route.ts';

/** Milliseconds that a scrape may work without a break: logins have their turn in between. */
const SLICE_MS = 5;

const series = z.array(z.number().nullable());
const historyReport = z.strictObject({
  times: z.array(z.int()).describe('milliseconds since 1970, oldest first'),
  series: z.strictObject({
    readIops: series,
    writeIops: series,
    readBytes: series,
    writeBytes: series,
    p50Micros: series,
    p99Micros: series,
    inFlight: series,
  }),
});

/** The whole text, put together in slices. */
async function inSlices(parts: Iterable<string>): Promise<string> {
  const texts: string[] = [];
  let begun = performance.now();
  for (const part of parts) {
    texts.push(part);
    if (performance.now() - begun < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    begun = performance.now();
  }
  return texts.join('');
}

export const watchRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Tells the metrics, in OpenMetrics, or in the older format of Prometheus where Accept prefers text/plain.',
    answers: { 200: { description: 'The metrics.', type: 'application/openmetrics-text', otherType: 'text/plain' } },
    handle: async ({ request }, { running, watch, version, startedAt }) => {
      const format = negotiate(request.headers.get('accept') ?? '');
      const { readings, engine } = running;
      const { loopDelay, workerCpu } = watch;
      const source = { readings, loopDelay, workerCpu, version, engine, startedAt };
      return { status: 200, type: format, body: await inSlices(collect(source, format)) };
    },
  },
  {
    method: 'GET',
    path: `${BASE}/history`,
    summary: 'Tells the last fifteen minutes of the whole target, second by second.',
    answers: { 200: described('Times, and series as long as they are.', historyReport) },
    handle: (_, { watch }) => jsonAnswer(200, watch.history.report()),
  },
];
