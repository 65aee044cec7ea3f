// The routes of the service as a whole: how it is, its workers, draining, and settings that can change while it runs.
// What the figures of workers mean is ring/counters.ts's.

import { z } from 'zod';
import { settleTuningPart } from '../config/part.ts';
import { type LoginTuning, loginTuningOf } from '../control/login-settings.ts';
import type { WorkerReading } from '../control/supervisor.ts';
import { Counter } from '../ring/counters.ts';
import { described, drainReport, NOTHING, settingsReport, statusReport, UNUSABLE, workerReport } from './answers.ts';
import { type AdminContext, BASE } from './context.ts';
import { DONE, jsonAnswer } from './http.ts';
import { drainReason, settingsChange } from './requests.ts';
import { type Call, type Route, withBody } from './route.ts';

function statusOf({ running, version, startedAt }: AdminContext) {
  const { administration, engine, engineReason, workers, portals } = running;
  return {
    version,
    pid: process.pid,
    startedAt,
    uptimeSeconds: Math.floor(process.uptime()),
    engine,
    engineReason,
    workers,
    portals,
    draining: administration.draining,
    targets: administration.servedTargets().length,
    sessions: running.readings.sessionCount,
    inFlight: administration.inFlight(),
  };
}

/** What is told of a worker: figures that are one number each. */
const FIGURES = [
  'connections',
  'commands',
  'reads',
  'writes',
  'bytesRead',
  'bytesWritten',
  'errors',
  'tasksAborted',
  'slabBytesInUse',
  'sends',
  'receives',
  'turns',
  'digestErrors',
  'headerDigestErrors',
  'rejects',
  'threadId',
  'slabBytes',
  'stalledConnections',
  'throttledConnections',
  'resent',
  'polling',
  'sendWaitMicros',
] as const satisfies readonly Counter[];

function workerReportOf({ worker, running, counters }: WorkerReading) {
  const figures = Object.fromEntries(FIGURES.map((name) => [name, counters[Counter[name]]!]));
  return { index: worker, running, sessions: counters[Counter.sessions]!, figures };
}

const reports: readonly Route[] = [
  {
    method: 'GET',
    path: `${BASE}/status`,
    summary: 'Tells how the target is.',
    answers: { 200: described('What runs, since when, and how much is going on.', statusReport) },
    handle: (_, context) => jsonAnswer(200, statusOf(context)),
  },
  {
    method: 'GET',
    path: `${BASE}/workers`,
    summary: 'Tells of the workers.',
    answers: { 200: described('One record a worker.', z.array(workerReport)) },
    handle: (_, { running }) => jsonAnswer(200, running.readings.workers().map(workerReportOf)),
  },
];

const draining: readonly Route[] = [
  withBody({
    method: 'PUT',
    path: `${BASE}/drain`,
    summary: 'Refuses every login with 0301 from now on. Sessions go on.',
    body: drainReason.prefault({}),
    answers: { 200: described('Why logins are refused.', drainReport), 422: UNUSABLE },
    handle: ({ body: { reason } }, { running }) => {
      running.administration.drain(reason);
      return jsonAnswer(200, { draining: reason });
    },
  }),
  {
    method: 'DELETE',
    path: `${BASE}/drain`,
    summary: 'Takes logins again.',
    answers: { 204: NOTHING },
    handle: (_, { running }) => {
      running.administration.drain('');
      return DONE;
    },
  },
];

const currentSettings = ({ log, running }: AdminContext) =>
  jsonAnswer(200, { logLevel: log.level, ...running.loginSettings.tuning });

/** What logins will meet. */
function tuningOf({ body }: Call<z.output<typeof settingsChange>>, { running }: AdminContext): LoginTuning {
  const { logLevel: _, ...tuning } = body;
  return loginTuningOf(settleTuningPart({ ...running.loginSettings.tuning, ...tuning }));
}

const settings: readonly Route[] = [
  {
    method: 'GET',
    path: `${BASE}/settings`,
    summary: 'Tells the settings that can change while the target runs.',
    answers: { 200: described('The settings.', settingsReport) },
    handle: (_, context) => currentSettings(context),
  },
  withBody({
    method: 'PUT',
    path: `${BASE}/settings`,
    summary: 'Changes the settings that are given: the level of the log at once, the others for the logins to come.',
    body: settingsChange,
    answers: { 200: described('The settings.', settingsReport), 422: UNUSABLE },
    intends: (call, context) => {
      const { logLevel = context.log.level } = call.body;
      return { tuning: tuningOf(call, context), logLevel };
    },
    handle: (call, context) => {
      const { logLevel = context.log.level } = call.body;
      context.running.loginSettings.tuning = tuningOf(call, context);
      context.log.level = logLevel;
      return currentSettings(context);
    },
  }),
];

/** The routes. */
export const serviceRoutes: readonly Route[] = [...reports, ...draining, ...settings];
