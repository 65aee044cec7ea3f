// Portal groups (RFC 7143 §4.1, §13.9): each serves its own set of targets, and SendTargets says which is found where.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodePairs } from '../../../src/pdu/text.ts';
import { TextRequest, TextResponse } from '../../../src/pdu/text-pdu.ts';
import { admitted, knock, loginStatus, tryLogin } from '../../support/login-attempt.ts';
import { TARGET_NAME, type TargetProcess } from '../../support/target-process.ts';
import { ALICE, CHAP, MUTUAL, serve, targetOf } from '../login-status/serve.ts';

const EVERYWHERE = `${TARGET_NAME}-everywhere`;
const SECOND = `${TARGET_NAME}-second`;
const LISTED = `${TARGET_NAME}-listed`;
const GUEST = 'iqn.2026-11.io.lunaring:guest';
let target: TargetProcess;
beforeAll(async () => {
  target = await serve(
    {},
    {
      portals: [1, 1, 2].map((tag) => ({ address: '127.0.0.1', port: 0, tag })),
      discovery: { auth: { ...CHAP, mutual: MUTUAL } },
      targets: [
        targetOf({ name: EVERYWHERE, alias: 'found everywhere' }),
        targetOf({ name: SECOND, portalGroups: [2] }),
        targetOf({ name: LISTED, acl: { initiators: [GUEST] } }),
      ],
    },
  );
});
afterAll(() => target.stop());

const portsOf = (tag: number) => target.ready.portals.filter((portal) => portal.tag === tag).map(({ port }) => port);

/** What SendTargets answers, as targets with their addresses. */
async function sendTargets(value: string, initiatorName?: string): Promise<Record<string, string[]>> {
  const name = initiatorName === undefined ? {} : { initiatorName };
  const discovery = await admitted(target.port, { sessionType: 'Discovery', chap: ALICE, ...name });
  discovery.send(TextRequest, {}, { data: encodePairs([['SendTargets', value]]) });
  const { data } = await discovery.expect(TextResponse);
  await discovery.logOut();
  const found: Record<string, string[]> = {};
  let last: string[] = [];
  for (const pair of data.toString().split('\0').filter(Boolean)) {
    const [key, text] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    if (key === 'TargetName') found[text] = last = [];
    else last.push(text);
  }
  return found;
}

const addresses = (tag: number) => portsOf(tag).map((port) => `127.0.0.1:${port},${tag}`);

describe('portal groups', () => {
  test('§13.9: the tag of the portal in use is told', async () => {
    for (const tag of [1, 2]) {
      for (const port of portsOf(tag)) {
        const { status, keys } = await tryLogin(port, { target: EVERYWHERE });
        expect([status, keys.get('TargetPortalGroupTag')]).toEqual(['0000', String(tag)]);
      }
    }
  });

  test('§13.6: the alias is told with it', async () => {
    const { keys } = await tryLogin(target.port, { target: EVERYWHERE });
    expect(keys.get('TargetAlias')).toBe('found everywhere');
  });

  test('each serves its own set of targets', async () => {
    const statuses = [];
    for (const port of [portsOf(1)[0]!, portsOf(1)[1]!, portsOf(2)[0]!]) {
      statuses.push([await loginStatus(port, { target: EVERYWHERE }), await loginStatus(port, { target: SECOND })]);
    }
    expect(statuses).toEqual([
      ['0000', '0203'],
      ['0000', '0203'],
      ['0000', '0000'],
    ]);
  });

  test('a session has connections over all portals of its group', async () => {
    const portals = [1, 1].map((tag) => ({ address: '127.0.0.1', port: 0, tag }));
    await using two = await serve({ maxConnections: 2 }, { portals });
    const [first, second] = two.ready.portals.map(({ port }) => port);
    const leader = await admitted(first!, { keys: { MaxConnections: '2' } });
    const other = await admitted(second!, { session: leader.session, cid: 2 });
    await other.ping();
    await leader.logOut();
  });
});

describe('discovery', () => {
  test('Appendix C: SendTargets=All names every target with the portals that serve it', async () => {
    expect(await sendTargets('All')).toEqual({
      [EVERYWHERE]: [...addresses(1), ...addresses(2)],
      [SECOND]: addresses(2),
    });
  });

  test('a target that would not let the initiator in is not shown to it', async () => {
    expect(Object.keys(await sendTargets('All'))).not.toContain(LISTED);
    expect(Object.keys(await sendTargets('All', GUEST))).toContain(LISTED);
    expect(await sendTargets(LISTED)).toEqual({});
  });

  test('Appendix C: SendTargets with a name answers that target', async () => {
    expect(await sendTargets(SECOND)).toEqual({ [SECOND]: addresses(2) });
    expect(await sendTargets(`${SECOND}x`)).toEqual({});
  });

  test('§13.3: inside a normal session, an empty SendTargets asks for its own target', async () => {
    const session = await admitted(portsOf(2)[0]!, { target: SECOND });
    expect(await session.text({ SendTargets: '' })).toEqual(
      new Map([
        ['TargetName', SECOND],
        ['TargetAddress', addresses(2)[0]],
      ]),
    );
    await session.logOut();
  });

  test('§12.1: discovery asks for CHAP where it is told to, one-way and mutual', async () => {
    const discover = (chap?: Parameters<typeof loginStatus>[1]) =>
      loginStatus(target.port, { sessionType: 'Discovery', ...chap });
    expect(await discover()).toBe('0201');
    expect(await discover({ chap: { ...ALICE, secret: 'not the secret' } })).toBe('0201');
    expect(await discover({ chap: ALICE })).toBe('0000');
    expect(await discover({ chap: { ...ALICE, mutualSecret: MUTUAL.secret } })).toBe('0000');
    expect(await discover({ skipSecurity: true })).toBe('0201');
  });

  test('§4.3: a discovery session takes Text and Logout, and rejects everything else', async () => {
    using discovery = await knock(target.port);
    expect((await discovery.login({ sessionType: 'Discovery', chap: ALICE })).status).toBe(0);
    await expect(discovery.ping()).rejects.toThrow('Reject');
    expect(await discovery.logOut()).toBe(0);
  });
});
