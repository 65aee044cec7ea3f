import { describe, expect, it } from 'vitest';
import { RESERVED_TAG } from '../../src/pdu/bhs.ts';
import { KEYS } from '../../src/pdu/keys.ts';
import { FINAL_BIT } from '../../src/pdu/opcode.ts';
import { encodePairs, parsePairs } from '../../src/pdu/text.ts';
import { CONTINUE_BIT, TextRequest, TextResponse } from '../../src/pdu/text-pdu.ts';
import { decode } from '../support/header-values.ts';
import { SessionBench } from '../support/session-bench.ts';

const SEGMENT = 512;

/** A session whose initiator takes segments of {@link SEGMENT}, and one exchange of texts in it. */
function begin() {
  const bench = new SessionBench();
  const one = bench.logIn({ connection: { maxXmitDataSegmentLength: SEGMENT } });
  let targetTransferTag = RESERVED_TAG;
  const ask = (pairs: [string, string][], flags: number) => {
    one.send(TextRequest, { flags, targetTransferTag }, { data: encodePairs(pairs) });
    bench.settle();
    const [reply, ...others] = one.replies();
    expect(others).toEqual([]);
    const header = decode(TextResponse, reply!.header);
    targetTransferTag = header.targetTransferTag;
    return { flags: header.flags, tag: header.targetTransferTag, text: reply!.data };
  };
  return { bench, ask };
}

describe('a Text Request with an answer longer than a segment (RFC 7143 §11.11.1, §13.12)', () => {
  const unknown = Array.from({ length: 60 }, (_, index): [string, string] => [`X-io.lunaring.key-${index}`, '1']);
  const answers = new Map(unknown.map(([key]) => [key, 'NotUnderstood']));

  it.each([
    ['ends with F=1 where the initiator has no more to say', FINAL_BIT],
    ['goes on with F=0 where it has', 0],
  ])('is answered in parts, and %s', (_, flags) => {
    const { ask } = begin();
    const parts = [ask(unknown, flags)];
    while ((parts.at(-1)!.flags & CONTINUE_BIT) !== 0) parts.push(ask([], flags));
    expect(parts.map(({ text }) => text.length <= SEGMENT)).toEqual(parts.map(() => true));
    const inner = parts.slice(0, -1);
    expect(inner.length).toBeGreaterThan(0);
    expect(inner.map((part) => part.flags)).toEqual(inner.map(() => CONTINUE_BIT));
    expect(parts.at(-1)!.flags).toBe(flags);
    expect(parsePairs(Buffer.concat(parts.map(({ text }) => text)))).toEqual(answers);
    expect(parts.at(-1)!.tag === RESERVED_TAG).toBe(flags === FINAL_BIT);
    if (flags === FINAL_BIT) return;
    expect(ask([['X-io.lunaring.last', '1']], FINAL_BIT)).toMatchObject({ flags: FINAL_BIT, tag: RESERVED_TAG });
  });
});

it('is told the portals of where its own connection came in', () => {
  const bench = new SessionBench();
  const one = bench.logIn({ session: { maxConnections: 2 } });
  const two = bench.logIn({ joins: one, portal: '192.0.2.7:3260' });
  for (const [initiator, address] of [
    [one, '127.0.0.1:3260,1'],
    [two, '192.0.2.7:3260,1'],
  ] as const) {
    initiator.send(TextRequest, { flags: FINAL_BIT }, { data: encodePairs([['SendTargets', '']]) });
    bench.settle();
    expect(parsePairs(initiator.replies()[0]!.data)!.get('TargetAddress')).toBe(address);
  }
});

it('knows every key of the standard, and answers none of them with NotUnderstood', () => {
  const { ask } = begin();
  for (const key of Object.keys(KEYS)) {
    const { text } = ask([[key, '1']], FINAL_BIT);
    const declared = ['SendTargets', 'InitiatorAlias', 'X#NodeArchitecture'].includes(key);
    expect([...parsePairs(text)!], key).toEqual(declared ? [] : [[key, 'Reject']]);
  }
});

it.each([
  ['512', []],
  ['0xFFFFFF', []],
  ['511', [['MaxRecvDataSegmentLength', 'Reject']]],
  ['16777216', [['MaxRecvDataSegmentLength', 'Reject']]],
  ['8192.5', [['MaxRecvDataSegmentLength', 'Reject']]],
  ['', [['MaxRecvDataSegmentLength', 'Reject']]],
])('§13.12: MaxRecvDataSegmentLength=%s is answered %j', (value, answer) => {
  const { text } = begin().ask([['MaxRecvDataSegmentLength', value]], FINAL_BIT);
  expect([...parsePairs(text)!]).toEqual(answer);
});
