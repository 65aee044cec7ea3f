// A session begins: its nexus with the LUN map, its command window within what the worker can promise.
// Whose connection it is for, and what else that needs, is session-host.ts's.

import { assert } from '../base/assert.ts';
import type { Handoff } from '../ring/messages.ts';
import { Nexus } from '../scsi/nexus.ts';
import { CmdWindow } from './cmd-window.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';
import { INITIAL_WINDOW, type TaskBudget } from './task-budget.ts';
import type { Units } from './units.ts';

/** The session that a hand-off asks for; null when the worker has no commands left to promise. */
export function beginSession(host: SessionHost, handoff: Handoff, units: Units, budget: TaskBudget): Session | null {
  const initial = Math.min(INITIAL_WINDOW, handoff.queueDepth);
  if (!budget.reserve(initial)) return null;
  const { tsih, initiatorName, isid, targetName, portalGroupTag } = handoff;
  const nexus = new Nexus(tsih, initiatorName, isid, targetName, portalGroupTag);
  nexus.meter = handoff.meter;
  for (const [lun, id] of handoff.luns) {
    const unit = units.find(id);
    assert(unit !== undefined, 'handoff: the unit was announced before');
    nexus.units.set(lun, unit);
  }
  nexus.luns = handoff.luns.map(([lun]) => lun);
  const window = new CmdWindow(handoff.expCmdSN, handoff.queueDepth, initial, budget);
  return new Session(host, nexus, window, {
    parameters: handoff.session,
    sendTargets: handoff.sendTargets,
    nopIntervalMs: handoff.nopIntervalMs,
  });
}
