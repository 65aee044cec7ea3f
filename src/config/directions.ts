// RFC 7143 §9.2.1: a CHAP secret that initiators prove themselves with may not be one that a target proves itself with, whichever target that is.
// Who may log in to one could have it answer the challenges of another. What becomes of a finding is settle.ts's and part.ts's.

import type { Secret } from './secret.ts';

/** What is wrong with the secret of a target that {@link provesAsUser}, in the words of a finding. */
export const TARGET_AS_USER = {
  received: "a user's secret",
  allowed: "a secret that is no user's, of any target",
  remedy: 'choose another secret for the target',
};

/** How initiators prove who they are, as far as it matters here. */
type Auth =
  | { readonly method: 'none' }
  | {
      readonly method: 'chap';
      readonly users: readonly { readonly secret: Secret }[];
      readonly mutual?: { readonly secret: Secret };
    };

const usersOf = (auth: Auth): readonly { readonly secret: Secret }[] => (auth.method === 'chap' ? auth.users : []);
const ownOf = (auth: Auth): Secret | undefined => (auth.method === 'chap' ? auth.mutual?.secret : undefined);

/** Whether the secret that `auth` has targets prove themselves with is that of a user, there or at one of `others`. */
export function provesAsUser(auth: Auth, others: readonly Auth[]): boolean {
  const own = ownOf(auth);
  return own !== undefined && [auth, ...others].some((each) => usersOf(each).some(({ secret }) => secret.equals(own)));
}

/** Whether a user of `auth` has the secret that a target proves itself with, at one of `others`. */
export function hasUserLikeTarget(auth: Auth, others: readonly Auth[]): boolean {
  return others.some((other) => {
    const own = ownOf(other);
    return own !== undefined && usersOf(auth).some(({ secret }) => secret.equals(own));
  });
}
