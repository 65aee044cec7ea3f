// The routes of units: listed, added, grown, limited, removed.
// What initiators hear of that is control/administration.ts's.

import { z } from 'zod';
import { settleUnitPart } from '../config/part.ts';
import { described, EXISTS, NOTHING, UNKNOWN, UNUSABLE, unitReport } from './answers.ts';
import { type AdminContext, BASE, targetNamed, unitNumbered } from './context.ts';
import { ApiError, DONE, jsonAnswer } from './http.ts';
import { unitChange, unitToAdd } from './requests.ts';
import { type Route, withBody } from './route.ts';

const UNITS = `${BASE}/targets/{name}/luns`;
const UNIT = `${UNITS}/{lun}`;

/** The unit that a path names. */
function unitAt({ name, lun }: Readonly<Record<string, string>>, { running }: AdminContext) {
  const target = targetNamed(running.administration, name);
  return { target, unit: unitNumbered(target, lun) };
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
    handle: async ({ parameters, body, raw }, context) => {
      const { running, directory } = context;
      const { administration, portals } = running;
      const target = targetNamed(administration, parameters['name']);
      if (target.units.some(({ lun }) => lun === body.lun)) {
        throw new ApiError(409, 'exists', `there is a LUN ${body.lun} at ${target.name} already`);
      }
      await administration.addUnit(target.name, settleUnitPart(raw, portals, directory));
      return jsonAnswer(201, unitAt({ name: target.name, lun: String(body.lun) }, context).unit);
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
    handle: async ({ parameters }, context) => {
      const { target, unit } = unitAt(parameters, context);
      await context.running.administration.removeUnit(target.name, unit.lun);
      return DONE;
    },
  },
];
