// The rules by which initiators change a unit: medium, prevention, control mode page.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeState, resetState, withoutPreventer } from '../../src/control/unit-state.ts';
import type { NexusName } from '../../src/ring/reservations.ts';
import { FRESH_STATE, isOccupied, type StateChange, type UnitState } from '../../src/ring/unit-state.ts';

const nexus = (name: string): NexusName => ({ initiatorName: name, isid: '00023d000001', portalGroupTag: 1 });
const A = nexus('iqn.a');
const B = nexus('iqn.b');

function stateAfter(state: UnitState, ...changes: [NexusName, StateChange['kind']][]): UnitState {
  return changes.reduce((before, [by, kind]) => changeState(before, by, { kind } as StateChange).state, state);
}

describe('the medium', () => {
  it('goes out and comes in; that it came is news to the others', () => {
    const out = changeState(FRESH_STATE, A, { kind: 'eject' });
    expect(out).toMatchObject({ result: 'good', state: { loaded: false }, news: null });
    expect(changeState(out.state, B, { kind: 'load' })).toMatchObject({
      result: 'good',
      state: { loaded: true },
      news: 'mediumLoaded',
    });
  });

  it('that is where it is wanted already is no news', () => {
    expect(changeState(FRESH_STATE, A, { kind: 'load' })).toEqual({ result: 'good', state: FRESH_STATE, news: null });
  });

  it('stays where it is while anybody holds it, for everybody', () => {
    const held = stateAfter(FRESH_STATE, [A, 'prevent'], [B, 'prevent'], [A, 'allow']);
    for (const by of [A, B]) expect(changeState(held, by, { kind: 'eject' }).result).toBe('prevented');
    expect(changeState(stateAfter(held, [B, 'allow']), A, { kind: 'eject' }).result).toBe('good');
    const out = stateAfter(FRESH_STATE, [A, 'eject'], [A, 'prevent']);
    expect(changeState(out, A, { kind: 'load' }).result).toBe('prevented');
  });

  it('is held once by each, however often they ask', () => {
    expect(stateAfter(FRESH_STATE, [A, 'prevent'], [A, 'prevent'], [A, 'allow']).preventers).toEqual([]);
  });

  it('is free when who held it is gone', () => {
    const held = stateAfter(FRESH_STATE, [A, 'prevent'], [B, 'prevent']);
    expect(withoutPreventer(held, A).preventers).toEqual([B]);
    expect(withoutPreventer(FRESH_STATE, A)).toBe(FRESH_STATE);
    expect(withoutPreventer(held, { ...A, portalGroupTag: 2 })).toBe(held);
    // A name without an ISID is every one of that initiator.
    expect(withoutPreventer(held, { ...A, isid: '' }).preventers).toEqual([B]);
  });
});

describe('the control mode page', () => {
  it('changes for everybody, which is news to the others', () => {
    const change = { kind: 'control', save: false, descriptorSense: true, writeProtected: false } as const;
    const { state, news } = changeState(FRESH_STATE, A, change);
    expect(state.descriptorSense).toBe(true);
    expect(news).toBe('modeParametersChanged');
    expect(changeState(state, B, change)).toEqual({ result: 'good', state, news: null });
  });
});

describe('a reset', () => {
  it('frees the medium, which stays where it is, and takes the mode parameters back', () => {
    const changed = stateAfter(FRESH_STATE, [A, 'eject'], [A, 'prevent']);
    const state = changeState(changed, A, {
      kind: 'control',
      save: false,
      descriptorSense: true,
      writeProtected: true,
    }).state;
    expect(resetState(state)).toEqual({ ...FRESH_STATE, loaded: false });
    expect(resetState(FRESH_STATE)).toBe(FRESH_STATE);
  });
});

describe('the whole medium', () => {
  const occupy = (condition: 'sanitizing' | 'formatting', exitAllowed = false): StateChange => ({
    kind: 'occupy',
    condition,
    exitAllowed,
  });
  const occupied = changeState(FRESH_STATE, A, occupy('sanitizing')).state;
  const failed = changeState(occupied, A, { kind: 'release', failed: true }).state;

  it('is for one command at a time', () => {
    for (const condition of ['sanitizing', 'formatting'] as const) {
      const outcome = changeState(FRESH_STATE, A, occupy(condition));
      expect(outcome).toMatchObject({ result: 'good', state: { condition }, news: null });
      expect(isOccupied(outcome.state)).toBe(true);
      expect(changeState(outcome.state, B, occupy('sanitizing'))).toMatchObject({
        result: 'occupied',
        state: outcome.state,
      });
      const after = changeState(outcome.state, A, { kind: 'release', failed: false });
      expect(after).toEqual({ result: 'good', state: FRESH_STATE, news: null });
    }
  });

  it('stays with it through a reset', () => {
    expect(resetState(occupied)).toBe(occupied);
    expect(resetState(failed)).toBe(failed);
  });

  it('is in pieces after a SANITIZE that failed, until another one succeeds', () => {
    expect(failed.condition).toBe('sanitizeFailed');
    expect(isOccupied(failed)).toBe(false);
    expect(changeState(failed, A, { kind: 'exitFailure' }).result).toBe('exitRefused');
    expect(changeState(failed, A, occupy('sanitizing', true)).result).toBe('exitRefused');
    const again = changeState(failed, A, occupy('sanitizing')).state;
    expect(changeState(again, A, { kind: 'release', failed: false }).state).toEqual(FRESH_STATE);
  });

  it('can be left so if that SANITIZE allowed it', () => {
    const easy = changeState(FRESH_STATE, A, occupy('sanitizing', true)).state;
    const state = changeState(easy, A, { kind: 'release', failed: true }).state;
    expect(changeState(state, B, { kind: 'exitFailure' })).toMatchObject({
      result: 'good',
      state: { condition: 'usable' },
    });
    expect(changeState(state, A, occupy('sanitizing', true)).result).toBe('good');
  });

  it('has no failure to leave when there was none', () => {
    expect(changeState(FRESH_STATE, A, { kind: 'exitFailure' })).toEqual({
      result: 'good',
      state: FRESH_STATE,
      news: null,
    });
  });

  it('can be used after a FORMAT UNIT that failed', () => {
    const formatting = changeState(FRESH_STATE, A, occupy('formatting')).state;
    expect(changeState(formatting, A, { kind: 'release', failed: true }).state).toEqual(FRESH_STATE);
  });
});

describe('any changes by anybody', () => {
  const change = fc.oneof(
    fc.constantFrom<StateChange>({ kind: 'load' }, { kind: 'eject' }, { kind: 'prevent' }, { kind: 'allow' }),
    fc.record({
      kind: fc.constant('control' as const),
      save: fc.boolean(),
      descriptorSense: fc.boolean(),
      writeProtected: fc.boolean(),
    }),
  );
  it('change nothing they do not name, and move no medium that is held', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(A, B), change), { maxLength: 30 }), (changes) => {
        let state = FRESH_STATE;
        for (const [by, each] of changes) {
          const before = state;
          const outcome = changeState(before, by, each);
          state = outcome.state;
          if (before.preventers.length !== 0) expect(state.loaded).toBe(before.loaded);
          expect(outcome.result === 'prevented').toBe(
            before.preventers.length !== 0 && (each.kind === 'load' || each.kind === 'eject'),
          );
          if (outcome.news !== null) expect(state).not.toBe(before);
          expect(state.preventers.length).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});
