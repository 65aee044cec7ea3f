// Ways to fail the security stage (RFC 7143 §6.3.2, §12.1.3): with a target that wants CHAP, and with one that wants nothing.
// The right way is attempt.ts's.

import { Stage } from '../pdu/login-request.ts';
import { formatBinary, parseBinary } from '../pdu/text.ts';
import { type Attempt, type Pairs, proof } from './attempt.ts';
import { type Case, NotProvoked, type PlayStage } from './play.ts';

const { SECURITY, OPERATIONAL, FULL_FEATURE } = Stage;
const NO_CHAP = 'the target does not ask for CHAP';
const NO_ACCOUNT = 'needs --user and --secret';
const NOBODY = 'nobody-that-lunaring-provoke-knows';

/** A case for targets that want CHAP. */
const chap = (name: string, play: (attempt: Attempt) => Promise<string>, code = '0201'): Case => ({
  code,
  name,
  async play(stage: PlayStage) {
    return stage.wantsChap ? stage.with({}, play) : new NotProvoked(NO_CHAP);
  },
});

/** Goes on from the target's challenge; `answer` makes the second step of the right one. */
const response = (
  name: string,
  answer: (right: Pairs, challenge: ReadonlyMap<string, string>) => Pairs,
  code = '0201',
): Case => ({
  code,
  name,
  async play(stage) {
    if (!stage.wantsChap) return new NotProvoked(NO_CHAP);
    const { account } = stage.subject;
    if (account === null) return new NotProvoked(NO_ACCOUNT);
    return stage.with({}, async (attempt) => {
      await attempt.ask({ stage: SECURITY, pairs: [...attempt.names(), ['AuthMethod', 'CHAP']] });
      const challenge = await attempt.challenge();
      if (!challenge.accepted) return challenge.verdict;
      const right = proof(challenge.keys, account.user, account.secret);
      const pairs = answer(right, challenge.keys);
      return (await attempt.ask({ stage: SECURITY, next: OPERATIONAL, pairs })).verdict;
    });
  },
});

const without = (key: string, pairs: Pairs): Pairs => pairs.filter(([name]) => name !== key);
const replaced = (key: string, pairs: Pairs, change: (value: string) => string): Pairs =>
  pairs.map(([name, value]) => [name, name === key ? change(value) : value]);

/** Has the target prove itself as well, with this challenge. */
const mutual = (name: string, challengeOf: (own: string) => string): Case =>
  response(name, (right, keys) => [...right, ['CHAP_I', '1'], ['CHAP_C', challengeOf(keys.get('CHAP_C') ?? '')]]);

const ASKED = mutual('CHAP_I and CHAP_C to a target with no mutual secret', () => '0x00112233445566778899aabbccddeeff');

export const SECURITY_CASES: readonly Case[] = [
  chap('CHAP is wanted and only None offered', async (attempt) => {
    const pairs: Pairs = [...attempt.names(), ['AuthMethod', 'None']];
    return (await attempt.ask({ stage: SECURITY, next: OPERATIONAL, pairs })).verdict;
  }),
  chap('CSG=1 straight away', async (attempt) => {
    return (await attempt.ask({ stage: OPERATIONAL, next: FULL_FEATURE, pairs: attempt.names() })).verdict;
  }),
  chap('an empty security step', async (attempt) => {
    return (await attempt.ask({ stage: SECURITY, next: OPERATIONAL, pairs: attempt.names() })).verdict;
  }),
  {
    code: '0201',
    name: 'no common method',
    play: (stage) =>
      stage.with({}, async (attempt) => {
        const pairs: Pairs = [...attempt.names(), ['AuthMethod', 'KRB5']];
        return (await attempt.ask({ stage: SECURITY, next: OPERATIONAL, pairs })).verdict;
      }),
  },
  chap('no common CHAP_A', async (attempt) => {
    const begin = { stage: SECURITY, pairs: [...attempt.names(), ['AuthMethod', 'CHAP'] as const] };
    return (await attempt.askAll([begin, { stage: SECURITY, pairs: [['CHAP_A', '200']] }])).verdict;
  }),
  chap(
    'no CHAP_A',
    async (attempt) => {
      const begin = { stage: SECURITY, pairs: [...attempt.names(), ['AuthMethod', 'CHAP'] as const] };
      return (await attempt.askAll([begin, { stage: SECURITY, pairs: [['CHAP_N', NOBODY]] }])).verdict;
    },
    '0207',
  ),
  response('an unknown CHAP_N', (right) => replaced('CHAP_N', right, () => NOBODY)),
  response('a wrong CHAP_R', (right) => replaced('CHAP_R', right, (text) => formatBinary(inverted(text)))),
  response('a short CHAP_R', (right) => replaced('CHAP_R', right, (text) => text.slice(0, -2))),
  response('a misencoded CHAP_R', (right) => replaced('CHAP_R', right, (text) => `${text.slice(0, -1)}x`)),
  response('no CHAP_N', (right) => without('CHAP_N', right), '0207'),
  response('no CHAP_R', (right) => without('CHAP_R', right), '0207'),
  response('no CHAP_C beside CHAP_I', (right) => [...right, ['CHAP_I', '1']], '0207'),
  mutual('a reflected challenge', (own) => own),
  {
    ...ASKED,
    async play(stage) {
      const verdict = await ASKED.play(stage);
      return verdict === '0000' ? new NotProvoked('the target has a mutual secret') : verdict;
    },
  },
];

/** Other bytes, as many. */
function inverted(text: string): Uint8Array {
  return (parseBinary(text) ?? new Uint8Array(16)).map((byte) => byte ^ 0xff);
}
