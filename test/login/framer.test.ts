// The framer: however the bytes are split, the same PDUs come out; and nobody makes it hold more than its share.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LoginFramer } from '../../src/login/framer.ts';
import { loginRequest } from './initiator.ts';

const hex = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString('hex'));

/** As it goes over the wire: padded. */
function wire(pdu: Uint8Array): Uint8Array {
  const padding = new Uint8Array((4 - (pdu.length % 4)) % 4).fill(0xee);
  return Buffer.concat([pdu, padding]);
}

function drain(framer: LoginFramer): string[] {
  const pdus: string[] = [];
  for (let pdu = framer.next(); pdu !== null; pdu = framer.next()) pdus.push(hex(pdu)!);
  return pdus;
}

describe('the login framer', () => {
  test('delivers the same PDUs for any split', () => {
    const text = fc.string({ unit: 'grapheme-ascii', maxLength: 90 });
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 5 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 70 })),
        (texts, cuts) => {
          const pdus = texts.map((item) => loginRequest({}, item));
          const stream = Buffer.concat(pdus.map(wire));
          const framer = new LoginFramer();
          const seen: string[] = [];
          for (let at = 0; at < stream.length; ) {
            const length = cuts.next().value as number;
            expect(framer.push(stream.subarray(at, at + length))).toBe(true);
            seen.push(...drain(framer));
            at += length;
          }
          expect(seen).toEqual(pdus.map(hex));
        },
      ),
    );
  });

  test('keeps what comes behind the last PDU that was taken', () => {
    const framer = new LoginFramer();
    framer.push(Buffer.concat([wire(loginRequest({}, 'abc')), Buffer.from('behind')]));
    expect(hex(framer.next())).toBe(hex(loginRequest({}, 'abc')));
    expect(Buffer.from(framer.takeRest()).toString()).toBe('behind');
    expect(framer.takeRest()).toHaveLength(0);
  });

  test('does not wait for the data of what is no Login Request: its header is enough, and the last', () => {
    const framer = new LoginFramer();
    const request = loginRequest({ opcode: 0x01 }, 'x'.repeat(4000));
    framer.push(request.subarray(0, 48));
    expect(hex(framer.next())).toBe(hex(request.subarray(0, 48)));
    expect(framer.push(wire(loginRequest({})))).toBe(true);
    expect(framer.next()).toBeNull();
  });

  test('a browser is heard out to 48 bytes, and no further', () => {
    const framer = new LoginFramer();
    framer.push(Buffer.from('GET / HTTP/1.1\r\nHost: storage.example.com:3260\r\nUser-Agent: x\r\n\r\n'));
    expect(framer.next()).toHaveLength(48);
    expect(framer.next()).toBeNull();
  });

  test('a data segment longer than 8192 bytes is not waited for either', () => {
    const framer = new LoginFramer();
    framer.push(loginRequest({}, 'x'.repeat(8193)).subarray(0, 48));
    expect(framer.next()).toHaveLength(48);
    const longest = new LoginFramer();
    longest.push(loginRequest({}, 'x'.repeat(8192)));
    expect(longest.next()).toHaveLength(48 + 8192);
  });

  test('additional header segments, which no Login Request has, are not waited for', () => {
    const framer = new LoginFramer();
    framer.push(loginRequest({ ahs: 1 }));
    expect(framer.next()).toHaveLength(48);
    expect(framer.next()).toBeNull();
  });

  test('additional header segments belong to the PDU', () => {
    const framer = new LoginFramer({ loginOnly: false });
    const pdu = Buffer.alloc(48 + 8 + 4, 1);
    pdu[0] = 0x01;
    pdu[4] = 2;
    pdu.writeUIntBE(3, 5, 3);
    framer.push(Buffer.concat([pdu, wire(loginRequest({}))]));
    expect(framer.next()).toHaveLength(48 + 8 + 3);
    expect(framer.next()).toHaveLength(48);
  });

  test('holds no more than 128 KiB', () => {
    const framer = new LoginFramer();
    framer.push(loginRequest({}, 'x'.repeat(100)).subarray(0, 60));
    expect(framer.push(new Uint8Array(64 * 1024))).toBe(true);
    expect(framer.push(new Uint8Array(64 * 1024))).toBe(false);
  });

  test('does not change when the caller reuses its buffer', () => {
    const framer = new LoginFramer();
    const buffer = loginRequest({}, 'abcd');
    const before = hex(buffer);
    framer.push(buffer);
    buffer.fill(0);
    expect(hex(framer.next())).toBe(before);
  });
});
