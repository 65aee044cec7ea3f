// The routes of targets: listed, added, changed, taken offline, redirected, removed, and their CHAP users.
// What that means for logins and sessions is control/administration.ts's.

import { z } from 'zod';
import { hasUserLikeTarget } from '../config/directions.ts';
import { TARGETS_MAX, USERS_MAX } from '../config/limits.ts';
import { inEnvironment, judgeDirections, PartError, settleCredentialPart, settleTargetPart } from '../config/part.ts';
import type { AuthSettings, ChapSettings, TargetSettings } from '../config/settings.ts';
import type { Administration, TargetChange } from '../control/administration.ts';
import { CONFLICT, described, EXISTS, NOTHING, targetReport, UNKNOWN, UNUSABLE } from './answers.ts';
import { type AdminContext, BASE, found, targetNamed } from './context.ts';
import { type Answer, ApiError, DONE, jsonAnswer } from './http.ts';
import { targetChange, targetRedirect, targetState, targetToAdd, userSecret } from './requests.ts';
import { type Call, type Route, withBody } from './route.ts';

const TARGET = `${BASE}/targets/{name}`;
/** Any name will do: only what is beside it is judged. */
const SOME_NAME = 'iqn.2026-11.io.lunaring:changed';

/** How initiators prove who they are to all but the target of that name, and for discovery. */
function authsBeside(name: string, { administration, loginSettings }: AdminContext['running']): AuthSettings[] {
  const others = administration.servedTargets().filter((target) => target.name !== name);
  return [loginSettings.discovery.auth, ...others.map(({ auth }) => auth)];
}

/** What a change of a target comes to, judged in the same words as the file. */
function settleChange(name: string, raw: Record<string, unknown>, { running, directory }: AdminContext): TargetChange {
  const { alias, ...others } = raw;
  const named = typeof alias === 'string' ? { alias } : {};
  const document = { name: SOME_NAME, luns: [], ...others, ...named };
  const target = settleTargetPart(document, running.portals, directory);
  if (raw['auth'] !== undefined) judgeDirections(target.auth, authsBeside(name, running));
  const settled: Record<string, unknown> = target;
  return Object.fromEntries(Object.keys(raw).map((key) => [key, settled[key]])) as TargetChange;
}

/** Does something to the target that the path names, and tells what it has become. */
function changed(
  { parameters }: Call,
  { running: { administration } }: AdminContext,
  change: (administration: Administration, name: string) => void,
): Answer {
  const { name } = targetNamed(administration, parameters['name']);
  change(administration, name);
  return jsonAnswer(200, administration.target(name));
}

/** The target that is to be added. */
function targetOf({ body, raw }: Call<z.output<typeof targetToAdd>>, context: AdminContext): TargetSettings {
  const { running, directory, environment } = context;
  if (running.administration.target(body.name) !== undefined) {
    throw new ApiError(409, 'exists', `there is a target ${body.name} already`);
  }
  if (running.administration.servedTargets().length >= TARGETS_MAX) {
    throw new ApiError(409, 'full', `there are ${TARGETS_MAX} targets, which is as many as there may be`);
  }
  const { luns = [], ...others } = raw as { readonly luns?: readonly object[] };
  const document = { ...others, luns: inEnvironment(luns, environment) };
  const target = settleTargetPart(document, running.portals, directory);
  judgeDirections(target.auth, authsBeside(target.name, running));
  return target;
}

const targets: readonly Route[] = [
  {
    method: 'GET',
    path: `${BASE}/targets`,
    summary: 'Lists the targets.',
    answers: { 200: described('The targets, in the order in which they came.', z.array(targetReport)) },
    handle: (_, { running }) => jsonAnswer(200, running.administration.targets()),
  },
  withBody({
    method: 'POST',
    path: `${BASE}/targets`,
    summary: 'Adds a target, as it would stand in the configuration file, and serves it.',
    body: targetToAdd,
    answers: { 201: described('The target.', targetReport), 409: EXISTS, 422: UNUSABLE },
    intends: (call, context) => {
      return { targets: [...context.running.administration.servedTargets(), targetOf(call, context)] };
    },
    handle: (call, context) => jsonAnswer(201, context.running.administration.addTarget(targetOf(call, context))),
  }),
  {
    method: 'GET',
    path: TARGET,
    summary: 'Tells of a target.',
    answers: { 200: described('The target.', targetReport), 404: UNKNOWN },
    handle: ({ parameters }, { running: { administration } }) =>
      jsonAnswer(200, targetNamed(administration, parameters['name'])),
  },
  withBody({
    method: 'PATCH',
    path: TARGET,
    summary: 'Changes what is given, for the logins to come; limits of initiators hold at once.',
    body: targetChange,
    answers: { 200: described('The target.', targetReport), 404: UNKNOWN, 422: UNUSABLE },
    handle: (call, context) =>
      changed(call, context, (administration, name) =>
        administration.changeTarget(name, settleChange(name, call.raw as Record<string, unknown>, context)),
      ),
  }),
  {
    method: 'DELETE',
    path: TARGET,
    summary: 'Removes a target: its sessions are ended, and its name is answered with 0204 for a day.',
    answers: { 204: NOTHING, 404: UNKNOWN },
    intends: ({ parameters }, { running: { administration } }) => {
      const { name } = targetNamed(administration, parameters['name']);
      return { targets: administration.servedTargets().filter((target) => target.name !== name) };
    },
    handle: async ({ parameters }, { running: { administration } }) => {
      const { name } = targetNamed(administration, parameters['name']);
      await administration.removeTarget(name);
      return DONE;
    },
  },
];

