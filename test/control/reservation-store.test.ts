import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadReservations, reservationPath, storeReservations } from '../../src/control/reservation-store.ts';
import { NO_RESERVATIONS, type ReservationSnapshot, ReservationType } from '../../src/ring/reservations.ts';

const KEPT: ReservationSnapshot = {
  generation: 12,
  type: ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
  holder: 0,
  registrations: [
    {
      nexus: { initiatorName: 'iqn.2026-11.io.test:a', isid: '00023d000001', portalGroupTag: 1 },
      key: '00000000deadbeef',
      allTargetPorts: true,
    },
  ],
  reservedBy: null,
  aptpl: true,
};

describe('kept reservations', () => {
  let directory = '';
  let path = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lunaring-reservations-'));
    path = reservationPath(join(directory, 'disk.img'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('come back as they were but for PRGENERATION, readable by their owner only', () => {
    storeReservations(path, KEPT);
    expect(loadReservations(path)).toEqual({ ...KEPT, generation: 0 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['disk.img.reservations.json']);
  });

  it('are read from a file of an earlier version, which has PRGENERATION', () => {
    const { generation, type, holder, registrations } = KEPT;
    writeFileSync(path, JSON.stringify({ version: 1, generation, type, holder, registrations }));
    expect(loadReservations(path)).toEqual({ ...KEPT, generation: 0 });
  });

  it('are none where there is no file', () => {
    expect(loadReservations(path)).toBe(NO_RESERVATIONS);
  });

  it('are forgotten when nobody is registered, or they are not to last', () => {
    for (const state of [
      { ...KEPT, aptpl: false },
      { ...KEPT, registrations: [] },
    ]) {
      storeReservations(path, KEPT);
      storeReservations(path, state);
      expect(existsSync(path)).toBe(false);
    }
  });

  it('are not guessed from a file that makes no sense', () => {
    for (const text of ['', '{}', '{"version":2}', JSON.stringify({ ...KEPT, version: 1, type: 4 })]) {
      writeFileSync(path, text);
      expect(() => loadReservations(path)).toThrow(/not a file of reservations/);
    }
  });
});
