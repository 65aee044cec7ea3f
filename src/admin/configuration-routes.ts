// The routes of the configuration: reading the file again, and writing into it what is served.
// What that changes is control/reload.ts's, what is written control/saving.ts's.

import { CONFLICT, described, reloadReport, savedReport, UNUSABLE } from './answers.ts';
import { BASE, flagIn, saveServed } from './context.ts';
import { jsonAnswer } from './http.ts';
import type { Route } from './route.ts';

/** The routes. */
export const configurationRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: `${BASE}/reload`,
    summary: 'Reads the configuration again, and serves what it says now: all of it, or nothing.',
    flags: { plan: 'Only tells what would change, and changes nothing.' },
    answers: {
      200: described('What has changed, or would.', reloadReport),
      422: UNUSABLE,
    },
    handle: async ({ query }, { reload }) =>
      jsonAnswer(200, flagIn(query, 'plan') ? reload.plan() : await reload.apply()),
  },
  {
    method: 'POST',
    path: `${BASE}/configuration`,
    summary: 'Writes the targets, as they are served now, into the configuration file.',
    answers: {
      200: described('The file that was written.', savedReport),
      409: CONFLICT,
      422: UNUSABLE,
    },
    handle: (_, context) => jsonAnswer(200, { path: saveServed(context) }),
  },
];
