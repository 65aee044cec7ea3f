import { describe, expect, it } from 'vitest';
import { ISCSI_NAME_BYTES_MAX } from '../../src/config/limits.ts';
import { nexusLost, reserve, unitReset } from '../../src/control/reservations.ts';
import { allocateChannel, Channel } from '../../src/ring/channel.ts';
import type { ToWorker } from '../../src/ring/messages.ts';
import {
  type NexusName,
  NO_RESERVATIONS,
  REGISTRATIONS_MAX,
  type ReservationSnapshot,
  ReservationType,
  ReserveAction,
  type ReserveOrder,
} from '../../src/ring/reservations.ts';

const nexus = (host: string, isid = '00023d000001', portalGroupTag = 1): NexusName => ({
  initiatorName: `iqn.2026-11.io.test:${host}`,
  isid,
  portalGroupTag,
});
const A = nexus('a');
const B = nexus('b');
const C = nexus('c');
const key = (text: string): string => text.padStart(16, '0');
const NO_KEY = key('');

const order = (action: ReserveAction, by: NexusName, more: Partial<ReserveOrder> = {}): ReserveOrder => ({
  unit: 0,
  action,
  nexus: by,
  key: NO_KEY,
  serviceActionKey: NO_KEY,
  type: ReservationType.none,
  others: [],
  allTargetPorts: false,
  aptpl: false,
  moveTo: null,
  unregister: false,
  ...more,
});

/** A unit, and orders carried out on it one after the other. */
class Bench {
  state: ReservationSnapshot = NO_RESERVATIONS;
  news: string[] = [];
  aborted: string[] = [];

  do(action: ReserveAction, by: NexusName, more: Partial<ReserveOrder> = {}): string {
    const outcome = reserve(this.state, order(action, by, more), [1, 2]);
    this.state = outcome.state;
    this.news = outcome.news.map(({ nexus: { initiatorName }, news }) => `${initiatorName.slice(-1)} ${news}`).sort();
    this.aborted = outcome.abort.map(({ initiatorName }) => initiatorName.slice(-1));
    return outcome.result;
  }

  register(by: NexusName, its: string, old = ''): string {
    return this.do(ReserveAction.REGISTER, by, { key: key(old), serviceActionKey: key(its) });
  }

  reserve(by: NexusName, its: string, type: ReservationType): string {
    return this.do(ReserveAction.RESERVE, by, { key: key(its), type });
  }

  get holder(): string | null {
    return this.state.registrations[this.state.holder]?.nexus.initiatorName.slice(-1) ?? null;
  }

  get registered(): string[] {
    return this.state.registrations.map(
      ({ nexus: { initiatorName }, key: its }) => `${initiatorName.slice(-1)}${Number(its)}`,
    );
  }
}

const three = (): Bench => {
  const bench = new Bench();
  for (const [host, its] of [
    [A, '1'],
    [B, '2'],
    [C, '3'],
  ] as const) {
    bench.register(host, its);
  }
  return bench;
};

