// An I_T nexus (SAM-5 §4.7): one initiator port and one target port, which over iSCSI is one session.
// Holds what SCSI remembers per nexus; the session that carries it is session/session.ts.

import { NONE } from '../base/free-list.ts';
import { nexusKey } from '../ring/reservations.ts';
import type { LogicalUnit } from './logical-unit.ts';
import type { Lane } from './pacer.ts';

/** One initiator port (name and ISID) logged in to one target port (name and portal group tag). */
export class Nexus {
  readonly tsih: number;
  readonly initiatorName: string;
  /** Six bytes in hex. */
  readonly isid: string;
  readonly targetName: string;
  readonly portalGroupTag: number;
  /** As reservations know it. */
  readonly reservationKey: string;
  /** The LUN map, by LUN number. */
  readonly units = new Map<number, LogicalUnit>();
  /** Its meter (ring/meters.ts), if the initiator is limited here. */
  meter: number = NONE;
  /** Where its commands wait for their time, by unit; those units that they have waited at. */
  readonly lanes = new Map<LogicalUnit, Lane>();
  /** LUN numbers in order, for REPORT LUNS. */
  luns: readonly number[] = [];

  constructor(tsih: number, initiatorName: string, isid: string, targetName: string, portalGroupTag: number) {
    this.tsih = tsih;
    this.initiatorName = initiatorName;
    this.isid = isid;
    this.targetName = targetName;
    this.portalGroupTag = portalGroupTag;
    this.reservationKey = nexusKey({ initiatorName, isid, portalGroupTag });
  }

  /** The portal group as a RELATIVE TARGET PORT IDENTIFIER. Tags start at 0, which SPC-5 reserves; the other end is as good as never used. */
  get relativeTargetPort(): number {
    return this.portalGroupTag === 0 ? 0xffff : this.portalGroupTag;
  }

  /** The initiator port's name as SCSI spells it (RFC 7143, SCSI port name): `iqn…,i,0x<isid>`. */
  get initiatorPortName(): string {
    return `${this.initiatorName},i,0x${this.isid}`;
  }
}
