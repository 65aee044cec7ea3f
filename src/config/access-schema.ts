// The shape of what says who may log in: CHAP accounts, how initiators prove who they are, and which of them are let in.
// Part of schema.ts's configuration; secrets themselves are secret.ts's, and files that hold them are read by settle.ts.

import { z } from 'zod';
import { choice, describe, filePath, list, namePattern, network, secretText, section, text } from './fields.ts';
import * as limits from './limits.ts';

/** A CHAP account. */
export const credential = section({
  name: describe(text(), 'CHAP name (CHAP_N).'),
  secret: describe(secretText().optional(), 'CHAP secret. Never printed.'),
  secretFile: describe(
    filePath().optional(),
    'File that holds the secret, in place of `secret`; white space around it is dropped.',
  ),
});

const CHAP_ONLY = 'write method: chap beside it';

/** How initiators prove who they are. */
export const auth = z.discriminatedUnion(
  'method',
  [
    section(
      { method: describe(z.literal('none').default('none'), 'Anybody may log in.') },
      { users: CHAP_ONLY, algorithms: CHAP_ONLY, mutual: CHAP_ONLY },
    ),
    section({
      method: describe(z.literal('chap'), 'Initiators prove that they know a secret (RFC 7143 §12.1.3).'),
      algorithms: describe(
        list(choice(['sha3-256', 'sha256', 'sha1', 'md5']), 1, 4).default(['sha3-256', 'sha256', 'sha1', 'md5']),
        'Digests taken for CHAP, best first.',
      ),
      users: describe(list(credential, 1, limits.USERS_MAX), 'Who may log in.'),
      mutual: describe(credential.optional(), 'How the target proves itself to initiators that ask for it.'),
    }),
  ],
  { error: 'none or chap\nwrite method: none or method: chap' },
);

/** Which of them are let in. */
export const acl = section({
  initiators: describe(
    list(namePattern(), 1, limits.ACL_ENTRIES_MAX).prefault(['*']),
    'Initiator names that are let in, `*` for any characters.',
  ),
  networks: describe(
    list(network(), 1, limits.ACL_ENTRIES_MAX).prefault(['0.0.0.0/0', '::/0']),
    'Networks from which they are let in: `192.0.2.0/24`, `2001:db8::/32`, or an address. All four numbers of an IPv4 address are written out.',
  ),
  denial: describe(
    choice(['reveal', 'hide']).default('reveal'),
    'What others are told: `reveal` answers 0202 (not allowed), `hide` 0203 (no such target).',
  ),
});
