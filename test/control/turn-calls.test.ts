import { describe, expect, it } from 'vitest';
import { TurnCalls } from '../../src/control/turn-calls.ts';
import { Turns } from '../../src/ring/turns.ts';

const UNIT = 2;

function bench(): { turns: Turns; calls: TurnCalls; called: number[] } {
  const turns = Turns.create();
  const called: number[] = [];
  return { turns, called, calls: new TurnCalls(turns, (worker) => called.push(worker)) };
}

describe('TurnCalls', () => {
  it('calls everybody who waits when the turn is given back, once', () => {
    const { turns, calls, called } = bench();
    turns.take(UNIT, 0);
    calls.wanted(1, UNIT);
    calls.wanted(2, UNIT);
    expect(called).toEqual([]);
    calls.freed(UNIT);
    calls.freed(UNIT);
    expect(called).toEqual([1, 2]);
  });

  it('calls at once when the turn was given back before the wish came', () => {
    const { turns, calls, called } = bench();
    turns.take(UNIT, 0);
    turns.take(UNIT, 1);
    turns.give(UNIT, 0);
    calls.freed(UNIT);
    calls.wanted(1, UNIT);
    expect(called).toEqual([1]);
  });

  it('has the turn marked when it was given back and taken again before the wish came', () => {
    const { turns, calls, called } = bench();
    turns.take(UNIT, 0);
    turns.take(UNIT, 1);
    turns.give(UNIT, 0);
    calls.freed(UNIT);
    turns.take(UNIT, 0);
    calls.wanted(1, UNIT);
    expect(called).toEqual([]);
    expect(turns.give(UNIT, 0)).toBe(true);
    calls.freed(UNIT);
    expect(called).toEqual([1]);
  });
});
