import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serialAdd, serialDistance } from '../../src/base/serial.ts';
import { Budget } from '../../src/session/budget.ts';
import { Arrival, CmdWindow } from '../../src/session/cmd-window.ts';

const open = (expCmdSN: number, depth: number, initial = depth): CmdWindow =>
  new CmdWindow(expCmdSN, depth, initial, new Budget(10_000));

describe('CmdWindow (RFC 7143 §4.2.2.1)', () => {
  it('takes commands in order and ignores what is outside the window', () => {
    const window = open(100, 4);
    expect(window.judge(99)).toBe(Arrival.ignore);
    expect(window.judge(100)).toBe(Arrival.now);
    expect(window.judge(103)).toBe(Arrival.early);
    expect(window.judge(104)).toBe(Arrival.ignore);
  });

  it('ignores a command that came before, early ones included', () => {
    const window = open(0xffffffff, 4);
    window.take(1);
    expect(window.judge(1)).toBe(Arrival.ignore);
    window.take(0xffffffff);
    expect(window.judge(0xffffffff)).toBe(Arrival.ignore);
    expect(window.expCmdSN).toBe(0);
  });

  it('leaves a gap where a command that came early is not taken in its turn', () => {
    const window = open(100, 4);
    window.take(101);
    window.take(102);
    window.take(100);
    expect(window.recallEarly()).toBe(true);
    expect([window.expCmdSN, window.recallEarly()]).toEqual([101, false]);
    expect(window.judge(101)).toBe(Arrival.now);
    window.take(101);
    expect([window.recallEarly(), window.expCmdSN]).toEqual([true, 102]);
  });

  it('is shut while as many commands run as were promised, and opens as they end', () => {
    const window = open(7, 2);
    window.take(7);
    window.take(8);
    expect(window.judge(9)).toBe(Arrival.ignore);
    window.ended();
    expect(window.judge(9)).toBe(Arrival.now);
    expect(window.judge(10)).toBe(Arrival.ignore);
  });

  it('grows with use up to the depth, and no further than the budget', () => {
    const window = open(0, 64, 4);
    for (let cmdSN = 0; cmdSN < 1000; cmdSN++) {
      if (window.judge(cmdSN) === Arrival.ignore) break;
      window.take(cmdSN);
      if (cmdSN % 2 === 1) window.ended();
    }
    expect(window.promised).toBe(64);
    const poor = new CmdWindow(0, 64, 4, new Budget(4));
    for (let cmdSN = 0; cmdSN < 100; cmdSN++) {
      poor.take(cmdSN);
      poor.ended();
    }
    expect(poor.promised).toBeLessThanOrEqual(8);
  });

  it('runs every command once and in order, however connections deliver them, and MaxCmdSN never retreats', () => {
    const order = fc.shuffledSubarray([...Array(12).keys()], { minLength: 12 });
    // Window after window: a number that came early has nothing to say of the one that comes in its place later.
    const orders = fc.array(order, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), orders, (start, windows) => {
        const arrivals = windows.flatMap((each, round) => each.map((index) => round * 12 + index));
        const window = open(start, 12);
        const ran: number[] = [];
        let max = window.maxCmdSN;
        const run = (cmdSN: number): void => {
          ran.push(serialDistance(cmdSN, start));
          window.ended();
          expect(serialDistance(window.maxCmdSN, max)).toBeGreaterThanOrEqual(0);
          max = window.maxCmdSN;
        };
        for (const index of arrivals) {
          const cmdSN = serialAdd(start, index);
          const arrival = window.judge(cmdSN);
          expect(arrival).not.toBe(Arrival.ignore);
          window.take(cmdSN);
          if (arrival !== Arrival.now) continue;
          run(cmdSN);
          for (let due = window.expCmdSN; window.recallEarly(); due = window.expCmdSN) {
            window.take(due);
            run(due);
          }
        }
        expect(ran).toEqual([...arrivals.keys()]);
      }),
    );
  });
});
