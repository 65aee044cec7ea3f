// The routes of units: listed, added, grown, limited, removed.
// What initiators hear of that is control/administration.ts's.

import { z } from 'zod';
import { LUNS_PER_TARGET_MAX } from '../config/limits.ts';
import { inEnvironment, settleUnitPart } from '../config/part.ts';
import type { LunSettings, TargetSettings } from '../config/settings.ts';
import { described, EXISTS, NOTHING, UNKNOWN, UNUSABLE, unitReport } from './answers.ts';
import { type AdminContext, BASE, targetNamed, unitNumbered } from './context.ts';
import { ApiError, DONE, jsonAnswer } from './http.ts';
import { unitChange, unitToAdd } from './requests.ts';
import { type Call, type Route, withBody } from './route.ts';

const UNITS = `${BASE}/targets/{name}/luns`;
const UNIT = `${UNITS}/{lun}`;

/** The unit that a path names. */
function unitAt({ name, lun }: Readonly<Record<string, string>>, { running }: AdminContext) {
  const target = targetNamed(running.administration, name);
  return { target, unit: unitNumbered(target, lun) };
}

/** The unit that is to be added, and where. */
function unitOf({ parameters, body, raw }: Call<z.output<typeof unitToAdd>>, context: AdminContext) {
  const { running, directory, environment } = context;
  const target = targetNamed(running.administration, parameters['name']);
  if (target.units.some(({ lun }) => lun === body.lun)) {
    throw new ApiError(409, 'exists', `there is a LUN ${body.lun} at ${target.name} already`);
  }
  if (target.units.length >= LUNS_PER_TARGET_MAX) {
    const most = `${target.name} has ${LUNS_PER_TARGET_MAX} units, which is as many as there may be`;
    throw new ApiError(409, 'full', most);
  }
  const [document] = inEnvironment([raw as object], environment);
  return { name: target.name, unit: settleUnitPart(document, running.portals, directory) };
}

/** Those of the target of that name as `change` makes them. */
function withUnits(
  { running }: AdminContext,
  name: string,
  change: (luns: readonly LunSettings[]) => readonly LunSettings[],
): readonly TargetSettings[] {
  const targets = running.administration.servedTargets();
  return targets.map((target) => (target.name === name ? { ...target, luns: [...change(target.luns)] } : target));
}

/** The routes. */
export const unitRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: UNITS,
    summary: "Lists a target's units.",
    answers: { 200: described('The units, by number.', z.array(unitReport)), 404: UNKNOWN },
    handle: ({ parameters }, { running }) =>
      jsonAnswer(200, targetNamed(running.administration, parameters['name']).units),
  },
  withBody({
    method: 'POST',
    path: UNITS,
    summary: 'Adds a unit, as it would stand in the configuration file; sessions hear of it.',
    body: unitToAdd,
    answers: { 201: described('The unit.', unitReport), 404: UNKNOWN, 409: EXISTS, 422: UNUSABLE },
    intends: (call, context) => {
      const { name, unit } = unitOf(call, context);
      return { targets: withUnits(context, name, (luns) => [...luns, unit]) };
    },
    handle: async (call, context) => {
      const { name, unit } = unitOf(call, context);
      await context.running.administration.addUnit(name, unit);
      return jsonAnswer(201, unitAt({ name, lun: String(unit.lun) }, context).unit);
    },
  }),
  {
    method: 'GET',
    path: UNIT,
    summary: 'Tells of a unit.',
    answers: { 200: described('The unit.', unitReport), 404: UNKNOWN },
    handle: ({ parameters }, context) => jsonAnswer(200, unitAt(parameters, context).unit),
  },
  withBody({
    method: 'PATCH',
    path: UNIT,
    summary: 'Makes a unit larger, or limits it; both hold at once, and sessions hear of a new size.',
    body: unitChange,
    answers: { 200: described('The unit.', unitReport), 404: UNKNOWN, 422: UNUSABLE },
    handle: ({ parameters, body }, context) => {
      const { administration } = context.running;
      const { target, unit } = unitAt(parameters, context);
      const { size, limits } = body;
      if (size !== undefined) administration.growUnit(target.name, unit.lun, size === 'device' ? null : size);
      if (limits !== undefined) administration.limitUnit(target.name, unit.lun, limits ?? undefined);
      return jsonAnswer(200, unitAt(parameters, context).unit);
    },
  }),
  {
    method: 'DELETE',
    path: UNIT,
    summary: 'Takes a unit away: its tasks end, what was written is on the disk, its storage is closed.',
    answers: { 204: NOTHING, 404: UNKNOWN },
    intends: ({ parameters }, context) => {
      const { target, unit } = unitAt(parameters, context);
      return { targets: withUnits(context, target.name, (luns) => luns.filter(({ lun }) => lun !== unit.lun)) };
    },
    handle: async ({ parameters }, context) => {
      const { target, unit } = unitAt(parameters, context);
      await context.running.administration.removeUnit(target.name, unit.lun);
      return DONE;
    },
  },
];