const states: readonly Route[] = [
  withBody({
    method: 'PUT',
    path: `${TARGET}/state`,
    summary: 'Takes a target offline, or online again. Its sessions go on.',
    body: targetState,
    answers: { 200: described('The target.', targetReport), 404: UNKNOWN, 422: UNUSABLE },
    handle: (call, context) =>
      changed(call, context, (administration, name) => administration.setState(name, call.body.state)),
  }),
  withBody({
    method: 'PUT',
    path: `${TARGET}/redirect`,
    summary: 'Sends the logins to come elsewhere (0101, 0102). Its sessions go on.',
    body: targetRedirect,
    answers: { 200: described('The target.', targetReport), 404: UNKNOWN, 422: UNUSABLE },
    handle: (call, context) =>
      changed(call, context, (administration, name) => administration.setRedirect(name, call.body)),
  }),
  {
    method: 'DELETE',
    path: `${TARGET}/redirect`,
    summary: 'Sends nobody elsewhere any more.',
    answers: { 204: NOTHING, 404: UNKNOWN },
    handle: ({ parameters }, { running: { administration } }) => {
      administration.setRedirect(targetNamed(administration, parameters['name']).name, null);
      return DONE;
    },
  },
];

/** How a target's initiators prove who they are. Throws ApiError where they need not. */
function chapOf({ running }: AdminContext, name: string): ChapSettings {
  const target = running.administration.servedTargets().find((each) => each.name === name);
  const { auth } = found(target, `target ${name}`);
  if (auth.method === 'chap') return auth;
  throw new ApiError(409, 'no-users', `${name} asks nobody who they are; give it auth with method: chap first`);
}

const users: readonly Route[] = [
  withBody({
    method: 'PUT',
    path: `${TARGET}/users/{user}`,
    summary: 'Adds a CHAP user, or gives one another secret.',
    body: userSecret,
    answers: { 204: NOTHING, 404: UNKNOWN, 409: CONFLICT, 422: UNUSABLE },
    handle: ({ parameters, raw }, context) => {
      const { administration } = context.running;
      const { name } = targetNamed(administration, parameters['name']);
      const auth = chapOf(context, name);
      const document = { ...(raw as object), name: parameters['user'] };
      const user = settleCredentialPart(document, context.running.portals, context.directory);
      if (hasUserLikeTarget({ method: 'chap', users: [user] }, [auth, ...authsBeside(name, context.running)])) {
        const [received, allowed] = ["a target's own secret", 'a secret that no target proves itself with'];
        const finding = { path: 'secret', received, allowed, remedy: 'choose another secret' };
        throw new PartError([{ severity: 'error', origin: 'the body', ...finding }]);
      }
      const others = auth.users.filter((each) => each.name !== user.name);
      if (others.length >= USERS_MAX) {
        throw new ApiError(409, 'full', `${name} has ${USERS_MAX} users, which is as many as there may be`);
      }
      administration.changeTarget(name, { auth: { ...auth, users: [...others, user] } });
      return DONE;
    },
  }),
  {
    method: 'DELETE',
    path: `${TARGET}/users/{user}`,
    summary: 'Removes a CHAP user.',
    answers: { 204: NOTHING, 404: UNKNOWN, 409: CONFLICT },
    handle: ({ parameters }, context) => {
      const { administration } = context.running;
      const { name } = targetNamed(administration, parameters['name']);
      const auth = chapOf(context, name);
      const left = auth.users.filter((user) => user.name !== parameters['user']);
      found(left.length < auth.users.length, `user ${parameters['user']} at ${name}`);
      if (left.length === 0) {
        throw new ApiError(409, 'last-user', `nobody else may log in to ${name}; add another user first`);
      }
      administration.changeTarget(name, { auth: { ...auth, users: left } });
      return DONE;
    },
  },
];

/** The routes. */
export const targetRoutes: readonly Route[] = [...targets, ...states, ...users];