describe('REGISTER', () => {
  it('takes a key, changes it, and gives it up, for whoever knows the old one', () => {
    const bench = new Bench();
    expect(bench.register(A, '1', '9')).toBe('conflict');
    expect(bench.register(A, '1')).toBe('good');
    expect(bench.register(A, '5', '2')).toBe('conflict');
    expect(bench.register(A, '5', '1')).toBe('good');
    expect(bench.registered).toEqual(['a5']);
    expect(bench.register(A, '', '5')).toBe('good');
    expect(bench.registered).toEqual([]);
    expect(bench.state.generation).toBe(3);
  });

  it('AND IGNORE EXISTING KEY asks for no key', () => {
    const bench = new Bench();
    bench.register(A, '1');
    const more = { key: key('77'), serviceActionKey: key('4') };
    expect(bench.do(ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, A, more)).toBe('good');
    expect(bench.registered).toEqual(['a4']);
  });

  it('with ALL_TG_PT registers through every portal group, with SPEC_I_PT others too, unless they are registered', () => {
    const bench = new Bench();
    bench.do(ReserveAction.REGISTER, A, { serviceActionKey: key('1'), allTargetPorts: true });
    expect(bench.state.registrations.map(({ nexus: { portalGroupTag } }) => portalGroupTag)).toEqual([1, 2]);
    expect(bench.do(ReserveAction.REGISTER, B, { serviceActionKey: key('2'), others: [C] })).toBe('good');
    expect(bench.registered).toEqual(['a1', 'a1', 'b2', 'c2']);
    const again = { serviceActionKey: key('3'), others: [C] };
    expect(bench.do(ReserveAction.REGISTER, nexus('d'), again)).toBe('invalidParameter');
    expect(bench.do(ReserveAction.REGISTER, B, { ...again, key: key('2') })).toBe('invalidParameter');
  });

  it('of an initiator without an ISID stands for all of its sessions', () => {
    const bench = new Bench();
    bench.do(ReserveAction.REGISTER, A, { serviceActionKey: key('1'), others: [nexus('b', '')] });
    expect(bench.reserve(nexus('b', '80aabbccddee'), '1', ReservationType.WRITE_EXCLUSIVE)).toBe('good');
    expect(bench.holder).toBe('b');
  });

  it('without an ISID is for each of its sessions to change, and to give up', () => {
    const bench = new Bench();
    bench.do(ReserveAction.REGISTER, A, { serviceActionKey: key('1'), others: [nexus('b', '')] });
    expect(bench.register(B, '9', '1')).toBe('good');
    expect(bench.registered).toEqual(['a1', 'b9']);
    expect(bench.reserve(B, '9', ReservationType.WRITE_EXCLUSIVE)).toBe('good');
    const release = { key: key('9'), type: ReservationType.WRITE_EXCLUSIVE };
    expect(bench.do(ReserveAction.RELEASE, B, release)).toBe('good');
    expect(bench.state.type).toBe(ReservationType.none);
    const other = nexus('b', '80aabbccddee');
    const ignored = { serviceActionKey: key('8') };
    expect(bench.do(ReserveAction.REGISTER_AND_IGNORE_EXISTING_KEY, other, ignored)).toBe('good');
    expect(bench.registered).toEqual(['a1', 'b8']);
    expect(bench.register(B, '', '8')).toBe('good');
    expect(bench.registered).toEqual(['a1']);
  });

  it('without an ISID is not made beside one with an ISID of the same initiator, nor the other way around', () => {
    const everyB = nexus('b', '');
    const bench = new Bench();
    const registering = (others: NexusName[]) => ({ serviceActionKey: key('1'), others });
    bench.register(B, '2');
    expect(bench.do(ReserveAction.REGISTER, A, registering([everyB]))).toBe('invalidParameter');
    bench.register(B, '', '2');
    expect(bench.do(ReserveAction.REGISTER, A, registering([everyB, B]))).toBe('invalidParameter');
    expect(bench.do(ReserveAction.REGISTER, B, registering([everyB]))).toBe('invalidParameter');
    expect(bench.registered).toEqual([]);
    expect(bench.do(ReserveAction.REGISTER, A, registering([everyB, everyB]))).toBe('good');
    expect(bench.do(ReserveAction.REGISTER, C, registering([B]))).toBe('invalidParameter');
    expect(bench.registered).toEqual(['a1', 'b1']);
  });

  it('that ends the holder’s registration ends the reservation, and registrants that shared it hear so', () => {
    const bench = three();
    bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY);
    expect(bench.register(A, '', '1')).toBe('good');
    expect(bench.state.type).toBe(ReservationType.none);
    expect(bench.news).toEqual(['b reservationsReleased', 'c reservationsReleased']);
  });

  it('keeps an all-registrants reservation until the last registrant goes', () => {
    const bench = three();
    bench.reserve(A, '1', ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
    bench.register(A, '', '1');
    bench.register(B, '', '2');
    expect(bench.state.type).toBe(ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS);
    bench.register(C, '', '3');
    expect(bench.state.type).toBe(ReservationType.none);
  });
});

describe('RESERVE and RELEASE', () => {
  it('want a registration and its key', () => {
    const bench = new Bench();
    expect(bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE)).toBe('conflict');
    bench.register(A, '1');
    expect(bench.reserve(A, '2', ReservationType.WRITE_EXCLUSIVE)).toBe('conflict');
    expect(bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE)).toBe('good');
  });

  it('are good again for the holder with the same type, a conflict for others and other types', () => {
    const bench = three();
    bench.reserve(A, '1', ReservationType.EXCLUSIVE_ACCESS);
    expect(bench.reserve(A, '1', ReservationType.EXCLUSIVE_ACCESS)).toBe('good');
    expect(bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE)).toBe('conflict');
    expect(bench.reserve(B, '2', ReservationType.EXCLUSIVE_ACCESS)).toBe('conflict');
  });

  it('release nothing for those who hold nothing, and refuse another type', () => {
    const bench = three();
    bench.reserve(A, '1', ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);
    const release = (by: NexusName, its: string, type: ReservationType): string =>
      bench.do(ReserveAction.RELEASE, by, { key: key(its), type });
    expect(release(B, '2', ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY)).toBe('good');
    expect(bench.holder).toBe('a');
    expect(release(A, '1', ReservationType.WRITE_EXCLUSIVE)).toBe('invalidRelease');
    expect(release(A, '1', ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY)).toBe('good');
    expect(bench.news).toEqual(['b reservationsReleased', 'c reservationsReleased']);
    expect(bench.state.generation).toBe(3);
  });
});

