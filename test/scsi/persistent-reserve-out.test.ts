// PERSISTENT RESERVE OUT: what becomes of the parameter list before main has its say.

import { describe, expect, it } from 'vitest';
import { ReserveAction } from '../../src/ring/reservations.ts';
import { Status } from '../../src/scsi/task.ts';
import { encodeTransportId } from '../../src/scsi/transport-id.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';

const TO = { initiatorName: 'iqn.2026-11.io.lunaring:initiator2', isid: '00023d000002' };

/** REGISTER AND MOVE to a target port. */
function move(bench: ScsiBench, relativeTargetPort: number): Outcome {
  const transportId = encodeTransportId(TO);
  const list = Buffer.concat([Buffer.alloc(24), transportId]);
  list.writeUInt32BE(1, 4);
  list.writeUInt32BE(7, 12);
  list.writeUInt16BE(relativeTargetPort, 18);
  list.writeUInt32BE(transportId.length, 20);
  return bench.run(`5f 07 00 0000 ${list.length.toString(16).padStart(8, '0')} 00`, { data: list });
}

describe('REGISTER AND MOVE', () => {
  it.each([
    { relativeTargetPort: 1, portalGroupTag: 1 },
    { relativeTargetPort: 300, portalGroupTag: 300 },
    // Tag 0: the identifier 0 is reserved.
    { relativeTargetPort: 0xffff, portalGroupTag: 0 },
  ])('to target port $relativeTargetPort is to portal group $portalGroupTag', (port) => {
    const bench = new ScsiBench({ portalGroups: [0, 1, 300] });
    expect(move(bench, port.relativeTargetPort).status).toBe(Status.GOOD);
    expect(bench.orders).toMatchObject([
      { action: ReserveAction.REGISTER_AND_MOVE, moveTo: { ...TO, portalGroupTag: port.portalGroupTag } },
    ]);
  });

  it.each([0, 2, 0xffff])('to target port %i, which does not exist, is refused', (relativeTargetPort) => {
    const bench = new ScsiBench({ portalGroups: [1] });
    expect(move(bench, relativeTargetPort)).toMatchObject({ senseKey: 5, additionalSense: 0x2600 });
    expect(bench.orders).toEqual([]);
  });
});
