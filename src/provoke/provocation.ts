// Plays every case against a target, one after another, and reports what each should have got and what it got.
// Printing is the command's business.

import { Stage } from '../pdu/login-request.ts';
import { Attempt, NO_CONNECTION, type Subject } from './attempt.ts';
import { HEADER_CASES } from './header-cases.ts';
import { type Case, NotProvoked, PlayStage } from './play.ts';
import { SECURITY_CASES } from './security-cases.ts';
import { SESSION_CASES } from './session-cases.ts';
import { TEXT_CASES } from './text-cases.ts';

/** A case that was played. */
export interface Result {
  readonly code: string;
  readonly case: string;
  readonly expected: string;
  readonly got: string;
  readonly right: boolean;
}

/** A case that was not, and why. */
export interface Omission {
  readonly code: string;
  readonly case: string;
  readonly why: string;
}

export interface Report {
  /** What a plain login ends with. */
  readonly login: string;
  readonly results: readonly Result[];
  readonly omissions: readonly Omission[];
}

const CASES: readonly Case[] = [...SESSION_CASES, ...HEADER_CASES, ...TEXT_CASES, ...SECURITY_CASES];

/** What nobody can provoke who has but a connection. */
const OUT_OF_REACH: readonly Omission[] = [
  { code: '0101', case: 'a redirect for now', why: 'needs a redirect in the configuration of the target' },
  { code: '0102', case: 'a redirect for good', why: 'needs a redirect in the configuration of the target' },
  { code: '0202', case: 'the right name from the wrong network', why: 'needs another network to come from' },
  { code: '0204', case: 'a target that was deleted', why: 'needs an operator who deletes it' },
  { code: '0206', case: 'the connection limit of the target', why: 'would keep others out' },
  { code: '0208', case: 'another portal group', why: 'needs a second portal, of another group' },
  { code: '0300', case: 'a fault of the target', why: 'needs a target that fails' },
  { code: '0301', case: 'a target that does not serve', why: 'needs an operator who takes it offline' },
  { code: '0302', case: 'resources that are used up', why: 'would keep others out' },
];

/** So many connections in a row that nobody takes: the target is gone, maybe by what it was told last. */
const REFUSED_CONNECTIONS_MAX = 3;

/** Plays all cases. Null when the target can't be reached at all. */
export async function provoke(subject: Subject): Promise<Report | null> {
  const stage = await survey(subject);
  if (stage === null) return null;
  const results: Result[] = [];
  const omissions: Omission[] = [];
  let unreached = 0;
  for (const played of CASES) {
    const { code, name, expected = code } = played;
    const got = await attempt(played, stage, unreached);
    if (got instanceof NotProvoked) {
      omissions.push({ code, case: name, why: got.why });
      continue;
    }
    unreached = got === NO_CONNECTION ? unreached + 1 : 0;
    results.push({ code, case: name, expected, got, right: got === expected });
  }
  const byCode = (a: { readonly code: string }, b: { readonly code: string }): number => a.code.localeCompare(b.code);
  return {
    login: stage.closed === '' ? '0000' : stage.closed,
    results: results.sort(byCode),
    omissions: [...omissions, ...OUT_OF_REACH].sort(byCode),
  };
}

async function attempt(played: Case, stage: PlayStage, unreached: number): Promise<string | NotProvoked> {
  if (unreached >= REFUSED_CONNECTIONS_MAX) return new NotProvoked('the target takes no connections any more');
  if (played.needsLogin === true && stage.closed !== '') {
    return new NotProvoked(`needs a login that succeeds; a plain one ends with ${stage.closed}`);
  }
  return played.play(stage);
}

/** What the target wants of those who log in, and whether this subject can. */
async function survey(subject: Subject): Promise<PlayStage | null> {
  const first = await Attempt.open(subject);
  if (first === null) return null;
  const offer = await first.ask({ stage: Stage.SECURITY, pairs: first.opening() });
  first.close();
  const wantsChap = offer.keys.get('AuthMethod') === 'CHAP';
  const plain = await Attempt.open(subject);
  const login = await plain?.logIn();
  if (login?.accepted) await plain?.logOut();
  plain?.close();
  return new PlayStage(subject, login?.accepted ? '' : (login?.verdict ?? NO_CONNECTION), wantsChap);
}
