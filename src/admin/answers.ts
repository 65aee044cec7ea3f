// What answers look like, as schemas: for the API's description, and for the tests, which hold real answers against them.
// The data are control/reports.ts's.

import { z } from 'zod';
import { SessionType } from '../login/policy.ts';
import { LISTED_MAX } from '../metrics/sampler.ts';
import { Digest } from '../pdu/parameters.ts';
import type { DescribedAnswer } from './route.ts';

const count = z.int().min(0);
const time = z.iso.datetime();

const redirect = z.strictObject({ address: z.string(), permanent: z.boolean() });

const digest = z.enum(['off', 'offer', 'require']);

const limits = z.strictObject({
  iops: count.optional(),
  bandwidth: count.optional(),
  burstMs: count,
});

export const unitReport = z.strictObject({
  lun: count,
  backend: z.string(),
  path: z.string(),
  bytes: count,
  blockSize: count,
  readOnly: z.boolean(),
  removable: z.boolean(),
  serial: z.string(),
  naa: z.string(),
  limits: limits.nullable(),
  lostWrites: z
    .string()
    .nullable()
    .describe('the errno of a sync that failed: what was acknowledged may be lost, and nothing is promised to last'),
});

export const targetReport = z.strictObject({
  name: z.string(),
  alias: z.string(),
  state: z.enum(['online', 'offline']),
  redirect: redirect.nullable(),
  portalGroups: z.array(count),
  sessions: count,
  connections: count,
  sessionLimit: count,
  connectionLimit: count,
  maxConnections: count.describe('of one session'),
  digests: z.strictObject({ header: digest, data: digest }),
  errorRecoveryLevel: count.describe('the highest that is offered'),
  acl: z.strictObject({
    initiators: z.array(z.string()),
    networks: z.array(z.string()),
    denial: z.enum(['reveal', 'hide']),
  }),
  auth: z.strictObject({ method: z.enum(['none', 'chap']), users: z.array(z.string()), mutual: z.boolean() }),
  redirects: z.array(redirect.extend({ initiators: z.array(z.string()) })),
  initiatorLimits: z.array(limits.extend({ initiators: z.array(z.string()) })),
  units: z.array(unitReport),
});

const sessionParameters = z.strictObject({
  maxConnections: count,
  initialR2T: z.boolean(),
  immediateData: z.boolean(),
  maxBurstLength: count,
  firstBurstLength: count,
  defaultTime2Wait: count.describe('seconds'),
  defaultTime2Retain: count.describe('seconds'),
  maxOutstandingR2T: count,
  dataPDUInOrder: z.boolean(),
  dataSequenceInOrder: z.boolean(),
  errorRecoveryLevel: count,
  taskReporting: z.enum(['RFC3720', 'ResponseFence', 'FastAbort']),
  iSCSIProtocolLevel: count,
});

const negotiatedDigest = z.enum([Digest.none, Digest.crc32c]);

const connectionParameters = z.strictObject({
  headerDigest: negotiatedDigest,
  dataDigest: negotiatedDigest,
  maxRecvDataSegmentLength: count.describe('declared by the target: the longest data segment that it takes'),
  maxXmitDataSegmentLength: count.describe('MaxRecvDataSegmentLength declared by the initiator'),
});

export const sessionReport = z.strictObject({
  tsih: count,
  sessionType: z.enum([SessionType.normal, SessionType.discovery]),
  initiatorName: z.string(),
  initiatorAlias: z.string(),
  isid: z.string(),
  targetName: z.string(),
  portalGroupTag: count,
  worker: z.int().min(-1).describe('-1: the main thread, which serves discovery sessions'),
  since: time,
  parameters: sessionParameters.describe('as negotiated'),
  connections: z.array(
    z.strictObject({
      id: count,
      cid: count,
      peerAddress: z.string(),
      localAddress: z.string(),
      since: time,
      parameters: connectionParameters.describe('as negotiated at its login, or declared since'),
    }),
  ),
  figures: z.strictObject({
    reads: count,
    writes: count,
    others: count,
    bytesRead: count,
    bytesWritten: count,
    errors: count,
    inFlight: z.int(),
  }),
});

const refusalReport = z.strictObject({
  code: count,
  status: z.string(),
  name: z.string(),
  rule: z.string(),
  received: z.string(),
  expected: z.string(),
  causes: z.array(z.string()),
  fixes: z.array(z.string()),
  sections: z.array(z.string()),
  peerAddress: z.string(),
  localAddress: z.string(),
  initiatorName: z.string().nullable(),
  targetName: z.string().nullable(),
  correlationId: z.string(),
  at: time,
});

export const refusalsReport = z.strictObject({
  counts: z.record(z.string(), count).describe('logins by status since the start, 0000 among them'),
  latest: z.array(refusalReport).describe('newest first'),
});

