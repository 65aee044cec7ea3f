// The codes about sessions: 0206, 0208 and 020A, each with the login beside it that passes.

import { describe, expect, test } from 'vitest';
import { SessionType } from '../../src/login/policy.ts';
import { IDENTITY, Initiator, OPERATE, SECURE, statusOf } from './initiator.ts';
import { INITIATOR, makeSession, World } from './world.ts';

describe('0206: too many connections', () => {
  test('the connectionLimit of the target: N pass, the next does not, and one that leaves makes room', () => {
    const world = new World({ connectionLimit: 3 });
    world.known = [1, 2].map((tsih) => makeSession(tsih, { identity: { isid: `80000000000${tsih}` } }));
    expect(statusOf(world)).toBe('0000');
    world.known.push(makeSession(3, { identity: { isid: '800000000003' } }));
    expect(statusOf(world)).toBe('0206');
    world.known.pop();
    expect(statusOf(world)).toBe('0000');
  });

  test('is a limit of one target, not of the process', () => {
    const world = new World({ connectionLimit: 1 });
    world.known = [makeSession(1, { identity: { targetName: 'iqn.2026-11.io.lunaring:disk1' } })];
    expect(statusOf(world)).toBe('0000');
  });

  test('the MaxConnections that the session negotiated', () => {
    const world = new World();
    world.known = [makeSession(9, { cids: [0, 1], maxConnections: 2 })];
    expect(new Initiator(world).refused({ ...OPERATE, tsih: 9 }, IDENTITY)).toMatchObject({ status: '0206', tsih: 9 });
    world.known = [makeSession(9, { cids: [0], maxConnections: 2 })];
    expect(statusOf(world, IDENTITY, { tsih: 9 })).toBe('0000');
  });

  test('a session that replaces its predecessor takes no more room than that had', () => {
    const world = new World({ connectionLimit: 1, sessionLimit: 1 });
    world.known = [makeSession(9)];
    expect(statusOf(world)).toBe('0000');
  });
});

describe('0208: can not include in session', () => {
  test('a connection through another portal group than the session has', () => {
    const world = new World();
    world.groups = [1, 2];
    world.known = [makeSession(9, { maxConnections: 2 })];
    const other = new Initiator(world, { tsih: 9 }, { portalGroupTag: 2 });
    expect(other.refused(OPERATE, IDENTITY)).toMatchObject({ status: '0208', tsih: 9 });
    expect(statusOf(world, IDENTITY, { tsih: 9 })).toBe('0000');
  });

  test('a connection to a discovery session, and a discovery login into a normal one', () => {
    const world = new World();
    world.known = [makeSession(9, { identity: { targetName: '' }, sessionType: SessionType.discovery })];
    expect(statusOf(world, IDENTITY, { tsih: 9 })).toBe('0208');
    expect(statusOf(world, { InitiatorName: INITIATOR, SessionType: 'Discovery' }, { tsih: 9 })).toBe('0208');
    world.known = [makeSession(9)];
    expect(statusOf(world, { InitiatorName: INITIATOR, SessionType: 'Discovery' }, { tsih: 9 })).toBe('0208');
  });
});

describe('020A: session does not exist', () => {
  test('an invented TSIH', () => {
    expect(new Initiator(new World()).refused({ ...OPERATE, tsih: 99 }, IDENTITY)).toMatchObject({
      status: '020A',
      tsih: 0,
    });
  });

  test('a real TSIH with another ISID, name or target', () => {
    const world = new World();
    world.known = [makeSession(9, { maxConnections: 2 })];
    expect(statusOf(world, IDENTITY, { tsih: 9, isid: '800de7d80001' })).toBe('020A');
    expect(statusOf(world, { ...IDENTITY, InitiatorName: `${INITIATOR}2` }, { tsih: 9 })).toBe('020A');
    world.known = [makeSession(9, { identity: { targetName: 'iqn.2026-11.io.lunaring:disk1' } })];
    expect(statusOf(world, IDENTITY, { tsih: 9 })).toBe('020A');
  });

  test('a known identity with another TSIH; the TSIH of a session that is over', () => {
    const world = new World();
    world.known = [makeSession(9, { maxConnections: 2 })];
    expect(statusOf(world, IDENTITY, { tsih: 10 })).toBe('020A');
    world.known = [];
    expect(statusOf(world, IDENTITY, { tsih: 9 })).toBe('020A');
  });

  test('a session that ends while a connection logs in to it', () => {
    const world = new World();
    world.known = [makeSession(9, { maxConnections: 2 })];
    const initiator = new Initiator(world, { tsih: 9 });
    expect(initiator.ask(SECURE, IDENTITY).tsih).toBe(9);
    world.known = [];
    expect(initiator.refused(OPERATE)).toMatchObject({ status: '020A', tsih: 0 });
  });
});
