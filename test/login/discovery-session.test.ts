// Discovery sessions: the questions that are answered, the answers that need several PDUs, and everything else rejected.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DiscoveryOutcome, DiscoverySession } from '../../src/login/discovery-session.ts';
import { OPEN_ACL } from './world.ts';

const target = (index: number) => ({
  name: `iqn.2026-11.io.lunaring:disk${index}`,
  acl: OPEN_ACL,
  portals: [{ address: '192.0.2.1', port: 3260, portalGroupTag: 1 }],
});

function open(targets = 1, maxXmitDataSegmentLength = 8192): DiscoverySession {
  return new DiscoverySession({
    seeker: { initiatorName: 'iqn.a:1', peerAddress: '192.0.2.99', localAddress: '192.0.2.1' },
    targets: () => Array.from({ length: targets }, (_, index) => target(index)),
    cid: 3,
    expCmdSN: 100,
    statSN: 50,
    maxXmitDataSegmentLength,
  });
}

interface Fields {
  opcode?: number;
  flags?: number;
  tag?: number;
  cmdSN?: number;
  cid?: number;
}

function pdu(fields: Fields, text = ''): Uint8Array {
  const bytes = Buffer.alloc(48 + text.length);
  bytes[0] = fields.opcode ?? 0x04;
  bytes[1] = fields.flags ?? 0x80;
  bytes.writeUIntBE(text.length, 5, 3);
  bytes.writeUInt32BE(0xabcd, 16);
  bytes.writeUInt32BE(fields.tag ?? 0xffffffff, 20);
  if (fields.cid !== undefined) bytes.writeUInt16BE(fields.cid, 20);
  bytes.writeUInt32BE(fields.cmdSN ?? 100, 24);
  bytes.write(text, 48);
  return new Uint8Array(bytes);
}

function read(outcome: DiscoveryOutcome) {
  if (outcome.kind === 'wait') throw new Error('no answer');
  const bytes = Buffer.from(outcome.bytes);
  return {
    kind: outcome.kind,
    opcode: bytes[0],
    final: (bytes[1]! & 0x80) !== 0,
    continues: (bytes[1]! & 0x40) !== 0,
    code: bytes[2],
    itt: bytes.readUInt32BE(16),
    tag: bytes.readUInt32BE(20),
    statSN: bytes.readUInt32BE(24),
    expCmdSN: bytes.readUInt32BE(28),
    maxCmdSN: bytes.readUInt32BE(32),
    text: bytes.subarray(48, 48 + bytes.readUIntBE(5, 3)).toString(),
  };
}

