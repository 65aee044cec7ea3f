// What the bodies of requests may be, as schemas, made of the configuration file's own: the same words, bounds and messages.
// What needs more than a schema to judge is config/part.ts's.

import { z } from 'zod';
import { credential } from '../config/access-schema.ts';
import { choice, describe, list, notes, section, size, text } from '../config/fields.ts';
import { LUNS_PER_TARGET_MAX, UNIT_BYTES_MAX, UNIT_BYTES_MIN } from '../config/limits.ts';
import { log, lun, redirect, target, tuning, unitLimits } from '../config/schema.ts';
import { FOREIGN_SIZE_REMEDY, isForeignSize } from '../config/size.ts';
import type { LoginTuning } from '../control/login-settings.ts';

/** A value that a change may leave out: what it leaves out stays as it is, so defaults do not count. */
function given<Schema extends z.ZodType>(schema: Schema) {
  let inner: z.ZodType = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.def.innerType as z.ZodType;
  }
  return describe(inner.optional(), notes.get(schema)?.description ?? '');
}

const { shape } = target;

/** A target to add; its units may be left out. */
export const targetToAdd = target.extend({
  luns: describe(list(lun, 0, LUNS_PER_TARGET_MAX).default([]), 'Its logical units.'),
});

/** What may change of a target that is served. Each value replaces the whole of what was there. */
export const targetChange = section(
  {
    alias: describe(text().nullable().optional(), 'Name for people (TargetAlias); null takes it away.'),
    portalGroups: given(shape.portalGroups),
    acl: given(shape.acl),
    auth: given(shape.auth),
    sessionLimit: given(shape.sessionLimit),
    connectionLimit: given(shape.connectionLimit),
    maxConnections: given(shape.maxConnections),
    digests: given(shape.digests),
    errorRecoveryLevel: given(shape.errorRecoveryLevel),
    redirects: given(shape.redirects),
    initiatorLimits: given(shape.initiatorLimits),
  },
  {
    name: 'a target keeps its name; remove it and add another',
    luns: 'units are at /luns below the target',
    state: 'PUT it at /state below the target',
    redirect: 'PUT it at /redirect below the target',
  },
);

export const targetState = section({
  state: describe(choice(['online', 'offline']), 'An offline target refuses logins with 0301; its sessions go on.'),
});

export const targetRedirect = redirect;

/** One of both, which config/settle.ts sees to. */
export const userSecret = section({
  secret: credential.shape.secret,
  secretFile: credential.shape.secretFile,
});

export const unitToAdd = lun;

const sizeOrDevice = z.union([z.literal('device'), size(UNIT_BYTES_MIN, UNIT_BYTES_MAX)], {
  error: ({ input }) =>
    `device, or a size in bytes or such as 64KiB, 1GiB\n${isForeignSize(String(input)) ? FOREIGN_SIZE_REMEDY : 'change it'}`,
});

/** What may change of a unit that is served. */
export const unitChange = section(
  {
    size: describe(sizeOrDevice.optional(), 'The size to grow to; `device`: what its device, or file, has become.'),
    limits: describe(unitLimits.nullable().optional(), 'How fast all initiators together may use it; null lifts that.'),
  },
  { path: 'a unit keeps its storage; remove it and add another', lun: 'a unit keeps its number' },
);

export const drainReason = section({
  reason: describe(
    text().default('an operator drains the target'),
    'Why; initiators are refused with 0301, and the log says this.',
  ),
});

const atStart = 'change the configuration file, and start again';

export const settingsChange = section(
  {
    logLevel: describe(log.shape.level.unwrap().optional(), 'The least important lines that are written.'),
    queueDepth: given(tuning.shape.queueDepth),
    maxRecvDataSegmentLength: given(tuning.shape.maxRecvDataSegmentLength),
    maxBurstLength: given(tuning.shape.maxBurstLength),
    firstBurstLength: given(tuning.shape.firstBurstLength),
    immediateData: given(tuning.shape.immediateData),
    initialR2T: given(tuning.shape.initialR2T),
    loginTimeoutMs: given(tuning.shape.loginTimeoutMs),
    nopIntervalMs: given(tuning.shape.nopIntervalMs),
  } satisfies Record<keyof LoginTuning | 'logLevel', z.ZodType>,
  {
    workers: atStart,
    cpus: atStart,
    engine: atStart,
    slabMiB: atStart,
    sqPoll: atStart,
    busyPollUs: atStart,
    coalesceUs: atStart,
    congestionControl: atStart,
  },
);
