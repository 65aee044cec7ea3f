// An I_T nexus (SAM-5 §4.7): one initiator port and one target port, which over iSCSI is one session.
// Holds what SCSI remembers per nexus; the session that carries it is session/session.ts.

import { NONE } from '../base/free-list.ts';
import { privateFigures } from '../ring/figures.ts';
import { type NexusName, nexusKey } from '../ring/reservations.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { Lane } from './pacer.ts';

/** One initiator port (name and ISID) logged in to one target port (name and portal group tag). */
export class Nexus {
  readonly tsih: number;
  /** The two ports, as reservations know them, and the same as a key. */
  readonly name: NexusName;
  readonly reservationKey: string;
  readonly targetName: string;
  /** The LUN map, by LUN number: those of {@link luns} whose units are there. */
  readonly units = new Map<number, LogicalUnit>();
  /** Its meter (ring/meters.ts), if the initiator is limited here. */
  meter: number = NONE;
  /** Where its commands wait for their time, by unit; those units that they have waited at. */
  readonly lanes = new Map<LogicalUnit, Lane>();
  /** LUN numbers in order, for REPORT LUNS. */
  luns: readonly number[] = [];

  /** What is counted of it (ring/figures.ts). */
  readonly figures: Float64Array;

  constructor(
    tsih: number,
    initiatorName: string,
    isid: string,
    targetName: string,
    portalGroupTag: number,
    figures: Float64Array = privateFigures(),
  ) {
    this.figures = figures;
    this.tsih = tsih;
    this.name = { initiatorName, isid, portalGroupTag };
    this.reservationKey = nexusKey(this.name);
    this.targetName = targetName;
  }

  /** Takes over a LUN map, in LUN order; null: the unit is about to come. */
  address(units: readonly (readonly [lun: number, unit: LogicalUnit | null])[]): void {
    this.units.clear();
    for (const [lun, unit] of units) if (unit !== null) this.units.set(lun, unit);
    this.luns = units.map(([lun]) => lun);
  }

  /** Takes a unit out of the LUN map. `replaced`: another is about to come under its number. */
  remove({ snapshot: { lun } }: LogicalUnit, replaced: boolean): void {
    this.units.delete(lun);
    if (!replaced) this.luns = this.luns.filter((number) => number !== lun);
  }

  /** Whether a unit is about to come under that number. */
  awaits(lun: number): boolean {
    return !this.units.has(lun) && this.luns.includes(lun);
  }

  /** Whether the unit is in its LUN map. */
  sees(unit: LogicalUnit): boolean {
    return this.units.get(unit.snapshot.lun) === unit;
  }

  /** The port that it came through. */
  get relativeTargetPort(): number {
    return relativePort(this.name.portalGroupTag);
  }
}

/** A portal group as a RELATIVE TARGET PORT IDENTIFIER. Tags start at 0, which SPC-5 reserves; the other end is as good as never used. */
export function relativePort(portalGroupTag: number): number {
  return portalGroupTag === 0 ? 0xffff : portalGroupTag;
}

/** The one of `portalGroups` whose port has this RELATIVE TARGET PORT IDENTIFIER; undefined: none has. */
export function portalGroupOf(relativeTargetPort: number, portalGroups: readonly number[]): number | undefined {
  return portalGroups.find((portalGroupTag) => relativePort(portalGroupTag) === relativeTargetPort);
}

/** A portal group's port as SCSI names it (RFC 7143, SCSI port name): `iqn…,t,0x<tag>`. */
export function targetPortName(targetName: string, portalGroupTag: number): string {
  return `${targetName},t,0x${portalGroupTag.toString(16).padStart(4, '0')}`;
}