describe('§4.3: a discovery session', () => {
  test('answers SendTargets=All and logs out', () => {
    const session = open(2);
    expect(read(session.receive(pdu({}, 'SendTargets=All\0')))).toMatchObject({
      opcode: 0x24,
      final: true,
      continues: false,
      itt: 0xabcd,
      tag: 0xffffffff,
      statSN: 50,
      expCmdSN: 101,
      maxCmdSN: 108,
      text:
        'TargetName=iqn.2026-11.io.lunaring:disk0\0TargetAddress=192.0.2.1:3260,1\0' +
        'TargetName=iqn.2026-11.io.lunaring:disk1\0TargetAddress=192.0.2.1:3260,1\0',
    });
    const logout = session.receive(pdu({ opcode: 0x46, cmdSN: 101 }));
    expect(read(logout)).toMatchObject({ kind: 'end', opcode: 0x26, code: 0, statSN: 51, expCmdSN: 101 });
    expect(session.receive(pdu({ cmdSN: 101 }, 'SendTargets=All\0'))).toEqual({ kind: 'wait' });
  });

  test('answers other keys with Reject, unknown ones with NotUnderstood', () => {
    const { text } = read(open().receive(pdu({}, 'MaxBurstLength=512\0X-foo=1\0')));
    expect(text).toBe('MaxBurstLength=Reject\0X-foo=NotUnderstood\0');
  });

  test('takes a question in pieces', () => {
    const session = open();
    const first = read(session.receive(pdu({ flags: 0x40 }, 'SendTar')));
    expect(first).toMatchObject({ final: false, continues: false, text: '' });
    expect(first.tag).not.toBe(0xffffffff);
    expect(read(session.receive(pdu({ cmdSN: 101, tag: first.tag }, 'gets=All\0')))).toMatchObject({
      final: true,
      text: expect.stringMatching(/^TargetName=/),
    });
  });

  test('has the last word when the initiator has more to say (F=0)', () => {
    const session = open();
    const first = read(session.receive(pdu({ flags: 0 }, 'SendTargets=All\0')));
    expect(first).toMatchObject({ final: false, text: expect.stringMatching(/^TargetName=/) });
    expect(read(session.receive(pdu({ cmdSN: 101, tag: first.tag })))).toMatchObject({ final: true, text: '' });
  });

  test.each([512, 8192, 262144])('cuts a long answer between pairs, for %i bytes a segment', (max) => {
    const session = open(1000, max);
    let answer = read(session.receive(pdu({}, 'SendTargets=All\0')));
    let text = answer.text;
    for (let cmdSN = 101; !answer.final; cmdSN++) {
      expect(answer.continues).toBe(true);
      expect(answer.text.endsWith('\0')).toBe(true);
      answer = read(session.receive(pdu({ cmdSN, tag: answer.tag })));
      expect(answer.text.length).toBeLessThanOrEqual(max);
      text += answer.text;
    }
    expect(text.split('\0').filter((pair) => pair.startsWith('TargetName='))).toHaveLength(1000);
  });

  test('§11.11.1: F=1 never answers F=0, not with the rest of an answer either', () => {
    const session = open(10, 512);
    let answer = read(session.receive(pdu({ flags: 0 }, 'SendTargets=All\0')));
    let cmdSN = 101;
    for (; answer.continues; cmdSN++) {
      expect(answer.final).toBe(false);
      answer = read(session.receive(pdu({ flags: 0, cmdSN, tag: answer.tag })));
    }
    expect(answer).toMatchObject({ final: false, text: expect.stringMatching(/disk9/) });
    expect(answer.tag).not.toBe(0xffffffff);
    expect(read(session.receive(pdu({ cmdSN, tag: answer.tag })))).toMatchObject({ final: true, text: '' });
  });

  test('a reserved tag begins anew, an invented one is rejected', () => {
    const session = open(1000);
    session.receive(pdu({}, 'SendTargets=All\0'));
    expect(read(session.receive(pdu({ cmdSN: 101 }, 'SendTargets=iqn.2026-11.io.lunaring:disk7\0')))).toMatchObject({
      final: true,
    });
    expect(read(session.receive(pdu({ cmdSN: 102, tag: 77 })))).toMatchObject({ opcode: 0x3f, code: 0x04 });
  });

  test.each([
    ['NOP-Out', 0x00],
    ['SCSI Command', 0x01],
    ['Task Management', 0x02],
    ['a second Login Request', 0x43],
    ['Data-Out', 0x05],
    ['SNACK', 0x10],
  ])('rejects %s', (_name, opcode) => {
    const answer = read(open().receive(pdu({ opcode })));
    expect(answer).toMatchObject({ kind: 'reply', opcode: 0x3f, code: 0x05, itt: 0xffffffff });
    expect(Buffer.from(answer.text).length).toBeGreaterThanOrEqual(48);
  });

  test('malformed text is a protocol error', () => {
    expect(read(open().receive(pdu({}, 'SendTargets')))).toMatchObject({ opcode: 0x3f, code: 0x04 });
  });

  test('§4.2.2.1: what does not carry the expected CmdSN is ignored; immediate requests take none', () => {
    const session = open();
    expect(session.receive(pdu({ cmdSN: 99 }, 'SendTargets=All\0'))).toEqual({ kind: 'wait' });
    expect(session.receive(pdu({ cmdSN: 101 }, 'SendTargets=All\0'))).toEqual({ kind: 'wait' });
    expect(read(session.receive(pdu({ opcode: 0x44, cmdSN: 100 }, 'SendTargets=All\0')))).toMatchObject({
      expCmdSN: 100,
    });
  });

  test.each([
    ['close the session', 0x80, 9, 'end', 0],
    ['close this connection', 0x81, 3, 'end', 0],
    ['close another connection', 0x81, 9, 'reply', 1],
    ['remove it for recovery', 0x82, 3, 'reply', 2],
  ])('logout: %s', (_name, flags, cid, kind, code) => {
    expect(read(open().receive(pdu({ opcode: 0x06, flags, cid })))).toMatchObject({ kind, opcode: 0x26, code });
  });

  test('a question without end, and a segment longer than any, close it', () => {
    const session = open();
    const tag = read(session.receive(pdu({ flags: 0x40 }, 'x'.repeat(8000)))).tag;
    expect(session.receive(pdu({ flags: 0x40, cmdSN: 101, tag }, 'x'.repeat(8000)))).toMatchObject({ kind: 'end' });
    const header = Buffer.from(pdu({}));
    header.writeUIntBE(100, 5, 3);
    expect(open().receive(new Uint8Array(header))).toMatchObject({ kind: 'end' });
  });

  test('any bytes end in an answer, silence or a close, never an exception', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 8 }), (chunks) => {
        const session = open(3, 512);
        for (const bytes of chunks) session.receive(bytes);
      }),
    );
  });
});
