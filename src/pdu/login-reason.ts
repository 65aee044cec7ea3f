// Why logins are refused, where a status code has several reasons: the causes of each, and what helps.
// A refusal tells of the reason that it has; login-status.ts, of all that a code may have.

/** Likely causes and what helps, the most telling first. */
export interface LoginReason {
  readonly causes: readonly string[];
  readonly fixes: readonly string[];
}

/** The reasons that a rule can tell apart. */
export const LoginReason = {
  // 0200
  defect: {
    causes: ['A defect in the initiator.'],
    fixes: ['Read what was received and what was expected in the refusal.', 'Update the initiator.'],
  },
  digests: {
    causes: ['A digest that one side demands and the other does not offer.'],
    fixes: ["Make `digests` of the target and the initiator's digest settings agree."],
  },
  initiatorName: {
    causes: [
      'An initiator name that does not begin with iqn., eui. or naa., is longer than 223 bytes, or has control characters, commas or asterisks in it.',
    ],
    fixes: ['Correct the initiator name (on Linux, /etc/iscsi/initiatorname.iscsi).'],
  },
  targetName: {
    causes: ['What is configured in the initiator as the name of the target is no iSCSI name.'],
    fixes: ['Discover the targets of this portal, and give the initiator the name of one.'],
  },
  // 0201
  secret: {
    causes: ['The user name or the secret is wrong.'],
    fixes: [
      'Set the user name and secret of `auth.users` in the initiator (open-iscsi: node.session.auth.*).',
      'Where discovery is refused, set those of `discovery.auth` (open-iscsi: discovery.sendtargets.auth.*).',
    ],
  },
  chapWanted: {
    causes: ['The initiator is not configured for CHAP, and the target requires it.'],
    fixes: [
      'Configure CHAP in the initiator, with a user of `auth.users` (open-iscsi: node.session.auth.*).',
      'Where discovery is refused, with a user of `discovery.auth` (open-iscsi: discovery.sendtargets.auth.*).',
    ],
  },
  chapUnknown: {
    causes: ['The initiator insists on CHAP or another method, and `auth.method` of the target is none.'],
    fixes: ['Set `auth` of the target to `method: chap`, with `users`.', 'Let the initiator log in without CHAP.'],
  },
  mutual: {
    causes: ['The initiator asks for mutual CHAP, and the target has no `mutual` secret.'],
    fixes: ['Set `auth.mutual`, or switch mutual CHAP off in the initiator.'],
  },
  algorithms: {
    causes: ['The initiator offers only digests that `algorithms` leaves out.'],
    fixes: ['Add the digest to `auth.algorithms`; many initiators know md5 only.'],
  },
  // 0202, and 0203 where the target hides itself
  initiators: {
    causes: ['The initiator name is not matched by `acl.initiators`.'],
    fixes: ['Add the initiator name, as the refusal shows it, to `acl.initiators`.'],
  },
  networks: {
    causes: ['The address of the initiator is not in `acl.networks`.'],
    fixes: ['Add the network to `acl.networks`.'],
  },
  account: {
    causes: ['The CHAP account belongs to another target.'],
    fixes: ['Use an account of this target.'],
  },
  // 0206
  connectionLimit: {
    causes: ['Many initiators use the target.', 'Connections of initiators that died are not yet noticed to be gone.'],
    fixes: [
      'Raise `connectionLimit`.',
      'Log out sessions that are not used.',
      'Lower `nopIntervalMs`, so that dead connections are noticed sooner.',
    ],
  },
  maxConnections: {
    causes: ['The initiator opens more connections in a session than it negotiated.'],
    fixes: ['Raise `maxConnections` of the target.', 'Have the initiator open fewer connections in a session.'],
  },
  // 0209
  discovery: {
    causes: ['Discovery is switched off at this portal.'],
    fixes: ['Set `discovery: true` for the portal, or discover at another one.'],
  },
  // 0301
  offline: {
    causes: ['An operator took the target offline.'],
    fixes: ['Set the target online (`lunaring target online`); initiators try again by themselves.'],
  },
  draining: {
    causes: ['An operator drains the process, or it is being stopped or updated.'],
    fixes: ['Take logins again with `lunaring drain --off`, or wait; initiators try again by themselves.'],
  },
  // 0302
  sessionLimit: {
    causes: ['More sessions than `sessionLimit`.'],
    fixes: ['Raise `sessionLimit`.', 'Log out sessions that are not used.'],
  },
  memory: {
    causes: ['Too little I/O memory, or too many sessions for it.'],
    fixes: ['Raise `slabMiB` or `workers`.'],
  },
  descriptors: {
    causes: ['Too few file descriptors.'],
    fixes: ['Raise the limit of open files (ulimit -n, `LimitNOFILE=` in a unit file).'],
  },
  logins: {
    causes: ['Too many logins are under way, or connections that only look like it.'],
    fixes: ['Wait; initiators try again by themselves.', 'Find out who opens the connections (ss -tn).'],
  },
} as const satisfies Readonly<Record<string, LoginReason>>;

/** Several of them, as one. */
export function anyOf(...reasons: readonly LoginReason[]): LoginReason {
  return { causes: reasons.flatMap(({ causes }) => causes), fixes: reasons.flatMap(({ fixes }) => fixes) };
}
