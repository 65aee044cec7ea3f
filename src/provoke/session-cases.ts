// Logins about sessions that exist, or do not (RFC 7143 §6.3.1, §11.12.6): joined, invented, left.
// Each session that a case begins, it logs out again.

import { type Answer, type Attempt, newIsid, type Pairs } from './attempt.ts';
import { type Case, NotProvoked, type PlayStage } from './play.ts';

const OTHER_CID = 2;

/** Begins a session, plays beside it, and logs it out. */
function beside(
  code: string,
  name: string,
  play: (stage: PlayStage, leader: Attempt, session: Answer) => Promise<string | NotProvoked>,
  names: (attempt: Attempt) => Pairs = (attempt) => attempt.names(),
): Case {
  return {
    code,
    name,
    needsLogin: true,
    play: (stage) =>
      stage.with({}, async (leader) => {
        const session = await leader.logIn(names(leader), [['MaxConnections', '1']]);
        if (!session.accepted) return new NotProvoked(`the session that it needs ends with ${session.verdict}`);
        const verdict = await play(stage, leader, session);
        await leader.logOut();
        return verdict;
      }),
  };
}

/** A whole login into the session with that TSIH. */
const join = (stage: PlayStage, identity: Partial<Attempt['identity']>): Promise<string> =>
  stage.with({ cid: OTHER_CID, ...identity }, async (attempt) => (await attempt.logIn()).verdict);

const discoveryNames = (attempt: Attempt): Pairs => attempt.names({ SessionType: 'Discovery', TargetName: undefined });

export const SESSION_CASES: readonly Case[] = [
  {
    code: '0000',
    name: 'a plain login',
    needsLogin: true,
    play: (stage) =>
      stage.with({}, async (attempt) => {
        const session = await attempt.logIn();
        if (session.accepted) await attempt.logOut();
        return session.verdict;
      }),
  },
  beside('0000', 'TSIHs are not 0, and differ from session to session', (stage, _leader, first) =>
    stage.with({}, async (attempt) => {
      const second = await attempt.logIn();
      if (!second.accepted) return second.verdict;
      await attempt.logOut();
      const right = first.tsih !== 0 && second.tsih !== 0 && first.tsih !== second.tsih;
      return right ? second.verdict : `TSIHs ${first.tsih} and ${second.tsih}`;
    }),
  ),
  {
    code: '0000',
    name: 'TargetPortalGroupTag is in the first response that follows TargetName',
    play: (stage) =>
      stage.with({}, async (attempt) => {
        const answer = await attempt.ask({ stage: 0, pairs: attempt.opening() });
        return !answer.accepted || answer.keys.has('TargetPortalGroupTag') ? answer.verdict : 'no TargetPortalGroupTag';
      }),
  },
  beside('0206', 'a connection beyond the MaxConnections of its session', (stage, leader, { tsih }) =>
    join(stage, { isid: leader.identity.isid, tsih }),
  ),
  beside(
    '0208',
    'a connection to a discovery session',
    (stage, leader, { tsih }) => join(stage, { isid: leader.identity.isid, tsih }),
    discoveryNames,
  ),
  {
    code: '020A',
    name: 'an invented TSIH',
    needsLogin: true,
    play: (stage) => join(stage, { tsih: 0x7e57 }),
  },
  beside('020A', 'a real TSIH with another ISID', (stage, _leader, { tsih }) => join(stage, { isid: newIsid(), tsih })),
  beside('020A', 'a real TSIH with another InitiatorName', (stage, leader, { tsih }) =>
    join(stage, { initiator: `${stage.subject.initiator}-2`, isid: leader.identity.isid, tsih }),
  ),
  {
    code: '020A',
    name: 'a TSIH that was logged out',
    needsLogin: true,
    play: (stage) =>
      stage.with({}, async (leader) => {
        const session = await leader.logIn();
        if (!session.accepted) return session.verdict;
        await leader.logOut();
        return join(stage, { isid: leader.identity.isid, tsih: session.tsih });
      }),
  },
];
