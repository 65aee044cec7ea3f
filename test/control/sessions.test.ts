import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { type ConnectionEntry, type SessionEntry, Sessions } from '../../src/control/sessions.ts';
import type { SessionIdentity } from '../../src/login/policy.ts';
import { DEFAULT_CONNECTION_PARAMETERS, Digest } from '../../src/pdu/parameters.ts';

const identityOf = (initiatorName: string): SessionIdentity => ({
  initiatorName,
  isid: '800000000001',
  targetName: 'iqn.2026-11.io.lunaring:disk0',
  portalGroupTag: 1,
});

/** As much of a session as is looked at here. */
function entry(tsih: number, initiatorName: string, worker: number): SessionEntry {
  return { tsih, identity: identityOf(initiatorName), worker, figures: NONE } as SessionEntry;
}

function sessionsOf(...entries: SessionEntry[]): Sessions {
  const sessions = new Sessions();
  for (const each of entries) sessions.add(each);
  return sessions;
}

describe('Sessions', () => {
  it('know the one of an I_T nexus that began last, and the one before it again when that does not come to be', () => {
    const sessions = sessionsOf(entry(1, 'host', 0), entry(2, 'host', 1));
    expect(sessions.findByIdentity(identityOf('host'))?.tsih).toBe(2);
    sessions.remove(2, 'over');
    expect(sessions.findByIdentity(identityOf('host'))?.tsih).toBe(1);
    sessions.remove(1, 'over');
    expect(sessions.findByIdentity(identityOf('host'))).toBeUndefined();
  });

  it('know the one that took the place of another when that has ended', () => {
    const sessions = sessionsOf(entry(1, 'host', 0), entry(2, 'host', 1));
    sessions.remove(1, 'over');
    expect(sessions.findByIdentity(identityOf('host'))?.tsih).toBe(2);
  });

  it('know the segment length that was declared last, of connections that there are', () => {
    const parameters = { ...DEFAULT_CONNECTION_PARAMETERS, headerDigest: Digest.crc32c };
    const own = { ...entry(1, 'host', 0), connections: new Map([[7, { cid: 7, parameters } as ConnectionEntry]]) };
    const sessions = sessionsOf(own);
    sessions.redeclared(1, 7, 1024);
    sessions.redeclared(1, 8, 2048);
    sessions.redeclared(2, 7, 4096);
    expect(own.connections.get(7)?.parameters).toEqual({ ...parameters, maxXmitDataSegmentLength: 1024 });
  });

  it('are counted at their target for as long as they last, and nobody else is', () => {
    const at = (tsih: number, targetName: string, connections: number): SessionEntry => ({
      ...entry(tsih, `host ${tsih}`, 0),
      identity: { ...identityOf(`host ${tsih}`), targetName },
      connections: new Map(Array.from({ length: connections }, (_, cid) => [cid, { cid } as ConnectionEntry])),
    });
    const sessions = sessionsOf(at(1, 'a', 1), at(2, 'b', 4), at(3, 'a', 2));
    expect([...sessions.of('a')].map(({ tsih }) => tsih)).toEqual([1, 3]);
    expect(sessions.countOf('a')).toEqual({ sessions: 2, connections: 3 });
    sessions.remove(1, 'over');
    expect(sessions.countOf('a')).toEqual({ sessions: 1, connections: 2 });
    sessions.remove(3, 'over');
    expect([...sessions.of('a')]).toEqual([]);
    expect(sessions.countOf('a')).toEqual({ sessions: 0, connections: 0 });
    expect(sessions.countOf('b')).toEqual({ sessions: 1, connections: 4 });
  });

  describe('are told of', () => {
    function watched(...entries: SessionEntry[]) {
      const told: string[] = [];
      const sessions = new Sessions({
        began: ({ tsih }) => told.push(`${tsih} began`),
        ended: ({ tsih }, reason) => told.push(`${tsih} ended: ${reason}`),
      });
      for (const each of entries) sessions.add(each);
      return { sessions, told };
    }

    it('when they begin, once, and when they end', () => {
      const own = entry(1, 'host', 0);
      const { sessions, told } = watched(own);
      expect(told).toEqual([]);
      sessions.began(own);
      // Another connection.
      sessions.began(own);
      sessions.remove(1, 'logged out');
      sessions.remove(1, 'once more');
      expect(told).toEqual(['1 began', '1 ended: logged out']);
    });

    it('when their worker fails', () => {
      const [one, other] = [entry(1, 'one', 0), entry(2, 'two', 1)];
      const { sessions, told } = watched(one, other);
      sessions.began(one);
      sessions.began(other);
      sessions.removeWorker(0);
      expect(told.slice(2)).toEqual(['1 ended: its worker failed']);
    });

    it('not when no worker took them', () => {
      const { sessions, told } = watched(entry(1, 'host', 0));
      sessions.remove(1, 'its connection did not come');
      expect(told).toEqual([]);
    });
  });

  describe('of a worker that failed', () => {
    const nexusesOf = (sessions: Sessions, worker: number): string[] =>
      sessions.removeWorker(worker).nexuses.map(({ initiatorName }) => initiatorName);

    it('are gone, and their I_T nexuses lost', () => {
      const sessions = sessionsOf(entry(1, 'one', 0), entry(2, 'two', 1), entry(3, 'three', 0));
      expect(nexusesOf(sessions, 0)).toEqual(['one', 'three']);
      expect([...sessions.all()].map(({ tsih }) => tsih)).toEqual([2]);
    });

    it('leave the nexus to the one before them that still ends on another', () => {
      const sessions = sessionsOf(entry(1, 'host', 0), entry(2, 'host', 1));
      expect(nexusesOf(sessions, 1)).toEqual([]);
      expect(sessions.findByIdentity(identityOf('host'))?.tsih).toBe(1);
    });

    it('lose the nexus when the one that is to take their place waits on another, or both are gone', () => {
      expect(nexusesOf(sessionsOf(entry(1, 'host', 0), entry(2, 'host', 1)), 0)).toEqual(['host']);
      expect(nexusesOf(sessionsOf(entry(1, 'host', 0), entry(2, 'host', 0)), 0)).toEqual(['host', 'host']);
    });
  });
});