describe('a reservation that is the holder’s alone', () => {
  const holders: readonly [string, ReserveAction, string][] = [
    ['released', ReserveAction.RELEASE, ''],
    ['given up with the registration', ReserveAction.REGISTER, ''],
  ];
  it.each(
    holders.flatMap(([how, action, its]) =>
      [ReservationType.WRITE_EXCLUSIVE, ReservationType.EXCLUSIVE_ACCESS].map((type) => ({ how, action, its, type })),
    ),
  )('of type $type is $how, and nobody needs to hear', ({ action, its, type }) => {
    const bench = three();
    bench.reserve(A, '1', type);
    expect(bench.do(action, A, { key: key('1'), serviceActionKey: key(its), type })).toBe('good');
    expect([bench.state.type, bench.holder, bench.news]).toEqual([ReservationType.none, null, []]);
  });
});

describe('CLEAR and PREEMPT', () => {
  it('clear everything, and everybody else hears', () => {
    const bench = three();
    bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
    expect(bench.do(ReserveAction.CLEAR, A, { key: key('1') })).toBe('good');
    expect(bench.state).toMatchObject({ registrations: [], type: ReservationType.none, generation: 4 });
    expect(bench.news).toEqual(['b reservationsPreempted', 'c reservationsPreempted']);
  });

  it('take the reservation of the key that is named', () => {
    const bench = three();
    bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
    const more = { key: key('1'), serviceActionKey: key('2'), type: ReservationType.EXCLUSIVE_ACCESS };
    expect(bench.do(ReserveAction.PREEMPT, A, more)).toBe('good');
    expect(bench.holder).toBe('a');
    expect(bench.state.type).toBe(ReservationType.EXCLUSIVE_ACCESS);
    expect(bench.registered).toEqual(['a1', 'c3']);
    expect(bench.news).toEqual(['b registrationsPreempted', 'c reservationsReleased']);
    expect(bench.aborted).toEqual([]);
  });

  it.each([
    { type: ReservationType.WRITE_EXCLUSIVE, told: [] },
    { type: ReservationType.EXCLUSIVE_ACCESS, told: ['b reservationsReleased', 'c reservationsReleased'] },
    {
      type: ReservationType.EXCLUSIVE_ACCESS_ALL_REGISTRANTS,
      told: ['b reservationsReleased', 'c reservationsReleased'],
    },
  ])('by the holder itself change the type to $type, and registrants hear of a change', ({ type, told }) => {
    const bench = three();
    bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
    const more = { key: key('1'), serviceActionKey: key('1'), type };
    expect(bench.do(ReserveAction.PREEMPT, A, more)).toBe('good');
    expect([bench.state.type, bench.registered]).toEqual([type, ['a1', 'b2', 'c3']]);
    expect(bench.news).toEqual(told);
  });

  it('remove registrations that do not hold it, and leave the reservation alone', () => {
    const bench = three();
    bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
    const more = { key: key('1'), serviceActionKey: key('3'), type: ReservationType.EXCLUSIVE_ACCESS };
    expect(bench.do(ReserveAction.PREEMPT_AND_ABORT, A, more)).toBe('good');
    expect([bench.holder, bench.state.type]).toEqual(['b', ReservationType.WRITE_EXCLUSIVE]);
    expect(bench.aborted).toEqual(['c']);
  });

  it('need no type to remove registrations, and one to take the reservation', () => {
    const bench = three();
    const preempt = (its: string): string =>
      bench.do(ReserveAction.PREEMPT, A, { key: key('1'), serviceActionKey: key(its), type: ReservationType.none });
    bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
    expect(preempt('3')).toBe('good');
    expect([bench.registered, bench.holder]).toEqual([['a1', 'b2'], 'b']);
    expect(preempt('2')).toBe('invalidType');
    expect([bench.registered, bench.holder]).toEqual([['a1', 'b2'], 'b']);
    const shared = three();
    shared.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS);
    const none = { key: key('1'), serviceActionKey: NO_KEY, type: ReservationType.none };
    expect(shared.do(ReserveAction.PREEMPT, A, none)).toBe('invalidType');
    expect(shared.registered).toEqual(['a1', 'b2', 'c3']);
  });

  it.each([ReserveAction.PREEMPT, ReserveAction.PREEMPT_AND_ABORT])(
    '%i with one’s own key removes one’s own registration too, unless it takes or holds the reservation',
    (action) => {
      const bench = three();
      bench.register(C, '1', '3');
      const own = { key: key('1'), serviceActionKey: key('1'), type: ReservationType.WRITE_EXCLUSIVE };
      bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
      expect(bench.do(action, A, own)).toBe('good');
      expect([bench.registered, bench.holder]).toEqual([['b2'], 'b']);
      expect(bench.news).toEqual(['c registrationsPreempted']);
      bench.register(A, '2');
      expect(bench.do(action, A, { ...own, key: key('2'), serviceActionKey: key('2') })).toBe('good');
      expect([bench.registered, bench.holder]).toEqual([['a2'], 'a']);
      expect(bench.do(action, A, { ...own, key: key('2'), serviceActionKey: key('2') })).toBe('good');
      expect([bench.registered, bench.holder]).toEqual([['a2'], 'a']);
      const shared = three();
      shared.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS);
      expect(shared.do(action, A, own)).toBe('good');
      expect(shared.registered).toEqual(['a1', 'b2', 'c3']);
    },
  );

  it('are a conflict for a key that nobody has, and invalid for no key, but with all registrants', () => {
    const bench = three();
    bench.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE);
    const preempt = (its: string): string =>
      bench.do(ReserveAction.PREEMPT, A, {
        key: key('1'),
        serviceActionKey: key(its),
        type: ReservationType.WRITE_EXCLUSIVE,
      });
    expect(preempt('8')).toBe('conflict');
    expect(preempt('')).toBe('invalidParameter');
    const shared = three();
    shared.reserve(B, '2', ReservationType.WRITE_EXCLUSIVE_ALL_REGISTRANTS);
    const more = { key: key('1'), serviceActionKey: NO_KEY, type: ReservationType.WRITE_EXCLUSIVE };
    expect(shared.do(ReserveAction.PREEMPT, A, more)).toBe('good');
    expect(shared.registered).toEqual(['a1']);
    expect(shared.holder).toBe('a');
  });
});

