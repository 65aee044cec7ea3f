// A session begins: its nexus with the LUN map, its command window within what the worker can promise.
// Whose connection it is for, and what else that needs, is session-host.ts's.

import { assert } from '../base/assert.ts';
import { NONE } from '../base/free-list.ts';
import { privateFigures } from '../ring/figures.ts';
import type { Handoff } from '../ring/messages.ts';
import { Nexus } from '../scsi/nexus.ts';
import { AdditionalSense } from '../scsi/sense.ts';
import type { Budget } from './budget.ts';
import { CmdWindow, INITIAL_WINDOW } from './cmd-window.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session-host.ts';
import type { Units } from './units.ts';

/** The session that a hand-off asks for; null when the worker has no commands left to promise. */
export function beginSession(host: SessionHost, handoff: Handoff, units: Units, budget: Budget): Session | null {
  const initial = Math.min(INITIAL_WINDOW, handoff.queueDepth);
  if (!budget.take(initial)) return null;
  const { tsih, initiatorName, isid, targetName, portalGroupTag } = handoff;
  const figures = handoff.figures === NONE ? privateFigures() : host.sessionFigures.block(0, handoff.figures);
  const nexus = new Nexus(tsih, initiatorName, isid, targetName, portalGroupTag, figures);
  nexus.meter = handoff.meter;
  nexus.address(
    handoff.luns.map(([lun, id]) => {
      if (id === NONE) return [lun, null];
      const unit = units.find(id);
      assert(unit !== undefined, 'handoff: the unit was announced before');
      return [lun, unit];
    }),
  );
  if (handoff.afterPowerOn) {
    // Not POWER ON OCCURRED (29h/01h), which says more: this one is what other targets send, and the only one that libiscsi tries again after.
    const additionalSense = AdditionalSense.POWER_ON_RESET_OR_BUS_DEVICE_RESET;
    for (const unit of nexus.units.values()) unit.attention(nexus, additionalSense);
  }
  const window = new CmdWindow(handoff.expCmdSN, handoff.queueDepth, initial, budget);
  return new Session(host, nexus, window, {
    parameters: handoff.session,
    nopIntervalMs: handoff.nopIntervalMs,
  });
}
