// REPORT and SET TARGET PORT GROUPS (SPC-5): every portal group is a target port in a group of its own. All are as good until an initiator
// says otherwise, for all initiators. What may run over a port that is not active is access-state.ts's.

import { AccessState, accessOf, type PortGroupAccess } from '../ring/unit-state.ts';
import { Cdb12 } from './cdb.ts';
import { type ColdCommand, type CommandServices, LIST, REPLY, type Steps } from './cold-command.ts';
import type { LogicalUnit } from './logical-unit.ts';
import { relativePort } from './nexus.ts';
import { blank, joined, reply } from './reply.ts';
import { failField, failListLength, failParameter } from './sense.ts';
import type { Task } from './task.ts';

/** PARAMETER DATA FORMAT, bits 7-5 of byte 1. */
const Format = { lengthOnly: 0, extended: 1 } as const;
/** The states that can be set: active/optimized, active/non-optimized, standby, unavailable (AO_SUP, AN_SUP, S_SUP, U_SUP). */
const SUPPORTED_STATES = 0x01 | 0x02 | 0x04 | 0x08;
/** STATUS CODE: nothing was changed; SET TARGET PORT GROUPS changed it. */
const StatusCode = { unchanged: 0, explicit: 1 } as const;

export const reportTargetPortGroups: ColdCommand = {
  ...REPLY,
  name: 'REPORT TARGET PORT GROUPS',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: (task, unit, services) => {
    const format = task.cdb.getUint8(1) >>> 5;
    if (format > Format.extended) {
      failField(task, 1);
      return;
    }
    const { state, snapshot } = unit;
    const groups = snapshot.portalGroups.map((tag) => {
      const { bytes: group, view } = blank(12);
      group[0] = accessOf(state, tag);
      group[1] = SUPPORTED_STATES;
      view.setUint16(2, tag);
      group[5] = state.portGroups.some((each) => each.tag === tag) ? StatusCode.explicit : StatusCode.unchanged;
      group[7] = 1;
      view.setUint16(10, relativePort(tag));
      return group;
    });
    const body = joined(groups);
    const { bytes: header, view } = blank(format === Format.extended ? 8 : 4);
    view.setUint32(0, header.length - 4 + body.length);
    if (format === Format.extended) header[4] = Format.extended << 4;
    reply(task, services, joined([header, body]));
  },
};

const HEADER_BYTES = 4;
const DESCRIPTOR_BYTES = 4;
const STATE_MASK = 0x0f;

/** What the list says of each group; null when it has been refused. */
function requestedStates(task: Task, unit: LogicalUnit, view: DataView): PortGroupAccess[] | null {
  const { portalGroups } = unit.snapshot;
  const settable: readonly number[] = Object.values(AccessState);
  const wanted: PortGroupAccess[] = [];
  for (let start = HEADER_BYTES; start < task.dataLength; start += DESCRIPTOR_BYTES) {
    const state = view.getUint8(task.at + start) & STATE_MASK;
    const tag = view.getUint16(task.at + start + 2);
    if (!settable.includes(state)) failParameter(task, start);
    else if (!portalGroups.includes(tag) || wanted.some((group) => group.tag === tag)) failParameter(task, start + 2);
    else {
      wanted.push({ tag, state: state as AccessState });
      continue;
    }
    return null;
  }
  return wanted;
}

function* setStates(task: Task, unit: LogicalUnit, services: CommandServices): Steps {
  if (task.transferLength === 0) return;
  const descriptors = task.dataLength - HEADER_BYTES;
  if (task.dataLength !== task.transferLength || descriptors < 0 || descriptors % DESCRIPTOR_BYTES !== 0) {
    failListLength(task);
    return;
  }
  const portGroups = requestedStates(task, unit, services.view);
  if (portGroups === null || portGroups.length === 0) return;
  services.changeState(task, { kind: 'access', portGroups });
  yield;
}

export const setTargetPortGroups: ColdCommand = {
  ...LIST,
  name: 'SET TARGET PORT GROUPS',
  decode: ({ cdb }) => Cdb12.transferLength.get(cdb, 0),
  run: setStates,
};
