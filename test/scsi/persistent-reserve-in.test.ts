// PERSISTENT RESERVE IN: what is told of the reservations that main has made known.

import { expect, it } from 'vitest';
import { NO_RESERVATIONS } from '../../src/ring/reservations.ts';
import { ScsiBench } from '../support/scsi-bench.ts';

const RELATIVE_TARGET_PORT_AT = 8 + 18;

it.each([
  { portalGroupTag: 0, relativeTargetPort: 0xffff },
  { portalGroupTag: 3, relativeTargetPort: 3 },
])('READ FULL STATUS names the port of portal group $portalGroupTag as all others do', (port) => {
  const { portalGroupTag, relativeTargetPort } = port;
  const bench = new ScsiBench({ portalGroups: [portalGroupTag] });
  const nexus = bench.addNexus(2, portalGroupTag);
  const registration = {
    nexus: nexus.name,
    key: '0000000000000001',
    allTargetPorts: false,
  };
  bench.unit.reserve({ ...NO_RESERVATIONS, registrations: [registration] });
  const { data } = bench.run('5e 03 0000000000 00ff 00', { nexus });
  expect(data.readUInt16BE(RELATIVE_TARGET_PORT_AT)).toBe(relativeTargetPort);
  expect(nexus.relativeTargetPort).toBe(relativeTargetPort);
});