const rate = z.number().min(0);

/** As metrics/rates.ts has them. */
const rates = {
  readIops: rate.describe('READs per second'),
  writeIops: rate,
  readBytes: rate.describe('bytes per second'),
  writeBytes: rate,
  errors: rate.describe('commands per second that did not end with GOOD'),
  p50Micros: rate.nullable().describe('latency of READs and WRITEs; null: there were none'),
  p99Micros: rate.nullable(),
  inFlight: count,
};

const LISTED = `the ${LISTED_MAX} busiest where there are more, and before them those that have commands of which none has ended; who was listed stays until others are twice as busy`;

const secondReport = z.strictObject({
  at: count.describe('milliseconds since 1970'),
  total: z.strictObject(rates),
  draining: z.boolean(),
  refusalCount: count.describe('logins that were refused since the start, those included that no message told of'),
  sessionCount: count,
  normalSessionCount: count.describe('those that are no discovery sessions'),
  unitCount: count,
  units: z.array(z.strictObject({ target: z.string(), lun: count, bytes: count, ...rates })).describe(LISTED),
  sessions: z
    .array(
      z.strictObject({
        tsih: count,
        initiator: z.string(),
        alias: z.string(),
        target: z.string(),
        worker: count,
        since: time,
        peers: z.array(z.string()),
        ...rates,
      }),
    )
    .describe(LISTED),
  workers: z.array(
    z.strictObject({
      worker: count,
      running: z.boolean(),
      sessions: count,
      connections: count,
      cpu: rate.nullable().describe('CPUs that it keeps busy; null: nobody knows'),
      memoryBytes: count,
      memoryUsedBytes: count,
      ...rates,
    }),
  ),
});

/** What a WebSocket is told. */
export const eventReport = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('status'), status: secondReport.describe('the target in the last second') }),
  z.strictObject({ type: z.literal('refusal'), refusal: refusalReport.describe('a login that was refused') }),
]);

export const statusReport = z.strictObject({
  version: z.string(),
  pid: count,
  startedAt: time,
  uptimeSeconds: count,
  engine: z.string(),
  engineReason: z.string(),
  workers: count,
  portals: z.array(z.strictObject({ address: z.string(), port: count, tag: count, advertise: z.string().optional() })),
  draining: z.string().describe('why logins are refused; empty while they are taken'),
  targets: count,
  sessions: count,
  inFlight: z.int(),
});

export const workerReport = z.strictObject({
  index: count,
  running: z.boolean(),
  sessions: count,
  figures: z.record(z.string(), z.number()).describe('totals since the start, but for what is in use now'),
});

export const drainReport = z.strictObject({ draining: z.string() });

export const settingsReport = z.strictObject({
  logLevel: z.string(),
  queueDepth: count.describe('commands of one session'),
  maxRecvDataSegmentLength: count,
  maxBurstLength: count,
  firstBurstLength: count,
  immediateData: z.boolean(),
  initialR2T: z.boolean(),
  loginTimeoutMs: count,
  nopIntervalMs: count.describe('0: silent connections are not asked'),
});

const finding = z.strictObject({
  severity: z.enum(['error', 'warning']).optional().describe('of a configuration'),
  path: z.string(),
  origin: z.string().optional().describe('of a configuration: the line of the file, or the variable'),
  received: z.string(),
  allowed: z.string(),
  remedy: z.string(),
});

export const reloadReport = z.strictObject({
  changes: z.array(
    z.strictObject({
      path: z.string(),
      action: z
        .enum(['add', 'remove', 'replace', 'grow', 'limit', 'change', 'restart'])
        .describe('restart: nothing now; it holds from the next start on'),
      sessions: z.array(count).describe('TSIHs of those whose initiators notice'),
      reason: z.string().optional().describe('of restart: why it can’t be now'),
    }),
  ),
  applied: z.boolean(),
  warnings: z.array(finding).describe('what is questionable in the configuration'),
});

export const savedReport = z.strictObject({ path: z.string() });

export const errorReport = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), findings: z.array(finding).optional() }),
});

/** An answer in JSON, described. */
export function described(description: string, schema: z.ZodType): DescribedAnswer {
  return { description, type: 'application/json', schema };
}

/** Done, and nothing to say about it. */
export const NOTHING: DescribedAnswer = { description: 'Done.' };

const failure = (description: string): DescribedAnswer => described(description, errorReport);

export const UNKNOWN = failure('There is none.');
export const EXISTS = failure('There is one already, or there are as many as there may be.');
export const CONFLICT = failure('Not as things are; the message says why.');
export const UNUSABLE = failure('A value can’t be served; every finding says where, what is allowed, and what to do.');
