// Messages for gathered sends: header and vectors where struct msghdr and struct iovec have them, one behind the other, none overlapping.

import { expect, test } from 'vitest';
import { Gather, IoVector, MessageHeader, VECTORS_MAX } from '../../src/kernel/gather.ts';
import { libc } from '../../src/kernel/libc.ts';

/** The bytes at a machine address. */
function peek(address: number, length: number): DataView {
  return new DataView(libc().view(address, length));
}

function vectorsOf(message: number): [address: number, length: number][] {
  const header = peek(message, MessageHeader.size);
  const count = MessageHeader.vectorCount.get(header, 0);
  const vectors = peek(MessageHeader.vectors.get(header, 0), count * IoVector.size);
  return Array.from({ length: count }, (_, index) => [
    IoVector.address.get(vectors, index * IoVector.size),
    IoVector.length.get(vectors, index * IoVector.size),
  ]);
}

test('messages stand side by side until the arena starts over', () => {
  const gather = new Gather(2);
  const wanted = [3, 1, 7].map((count, message) =>
    Array.from({ length: count }, (_, index): [number, number] => [
      0x7f00_0000_0000 + message * 2 ** 20 + index * 512,
      48 + index,
    ]),
  );
  const build = (vectors: [number, number][]): number => {
    expect(gather.hasRoom).toBe(true);
    gather.begin();
    for (const [address, length] of vectors) gather.add(address, length);
    expect(gather.count).toBe(vectors.length);
    return gather.finish();
  };
  const messages = wanted.map(build);
  expect(messages.map(vectorsOf)).toEqual(wanted);
  expect(peek(messages[0]!, MessageHeader.size).getBigUint64(0, true)).toBe(0n);

  gather.reset();
  expect(build(wanted[2]!)).toBe(messages[0]);
  expect(vectorsOf(messages[0]!)).toEqual(wanted[2]);
});

test('an arena for so many messages takes that many of the longest, and no more', () => {
  const gather = new Gather(3);
  for (let message = 0; message < 3; message++) {
    expect(gather.hasRoom).toBe(true);
    gather.begin();
    for (let index = 0; index < VECTORS_MAX; index++) gather.add(4096, 1);
    expect(vectorsOf(gather.finish())).toHaveLength(VECTORS_MAX);
  }
  expect(gather.hasRoom).toBe(false);
});

test('nothing is left in a header of the vectors that stood there before', () => {
  const gather = new Gather(2);
  gather.begin();
  for (let index = 0; index < VECTORS_MAX; index++) gather.add(0x7fff_ffff_f000, 0x7fff_ffff);
  gather.finish();
  gather.reset();
  for (let message = 0; message < 4; message++) {
    gather.begin();
    gather.add(4096, 1);
    const header = peek(gather.finish(), MessageHeader.size);
    for (const field of ['name', 'nameLength', 'control', 'controlLength', 'flags'] as const) {
      expect(MessageHeader[field].get(header, 0), `${field} of message ${message}`).toBe(0);
    }
    expect(MessageHeader.vectorCount.get(header, 0)).toBe(1);
  }
});

test('short messages may be sixteen times as many', () => {
  const gather = new Gather(2);
  const messages = new Set<number>();
  for (; gather.hasRoom; messages.add(gather.finish())) {
    gather.begin();
    gather.add(4096 + messages.size, 1);
  }
  expect(messages.size).toBe(32);
  const addresses = [...messages].map((message) => vectorsOf(message)[0]![0]);
  expect(addresses).toEqual(addresses.map((_, index) => 4096 + index));
});
