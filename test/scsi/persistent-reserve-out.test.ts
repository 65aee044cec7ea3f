// PERSISTENT RESERVE OUT: what becomes of the parameter list before main has its say.

import { describe, expect, it } from 'vitest';
import { REGISTRATIONS_MAX, ReservationType, ReserveAction } from '../../src/ring/reservations.ts';
import { AdditionalSense, SenseKey } from '../../src/scsi/sense.ts';
import { Status } from '../../src/scsi/task.ts';
import { encodeTransportId } from '../../src/scsi/transport-id.ts';
import { type Outcome, ScsiBench } from '../support/scsi-bench.ts';

const TO = { initiatorName: 'iqn.2026-11.io.lunaring:initiator2', isid: '00023d000002' };

/** REGISTER AND MOVE to a target port. */
function move(bench: ScsiBench, relativeTargetPort: number): Outcome {
  const transportId = encodeTransportId(TO);
  const list = Buffer.concat([Buffer.alloc(24), transportId]);
  list.writeUInt32BE(1, 4);
  list.writeUInt32BE(7, 12);
  list.writeUInt16BE(relativeTargetPort, 18);
  list.writeUInt32BE(transportId.length, 20);
  return bench.run(`5f 07 00 0000 ${list.length.toString(16).padStart(8, '0')} 00`, { data: list });
}

describe('REGISTER AND MOVE', () => {
  it.each([
    { relativeTargetPort: 1, portalGroupTag: 1 },
    { relativeTargetPort: 300, portalGroupTag: 300 },
    // Tag 0: the identifier 0 is reserved.
    { relativeTargetPort: 0xffff, portalGroupTag: 0 },
  ])('to target port $relativeTargetPort is to portal group $portalGroupTag', (port) => {
    const bench = new ScsiBench({ portalGroups: [0, 1, 300] });
    expect(move(bench, port.relativeTargetPort).status).toBe(Status.GOOD);
    expect(bench.orders).toMatchObject([
      { action: ReserveAction.REGISTER_AND_MOVE, moveTo: { ...TO, portalGroupTag: port.portalGroupTag } },
    ]);
  });

  it.each([0, 2, 0xffff])('to target port %i, which does not exist, is refused', (relativeTargetPort) => {
    const bench = new ScsiBench({ portalGroups: [1] });
    expect(move(bench, relativeTargetPort)).toMatchObject({ senseKey: 5, additionalSense: 0x2600 });
    expect(bench.orders).toEqual([]);
  });
});

const REGISTER = 0x00;
const KEY = 7;
const FLAGS_AT = 20;
const SPEC_I_PT = 0x08;
const APTPL = 0x01;

/** REGISTER with the key {@link KEY}, these flags, and bytes behind the 24 of every list. */
function register(bench: ScsiBench, flags: number, behind: Uint8Array = Buffer.alloc(0), length?: number): Outcome {
  const list = Buffer.concat([Buffer.alloc(24), behind]);
  list.writeUInt32BE(KEY, 12);
  list[FLAGS_AT] = flags;
  const cdb = `5f 0${REGISTER} 00 0000 ${(length ?? list.length).toString(16).padStart(8, '0')} 00`;
  return bench.run(cdb, { data: list });
}

/** What comes behind the 24 bytes with SPEC_I_PT: TransportIDs, and how long they are said to be. */
function named(transportIds: readonly Uint8Array[], lengthOff = 0): Buffer {
  const ids = Buffer.concat(transportIds);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(ids.length + lengthOff);
  return Buffer.concat([length, ids]);
}

const WRONG_LENGTH = {
  senseKey: SenseKey.ILLEGAL_REQUEST,
  additionalSense: AdditionalSense.PARAMETER_LIST_LENGTH_ERROR,
};
const REFUSED = {
  senseKey: SenseKey.ILLEGAL_REQUEST,
  additionalSense: AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST,
};