describe('REGISTER AND MOVE', () => {
  it('gives the reservation to another, who need not be registered', () => {
    const bench = new Bench();
    bench.register(A, '1');
    bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
    const more = { key: key('1'), serviceActionKey: key('7'), moveTo: B, unregister: true };
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, A, more)).toBe('good');
    expect(bench.holder).toBe('b');
    expect(bench.registered).toEqual(['b7']);
  });

  it('is for the holder, not to itself, and not with all registrants', () => {
    const bench = three();
    const more = { key: key('1'), serviceActionKey: key('7'), moveTo: B };
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, A, more)).toBe('conflict');
    bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, A, { ...more, moveTo: A })).toBe('invalidParameter');
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, A, { ...more, moveTo: nexus('a', '') })).toBe('invalidParameter');
  });

  it('finds the registration that one without an ISID is', () => {
    const bench = new Bench();
    bench.do(ReserveAction.REGISTER, A, { serviceActionKey: key('1'), others: [nexus('b', '')] });
    bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
    const more = { key: key('1'), serviceActionKey: key('7'), moveTo: B };
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, A, more)).toBe('good');
    expect([bench.registered, bench.holder]).toEqual([['a1', 'b7'], 'b']);
  });
});

describe('as many registrations as a unit keeps', () => {
  /** The longest names there are. */
  const hosts = Array.from({ length: REGISTRATIONS_MAX }, (_, index) => nexus(`${'x'.repeat(200)}${100 + index}`));

  function full(): Bench {
    const bench = new Bench();
    for (const host of hosts) bench.register(host, '1');
    bench.reserve(hosts[0]!, '1', ReservationType.EXCLUSIVE_ACCESS_REGISTRANTS_ONLY);
    return bench;
  }

  it('are no more by REGISTER with ALL_TG_PT and SPEC_I_PT, and then nobody looks who they are', () => {
    const bench = new Bench();
    // Through each of two portal groups, and so does the one that names them.
    const half = REGISTRATIONS_MAX / 2;
    const more = { serviceActionKey: key('1'), allTargetPorts: true };
    expect(bench.do(ReserveAction.REGISTER, A, { ...more, others: hosts.slice(1, half) })).toBe('good');
    expect(bench.state.registrations).toHaveLength(REGISTRATIONS_MAX);
    expect(bench.do(ReserveAction.REGISTER, B, { ...more, others: hosts.slice(1, half) })).toBe('invalidParameter');
    expect(bench.do(ReserveAction.REGISTER, B, { ...more, others: hosts.slice(1, half + 1) })).toBe('noResources');
  });

  it('are no more by REGISTER AND MOVE', () => {
    const bench = full();
    const move = { key: key('1'), serviceActionKey: key('2'), moveTo: A };
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, hosts[0]!, move)).toBe('noResources');
    expect(bench.state.registrations).toHaveLength(REGISTRATIONS_MAX);
    expect(bench.do(ReserveAction.REGISTER_AND_MOVE, hosts[0]!, { ...move, unregister: true })).toBe('good');
    expect(bench.state.registrations).toHaveLength(REGISTRATIONS_MAX);
  });
});

