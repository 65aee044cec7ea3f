// Which meter is whose: units' come and go with their limits, initiators' are shared by their sessions and given back when these have gone.

import { describe, expect, it } from 'vitest';
import { NONE } from '../../src/base/free-list.ts';
import { MeterBook } from '../../src/control/meter-book.ts';
import type { SessionIdentity } from '../../src/login/policy.ts';
import { Meters } from '../../src/ring/meters.ts';

const TARGET = 'iqn.2026-11.io.lunaring:disk0';
const SLOW = { iops: 10, burstMs: 10 };

function identity(initiatorName: string, isid = '00023d000001', targetName = TARGET): SessionIdentity {
  return { initiatorName, isid, targetName, portalGroupTag: 1 };
}

function book(sessions: SessionIdentity[] = []): { meters: Meters; book: MeterBook } {
  const meters = Meters.create();
  return { meters, book: new MeterBook(meters, () => sessions) };
}

/** What passes of 100 I/Os at once. */
function passes(meters: Meters, meter: number): number {
  let passed = 0;
  for (let index = 0; index < 100; index++) if (meters.book(meter, 5000, 0) <= 5000) passed++;
  return passed;
}

describe('the meter of an initiator', () => {
  const limits = [
    { initiators: ['iqn.1993-08.org.debian:slow*'], ...SLOW },
    { initiators: ['*:slow2', 'iqn.2026-11.io.lunaring:*'], iops: 20, burstMs: 1000 },
  ];

  it('is that of the first entry that matches its name, and none without', () => {
    const present = ['iqn.1993-08.org.debian:slow2', 'iqn.2026-11.io.lunaring:a'].map((name) => identity(name));
    const { meters, book: own } = book(present);
    const first = own.ofInitiator(identity('iqn.1993-08.org.debian:slow2'), limits);
    const second = own.ofInitiator(identity('iqn.2026-11.io.lunaring:a'), limits);
    expect(passes(meters, first)).toBe(1);
    expect(passes(meters, second)).toBe(21);
    expect(own.ofInitiator(identity('iqn.1993-08.org.debian:fast'), limits)).toBe(NONE);
    expect(own.ofInitiator(identity('iqn.1993-08.org.debian:slow2'), [])).toBe(NONE);
  });

  it('is one for all its sessions at a target, another for other initiators and at other targets', () => {
    const name = 'iqn.2026-11.io.lunaring:a';
    const { book: own } = book([identity(name)]);
    const meter = own.ofInitiator(identity(name), limits);
    expect(own.ofInitiator(identity(name, '00023d000002'), limits)).toBe(meter);
    const others = [
      identity(name),
      identity('iqn.2026-11.io.lunaring:b'),
      identity(name, '00023d000001', `${TARGET}2`),
    ];
    const { book: shared } = book(others);
    expect(new Set(others.map((other) => shared.ofInitiator(other, limits))).size).toBe(3);
  });

  it('is given back once the initiator has no session left', () => {
    const sessions: SessionIdentity[] = [];
    const { book: own } = book(sessions);
    const used = new Set<number>();
    for (let index = 0; index < 100; index++) {
      sessions[0] = identity(`iqn.2026-11.io.lunaring:${index}`);
      used.add(own.ofInitiator(sessions[0], limits));
    }
    expect(used.has(NONE)).toBe(false);
    expect(used.size).toBe(1);
  });

  it('changes with the limits of its target', () => {
    const present = identity('iqn.2026-11.io.lunaring:a');
    const { meters, book: own } = book([present]);
    const meter = own.ofInitiator(present, limits);
    const others = [{ initiators: ['*'], iops: 50, burstMs: 1000 }];
    own.change(TARGET, others);
    expect(own.ofInitiator(present, others)).toBe(meter);
    expect(passes(meters, meter)).toBe(51);
    own.change(`${TARGET}2`, []);
    expect(own.ofInitiator(present, others)).toBe(meter);
    own.change(TARGET, []);
    expect(own.ofInitiator(present, [])).toBe(NONE);
  });
});

describe('the meter of a unit', () => {
  it('comes with limits, follows their change, and goes with them', () => {
    const { meters, book: own } = book();
    expect(own.ofUnit(NONE, undefined)).toBe(NONE);
    const meter = own.ofUnit(NONE, SLOW);
    expect(passes(meters, meter)).toBe(1);
    expect(own.ofUnit(meter, { iops: 50, burstMs: 1000 })).toBe(meter);
    expect(passes(meters, meter)).toBe(51);
    expect(own.ofUnit(meter, undefined)).toBe(NONE);
    expect(own.ofUnit(NONE, SLOW)).toBe(meter);
  });
});
