// 0102: the target is served elsewhere for good, for everybody or for some.

import { afterAll, beforeAll } from 'vitest';
import { casesOf } from './cases.ts';
import { Redirected } from './redirected.ts';

const prove = casesOf('0102');
let redirected: Redirected;
beforeAll(async () => {
  redirected = await Redirected.start('0102');
});
afterAll(() => redirected[Symbol.asyncDispose]());

prove('a login is sent elsewhere for good, and succeeds there', () => redirected.sendsElsewhere());
prove('an IPv6 address is in brackets, without the portal group tag', () => redirected.spellsIPv6());
prove('a redirect of the target comes before security', () => redirected.precedesSecurity());
prove('a redirect of one initiator comes after security, and concerns no other', () =>
  redirected.concernsOneInitiator(),
);
prove('never to the portal in use', () => redirected.sparesItself());