describe('RESERVE(6) and RELEASE(6)', () => {
  it('hold the unit for one nexus until it lets go, is gone, or the unit is reset', () => {
    const bench = new Bench();
    expect(bench.do(ReserveAction.RESERVE_6, A)).toBe('good');
    expect(bench.do(ReserveAction.RESERVE_6, B)).toBe('conflict');
    expect(bench.do(ReserveAction.RELEASE_6, B)).toBe('good');
    expect(bench.state.reservedBy).toEqual(A);
    expect(nexusLost(bench.state, B)).toBe(bench.state);
    expect(nexusLost(bench.state, A).reservedBy).toBeNull();
    expect(unitReset(bench.state).reservedBy).toBeNull();
    expect(bench.do(ReserveAction.RELEASE_6, A)).toBe('good');
    expect(bench.state.reservedBy).toBeNull();
  });

  it('and persistent reservations exclude each other', () => {
    const bench = new Bench();
    bench.do(ReserveAction.RESERVE_6, A);
    expect(bench.register(B, '2')).toBe('conflict');
    expect(bench.register(A, '1')).toBe('conflict');
    const other = three();
    expect(other.do(ReserveAction.RESERVE_6, A)).toBe('conflict');
    other.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
    expect(other.do(ReserveAction.RESERVE_6, A)).toBe('good');
    expect(other.state.reservedBy).toBeNull();
  });

  it.each([ReserveAction.RESERVE_6, ReserveAction.RELEASE_6])(
    '%i with registrations is good for those who may use the unit, and a conflict for others',
    (action) => {
      const bench = three();
      const D = nexus('d');
      const results = (): string[] => [A, B, D].map((each) => bench.do(action, each));
      expect(results()).toEqual(['conflict', 'conflict', 'conflict']);
      bench.reserve(A, '1', ReservationType.WRITE_EXCLUSIVE);
      expect(results()).toEqual(['good', 'conflict', 'conflict']);
      const more = {
        key: key('1'),
        serviceActionKey: key('1'),
        type: ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY,
      };
      bench.do(ReserveAction.PREEMPT, A, more);
      expect(results()).toEqual(['good', 'good', 'conflict']);
      expect([bench.holder, bench.state.reservedBy]).toEqual(['a', null]);
    },
  );
});

describe('the most registrations, with the longest names', () => {
  /** JSON has two characters for each quotation mark. */
  const [holder, ...others] = Array.from({ length: REGISTRATIONS_MAX }, (_, index) => {
    const number = String(index).padStart(4, '0');
    return { ...A, initiatorName: `iqn.${number}${'"'.repeat(ISCSI_NAME_BYTES_MAX - 8)}`, portalGroupTag: 0xffff };
  });
  const type = ReservationType.WRITE_EXCLUSIVE_REGISTRANTS_ONLY;
  const keys = { key: key('1'), serviceActionKey: key('1'), type };

  it.each([
    ['a release', ReserveAction.RELEASE],
    ['a preemption', ReserveAction.PREEMPT_AND_ABORT],
  ])('are told to workers at %s, news and all', (_what, action) => {
    const bench = new Bench();
    expect(bench.do(ReserveAction.REGISTER, holder!, { serviceActionKey: key('1'), others })).toBe('good');
    expect(bench.do(ReserveAction.RESERVE, holder!, keys)).toBe('good');
    const { result, ...told } = reserve(bench.state, order(action, holder!, keys), [1]);
    expect([result, told.news.length]).toEqual(['good', REGISTRATIONS_MAX - 1]);
    const { toWorker, fromWorker } = allocateChannel();
    const channel = new Channel<ToWorker, never>(toWorker, fromWorker, () => {});
    channel.send({ type: 'reservation', request: 1, unit: 0, ...told });
    expect(channel.depth.out).toBeGreaterThan(0);
  });
});
