// Requests whose text is wrong (RFC 7143 §6.1, §6.2, §13), and names that are missing, unknown or not let in.
// Security keys are security-cases.ts's.

import { Stage } from '../pdu/login-request.ts';
import { encodePairs } from '../pdu/text.ts';
import type { Pairs } from './attempt.ts';
import { type Case, NotProvoked } from './play.ts';

const { SECURITY, OPERATIONAL } = Stage;
/** Nobody has configured this one. */
const STRANGER = 'iqn.2026-11.io.lunaring.provoke:stranger';

/** A first text with these names, in the security stage, and no more. */
const names = (
  code: string,
  name: string,
  pairs: Readonly<Record<string, string | undefined>>,
  expected = code,
): Case => ({
  code,
  name,
  expected,
  play: (stage) =>
    stage.with({}, async (attempt) => (await attempt.ask({ stage: SECURITY, pairs: attempt.opening(pairs) })).verdict),
});

/** A first text with these bytes behind the names. */
const malformed = (name: string, text: string): Case => ({
  code: '0200',
  name,
  play: (stage) =>
    stage.with({}, async (attempt) => {
      const bytes = Buffer.concat([encodePairs(attempt.opening()), Buffer.from(text)]);
      return (await attempt.ask({ stage: SECURITY, text: bytes })).verdict;
    }),
});

/** Operational keys, after security. */
const operational = (name: string, ...texts: readonly Pairs[]): Case => ({
  code: '0200',
  name,
  needsLogin: true,
  play: (stage) =>
    stage.with({}, async (attempt) => {
      let answer = await attempt.secure();
      for (const pairs of texts.slice(0, -1))
        if (answer.accepted) answer = await attempt.ask({ stage: OPERATIONAL, pairs });
      return (answer.accepted ? await attempt.operate(texts.at(-1)!) : answer).verdict;
    }),
});

export const TEXT_CASES: readonly Case[] = [
  malformed('a pair without =', 'X-io.lunaring\0'),
  malformed('a text without its last NUL', 'X-io.lunaring=v'),
  malformed('a key given twice in one request', 'X-io.lunaring=v\0X-io.lunaring=v\0'),
  malformed('a key of 64 bytes', `X-${'k'.repeat(62)}=v\0`),
  malformed('a value of 256 bytes', `X-io.lunaring=${'v'.repeat(256)}\0`),
  malformed('a binary value of 1025 bytes', `X-io.lunaring=0x${'00'.repeat(1025)}\0`),
  names('0200', 'an illegal iSCSI name', { InitiatorName: 'host.example.com' }),
  operational('a key given twice in two requests', [['ImmediateData', 'Yes']], [['ImmediateData', 'Yes']]),
  operational('a number out of range', [['MaxRecvDataSegmentLength', '511']]),
  operational('a boolean that is none', [['ImmediateData', 'perhaps']]),
  operational('a list with nothing for the target', [['HeaderDigest', 'SHA-1']]),
  operational('FirstBurstLength above MaxBurstLength', [
    ['MaxBurstLength', '4096'],
    ['FirstBurstLength', '8192'],
  ]),
  operational('security keys after the security stage', [['AuthMethod', 'None']]),
  names('0207', 'no InitiatorName', { InitiatorName: undefined }),
  names('0207', 'no TargetName in a normal session', { TargetName: undefined }),
  names('0207', 'no SessionType passes, and means Normal', { SessionType: undefined }, '0000'),
  names('0209', 'SessionType=Foo', { SessionType: 'Foo' }),
  names('0203', 'an unknown target', { TargetName: `${STRANGER}-target` }),
  {
    code: '0202',
    name: 'an initiator that nobody configured',
    async play(stage) {
      const verdict = await stage.with({ initiator: STRANGER }, async (attempt) => {
        const { verdict: status } = await attempt.ask({ stage: SECURITY, pairs: attempt.opening() });
        return status;
      });
      return verdict === '0000' ? new NotProvoked('the target lets every initiator begin a login') : verdict;
    },
  },
  {
    code: '0209',
    name: 'discovery where it is switched off',
    async play(stage) {
      const verdict = await stage.with({}, async (attempt) => {
        const pairs = attempt.opening({ SessionType: 'Discovery', TargetName: undefined });
        return (await attempt.ask({ stage: SECURITY, pairs })).verdict;
      });
      return verdict === '0000' ? new NotProvoked('the portal serves discovery sessions') : verdict;
    },
  },
];