describe('the parameter list of REGISTER', () => {
  const ids = [encodeTransportId(TO), encodeTransportId({ ...TO, isid: '' })];

  it('is 24 bytes', () => {
    const bench = new ScsiBench();
    expect(register(bench, 0).status).toBe(Status.GOOD);
    expect(bench.orders).toMatchObject([{ key: '0'.repeat(16), serviceActionKey: '0000000000000007', others: [] }]);
  });

  it.each([
    ['less than that', 0, Buffer.alloc(0), 23],
    ['more than that', 0, Buffer.alloc(4), 28],
    ['more than came', 0, Buffer.alloc(0), 32],
    ['that, with SPEC_I_PT', SPEC_I_PT, Buffer.alloc(0), 24],
    ['shorter than the TransportIDs are said to be', SPEC_I_PT, named(ids, 4), undefined],
  ])('may not be %s', (_what, flags, behind, length) => {
    const bench = new ScsiBench();
    expect(register(bench, flags, behind, length)).toMatchObject(WRONG_LENGTH);
    expect(bench.orders).toEqual([]);
  });

  it('names others with SPEC_I_PT, with an ISID or without, at the port of the one who sends it', () => {
    const bench = new ScsiBench();
    expect(register(bench, SPEC_I_PT, named(ids)).status).toBe(Status.GOOD);
    const others = [TO, { ...TO, isid: '' }].map((each) => ({ ...each, portalGroupTag: 1 }));
    expect(bench.orders).toMatchObject([{ others }]);
  });

  it('registers nobody when one of those named can not be read', () => {
    const bench = new ScsiBench();
    const fibreChannel = encodeTransportId(TO).slice();
    fibreChannel[0] = 0;
    expect(register(bench, SPEC_I_PT, named([ids[0]!, fibreChannel]))).toMatchObject(REFUSED);
    expect(bench.orders).toEqual([]);
  });

  it('takes names as logins take them, so that they are those of sessions', () => {
    const bench = new ScsiBench();
    const initiatorName = 'IQN.2008-11.org.linux-kvm:My\u00a0\uff36\uff2d';
    const others = ['00023D00000A', ''].map((isid) => encodeTransportId({ initiatorName, isid }));
    expect(register(bench, SPEC_I_PT, named(others)).status).toBe(Status.GOOD);
    const name = 'iqn.2008-11.org.linux-kvm:my vm';
    expect(bench.orders).toMatchObject([
      { others: ['00023d00000a', ''].map((isid) => ({ initiatorName: name, isid, portalGroupTag: 1 })) },
    ]);
  });

  it.each([
    ['a name longer than any that can log in', 'iqn.2026-11.io.lunaring:'.padEnd(60_000, 'x')],
    ['a name with control characters', 'iqn.2026-11.io.lunaring:\u0001\u0002'],
    ['a name of no type', 'initiator.io.lunaring.example'],
  ])('registers nobody when one has %s', (_what, initiatorName) => {
    for (const isid of ['', TO.isid]) {
      const bench = new ScsiBench();
      expect(register(bench, SPEC_I_PT, named([ids[0]!, encodeTransportId({ initiatorName, isid })]))).toMatchObject(
        REFUSED,
      );
      expect(bench.orders).toEqual([]);
    }
  });

  it('names no more than can be registered', () => {
    const bench = new ScsiBench();
    const transportId = (_: unknown, index: number) =>
      encodeTransportId({ ...TO, isid: index.toString(16).padStart(12, '0') });
    const most = Array.from({ length: REGISTRATIONS_MAX }, transportId);
    expect(register(bench, SPEC_I_PT, named(most)).status).toBe(Status.GOOD);
    expect(bench.orders).toHaveLength(1);
    expect(register(bench, SPEC_I_PT, named([...most, encodeTransportId(TO)]))).toMatchObject({
      senseKey: SenseKey.ILLEGAL_REQUEST,
      additionalSense: AdditionalSense.INSUFFICIENT_REGISTRATION_RESOURCES,
    });
    expect(bench.orders).toHaveLength(1);
  });

  it('may ask for APTPL where there is a place to keep it, and nowhere else', () => {
    const durable = new ScsiBench({ durable: true });
    expect(register(durable, APTPL).status).toBe(Status.GOOD);
    expect(durable.orders).toMatchObject([{ aptpl: true }]);
    const forgetful = new ScsiBench({ durable: false });
    const refused = register(forgetful, APTPL);
    expect(refused).toMatchObject({ additionalSense: AdditionalSense.INVALID_FIELD_IN_PARAMETER_LIST });
    expect(refused.sense.endsWith('800014')).toBe(true);
    expect(forgetful.orders).toEqual([]);
  });
});

describe('scope and type', () => {
  const NO_SUCH = ['00', '02', '0f', '15'];
  const run = (bench: ScsiBench, action: ReserveAction, scopeAndType: string): Outcome =>
    bench.run(`5f 0${action} ${scopeAndType} 0000 00000018 00`, { data: new Uint8Array(24) });
  const REFUSED_IN_CDB = { senseKey: 5, additionalSense: 0x2400, sense: expect.stringMatching(/c00002$/) };

  it.each([ReserveAction.RESERVE, ReserveAction.RELEASE])('must exist for service action %i', (action) => {
    const bench = new ScsiBench();
    for (const scopeAndType of NO_SUCH) expect(run(bench, action, scopeAndType)).toMatchObject(REFUSED_IN_CDB);
    expect(bench.orders).toEqual([]);
    expect(run(bench, action, '05').status).toBe(Status.GOOD);
  });

  it.each([ReserveAction.PREEMPT, ReserveAction.PREEMPT_AND_ABORT])(
    'of service action %i are looked at where it makes a reservation, which main knows',
    (action) => {
      const bench = new ScsiBench();
      for (const scopeAndType of NO_SUCH) expect(run(bench, action, scopeAndType).status).toBe(Status.GOOD);
      expect(bench.orders.map(({ type }) => type)).toEqual(NO_SUCH.map(() => ReservationType.none));
      bench.reserveResult = 'invalidType';
      expect(run(bench, action, '00')).toMatchObject(REFUSED_IN_CDB);
    },
  );
});
