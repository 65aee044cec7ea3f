// The routes of sessions, and of the logins that were refused.
// The data are control/reports.ts's and control/refusals.ts's.

import { z } from 'zod';
import { normalizeName } from '../config/iscsi-name.ts';
import { described, NOTHING, refusalsReport, sessionReport, UNKNOWN, UNUSABLE } from './answers.ts';
import { BASE, found, numberIn } from './context.ts';
import { ApiError, DONE, jsonAnswer } from './http.ts';
import type { Route } from './route.ts';

const SESSION = `${BASE}/sessions/{tsih}`;
const REFUSALS_DEFAULT = 50;

/** How many are asked for. */
function countIn(query: URLSearchParams): number {
  const given = query.get('count');
  if (given === null) return REFUSALS_DEFAULT;
  const count = numberIn(given);
  if (count > 0) return count;
  throw new ApiError(422, 'unusable', 'count: a whole number from 1 on');
}

/** The routes. */
export const sessionRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: `${BASE}/sessions`,
    summary: 'Lists the sessions, discovery sessions included.',
    query: { target: 'Only those of the target of this name.' },
    answers: { 200: described('The sessions.', z.array(sessionReport)) },
    handle: ({ query }, { running: { administration } }) => {
      const given = query.get('target');
      const sessions = administration.sessions();
      if (given === null) return jsonAnswer(200, sessions);
      const name = normalizeName(given);
      return jsonAnswer(
        200,
        sessions.filter(({ targetName }) => targetName === name),
      );
    },
  },
  {
    method: 'GET',
    path: SESSION,
    summary: 'Tells of a session.',
    answers: { 200: described('The session.', sessionReport), 404: UNKNOWN },
    handle: ({ parameters: { tsih } }, { running: { administration } }) =>
      jsonAnswer(200, found(administration.session(numberIn(tsih)), `session ${tsih}`)),
  },
  {
    method: 'DELETE',
    path: SESSION,
    summary: 'Ends a session: its initiator is told (Async Message), its tasks end, its connections are closed.',
    answers: { 204: NOTHING, 404: UNKNOWN },
    handle: async ({ parameters: { tsih } }, { running: { administration } }) => {
      found(await administration.endSession(numberIn(tsih)), `session ${tsih}`);
      return DONE;
    },
  },
  {
    method: 'GET',
    path: `${BASE}/refusals`,
    summary: 'Tells of the logins that were refused of late, and why.',
    query: { count: `How many of the latest; ${REFUSALS_DEFAULT} where it is left out, 500 at most.` },
    answers: {
      200: described('Counts of all logins by status, and the latest refusals.', refusalsReport),
      422: UNUSABLE,
    },
    handle: ({ query }, { running: { administration } }) => {
      const { refusals } = administration;
      return jsonAnswer(200, {
        counts: Object.fromEntries(refusals.counts()),
        latest: refusals.latest(countIn(query)),
      });
    },
  },
];
