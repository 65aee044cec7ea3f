// Discovery sessions make room for each other, the most silent first. Logins under way are the conformance tests' of 0302.

import { expect, test } from 'vitest';
import { Admittance, DISCOVERY_SESSIONS_MAX, type OpenDiscovery } from '../../src/control/admittance.ts';

test('of too many discovery sessions the one that has been silent for longest goes', () => {
  const admittance = new Admittance();
  const ended: number[] = [];
  const sessions = Array.from({ length: DISCOVERY_SESSIONS_MAX + 2 }, (_, index): OpenDiscovery => {
    const session = {
      end: () => {
        ended.push(index);
        admittance.left(session);
      },
    };
    return session;
  });
  for (const session of sessions.slice(0, DISCOVERY_SESSIONS_MAX)) admittance.heard(session);
  // It says something: the next one has been silent for longer.
  admittance.heard(sessions[0]!);
  expect(ended).toEqual([]);
  admittance.heard(sessions[DISCOVERY_SESSIONS_MAX]!);
  expect(ended).toEqual([1]);
  // One that has left makes room as well.
  admittance.left(sessions[2]!);
  admittance.heard(sessions[DISCOVERY_SESSIONS_MAX + 1]!);
  expect(ended).toEqual([1]);
});
