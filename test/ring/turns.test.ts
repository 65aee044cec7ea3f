import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/ring/turns.ts';

const UNIT = 7;

describe('Turns', () => {
  it('give a unit to one worker at a time, whoever made the view of the memory', () => {
    const one = Turns.create();
    const other = new Turns(one.memory);
    expect(one.take(UNIT, 0)).toBe(true);
    expect(other.take(UNIT, 1)).toBe(false);
    expect(other.take(UNIT + 1, 1)).toBe(true);
  });

  it('tell who gives one back whether somebody waits', () => {
    const turns = Turns.create();
    turns.take(UNIT, 0);
    expect(turns.give(UNIT, 0)).toBe(false);
    turns.take(UNIT, 0);
    turns.take(UNIT, 1);
    expect(turns.give(UNIT, 0)).toBe(true);
    expect(turns.take(UNIT, 1)).toBe(true);
  });

  it('can be marked as wanted by somebody who only looks', () => {
    const turns = Turns.create();
    expect(turns.freeOrWanted(UNIT)).toBe(true);
    turns.take(UNIT, 0);
    expect(turns.freeOrWanted(UNIT)).toBe(false);
    expect(turns.give(UNIT, 0)).toBe(true);
  });

  it('are not given back by a stranger', () => {
    const turns = Turns.create();
    turns.take(UNIT, 0);
    expect(() => turns.give(UNIT, 1)).toThrow(/did not have it/);
    expect(() => turns.take(-1, 0)).toThrow(/no such unit/);
  });

  it('of a worker that is gone are free', () => {
    const turns = Turns.create();
    turns.take(3, 1);
    turns.take(4, 0);
    turns.take(5, 1);
    expect(turns.release(1)).toEqual([3, 5]);
    expect([3, 4, 5].map((unit) => turns.take(unit, 2))).toEqual([true, false, true]);
  });
});
