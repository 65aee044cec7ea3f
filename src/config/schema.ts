// The shape of a configuration file: every key, its bounds, its default and what it is for. Types, checks, JSON Schema and the
// reference page come from here. What needs more than one value to judge is settle.ts; where values come from is load.ts.

import { z } from 'zod';
import { acl, auth } from './access-schema.ts';
import {
  choice,
  cpuList,
  describe,
  filePath,
  flag,
  integer,
  integerOr,
  ipAddress,
  iscsiName,
  list,
  namePattern,
  oneOf,
  orOff,
  pattern,
  portalAddress,
  section,
  size,
  targetAddress,
  text,
} from './fields.ts';
import * as limits from './limits.ts';

/** What is served when nobody says what: one sparse disk on the loopback. */
export const DEFAULT_PORTALS = [{ address: '127.0.0.1', port: 3260 }];
export const DEFAULT_TARGETS = [
  {
    name: 'iqn.2026-11.io.lunaring:disk0',
    luns: [{ lun: 0, backend: 'file' as const, path: 'disk0.img', size: '1GiB' }],
  },
];

const portal = section({
  address: describe(
    ipAddress(),
    'Address to listen on; 0.0.0.0 listens on all of IPv4, :: on all of IPv6, and of IPv4 as well unless a portal with an IPv4 address has the port.',
  ),
  port: describe(integer(0, 65535).default(3260), 'TCP port. 3260 is registered for iSCSI; 0 takes any free one.'),
  tag: describe(
    integer(0, limits.PORTAL_GROUP_TAG_MAX).default(1),
    'Target portal group: connections of one session may use all portals that share a tag.',
  ),
  advertise: describe(
    portalAddress().optional(),
    'Where initiators are told that the portal is (SendTargets), if they reach it at another address than it listens on: NAT, or a port of a container. Without a port: the one it listens on.',
  ),
  discovery: describe(flag().default(true), 'Whether discovery sessions are served here; refused with 0209 otherwise.'),
});

const digest = choice(['off', 'offer', 'require']);

const digests = section({
  header: describe(digest.default('offer'), 'CRC32C over headers: `offer` takes it when the initiator prefers it.'),
  data: describe(digest.default('offer'), 'CRC32C over data segments.'),
});

/** Each left out: unlimited. */
const allowance = {
  iops: describe(
    integer(limits.LIMIT_IOPS_MIN, limits.LIMIT_IOPS_MAX, 'I/Os per second').optional(),
    'READs, WRITEs and commands that carry blocks like them, per second. Left out: as many as there are.',
  ),
  bandwidth: describe(
    size(limits.LIMIT_BANDWIDTH_MIN, limits.LIMIT_BANDWIDTH_MAX).optional(),
    'Bytes that they move per second. Left out: as many as there are.',
  ),
  burstMs: describe(
    integer(limits.LIMIT_BURST_MS_MIN, limits.LIMIT_BURST_MS_MAX, 'ms').default(limits.LIMIT_BURST_MS_DEFAULT),
    "So many milliseconds' worth may be saved up while nothing is asked for, and then be had at once.",
  ),
};

export const unitLimits = section(allowance);

const initiatorLimits = section({
  initiators: describe(
    list(namePattern(), 1, limits.ACL_ENTRIES_MAX),
    'Initiator names that are limited, `*` for any characters: each name by itself, with all its sessions. The first entry that matches counts.',
  ),
  ...allowance,
});

export const redirect = section({
  address: describe(targetAddress(), 'Where the target is served instead.'),
  permanent: describe(flag().default(false), 'Moved for good (0102) rather than for now (0101).'),
});

const initiatorRedirect = section({
  initiators: describe(
    list(namePattern(), 1, limits.ACL_ENTRIES_MAX),
    'Initiator names that are sent elsewhere, `*` for any characters. The first entry that matches counts.',
  ),
  ...redirect.shape,
});

const lunNumber = describe(integer(0, limits.LUN_MAX), 'Logical unit number, unique in its target.');

/** What every unit has, whatever it is stored in. */
const unit = {
  limits: describe(unitLimits.optional(), 'How fast all initiators together may use it.'),
  blockSize: describe(oneOf(limits.BLOCK_SIZES, 'bytes').default(512), 'Bytes in a logical block.'),
  readOnly: describe(flag().default(false), 'Refuse every command that would change data.'),
  removable: describe(flag().default(false), 'Report a removable medium that START STOP UNIT can eject.'),
  serial: describe(
    pattern(/^[A-Za-z0-9._-]{1,32}$/, '1 to 32 letters, digits, dots, dashes or underscores').optional(),
    'Unit serial number, which no other unit may have. Made from machine, target, LUN and path when left out, and the same after every start.',
  ),
  naa: describe(
    pattern(
      /^(?:[235][0-9a-f]{15}|6[0-9a-f]{31})$/i,
      '16 hex digits that begin with 2, 3 or 5, or 32 that begin with 6',
      (value) => value.toLowerCase(),
    ).optional(),
    'World-wide name of the unit, which no other may have. Made like the serial number, as a locally assigned NAA identifier, when left out. Set both where there is no machine id (in a container): made ones are then the same on every host with the same target, LUN and path, and multipath takes such disks for one.',
  ),
};

const fileLun = section({
  lun: lunNumber,
  backend: describe(z.literal('file').default('file'), 'A file or block device.'),
  path: describe(
    filePath(),
    'Regular file or block device; relative to the configuration file. Reservations with APTPL, saved mode pages and word of a SANITIZE that has not ended are kept in files beside a regular file, and in stateDirectory for a block device.',
  ),
  size: describe(
    size(limits.UNIT_BYTES_MIN, limits.UNIT_BYTES_MAX).optional(),
    'Size of a file that is yet to be made (sparse). An existing file must have it, if given.',
  ),
  direct: describe(flag().default(true), 'Bypass the page cache (O_DIRECT).'),
  ...unit,
});

const memoryLun = section({
  lun: lunNumber,
  backend: describe(z.literal('memory'), 'A RAM disk.'),
  size: describe(
    size(limits.UNIT_BYTES_MIN, limits.MEMORY_UNIT_BYTES_MAX),
    'Size of the RAM disk; its content ends with the process.',
  ),
  atomicWrites: describe(
    flag().default(false),
    'WRITE ATOMIC(16): READs of up to 256 KiB see all of such a write or nothing, if the initiator takes 8 KiB or more in a PDU. READs are copied then, and cost more.',
  ),
  ...unit,
});

const nullLun = section({
  lun: lunNumber,
  backend: describe(z.literal('null'), 'Nothing at all: for measuring what everything else costs. In quotes.'),
  size: describe(
    size(limits.UNIT_BYTES_MIN, limits.UNIT_BYTES_MAX),
    'Size that is reported; reads give zeroes, writes are dropped.',
  ),
  ...unit,
});

/** A logical unit. */
export const lun = z.discriminatedUnion('backend', [fileLun, memoryLun, nullLun], {
  error: (issue) =>
    `file, memory or null\n${
      typeof issue.input === 'object' && (issue.input as { backend?: unknown } | null)?.backend === null
        ? 'write it in quotes, backend: "null": without them YAML takes it for no value'
        : 'write backend: file, backend: memory or backend: "null"'
    }`,
});

/** A target. */
export const target = section({
  name: describe(iscsiName(), 'iSCSI name of the target; compared without regard to case.'),
  alias: describe(text().optional(), 'Name for people (TargetAlias).'),
  state: describe(
    choice(['online', 'offline']).default('online'),
    'An offline target is listed, and refuses logins with 0301.',
  ),
  portalGroups: describe(
    list(integer(0, limits.PORTAL_GROUP_TAG_MAX), 1, limits.PORTALS_MAX).optional(),
    'Tags of the portal groups that serve it. All of them when left out.',
  ),
  sessionLimit: describe(
    integer(1, limits.SESSION_LIMIT_MAX, 'sessions').default(limits.SESSION_LIMIT_DEFAULT),
    'Sessions of the target; more are refused with 0302.',
  ),
  connectionLimit: describe(
    integer(1, limits.CONNECTION_LIMIT_MAX, 'connections').default(limits.CONNECTION_LIMIT_DEFAULT),
    'Connections of all its sessions; more are refused with 0206.',
  ),
  maxConnections: describe(
    integer(1, limits.MAX_CONNECTIONS_MAX, 'connections').default(1),
    'Connections of one session (MaxConnections).',
  ),
  digests: describe(digests.prefault({}), 'Which CRC32C digests are negotiated.'),
  errorRecoveryLevel: describe(
    integer(0, limits.ERROR_RECOVERY_LEVEL_MAX).default(0),
    'Highest ErrorRecoveryLevel offered. 0: what is damaged costs its command, or the session. 1: damaged and lost PDUs are sent again; what was sent is kept until it is acknowledged, and one WRITE has one R2T outstanding. 2: the tasks of a lost connection also wait for another one that takes them up, for DefaultTime2Wait and DefaultTime2Retain.',
  ),
  auth: describe(auth.prefault({}), 'How initiators prove who they are: `method: none` or `method: chap`.'),
  acl: describe(acl.prefault({}), 'Who is let in.'),
  redirect: describe(redirect.optional(), 'Send all initiators elsewhere, before they have to prove who they are.'),
  redirects: describe(
    list(initiatorRedirect, 0, limits.REDIRECTS_MAX).prefault([]),
    'Send some initiators elsewhere, once they have proven who they are.',
  ),
  initiatorLimits: describe(
    list(initiatorLimits, 0, limits.INITIATOR_LIMITS_MAX).prefault([]),
    'How fast single initiators may use its units, all of them together.',
  ),
  luns: describe(list(lun, 0, limits.LUNS_PER_TARGET_MAX), 'Its logical units.'),
});

const admin = section({
  address: describe(ipAddress().prefault('127.0.0.1'), 'Address of the admin interface.'),
  port: describe(integer(0, 65535).default(9260), 'Its TCP port; 0 takes any free one.'),
  tokenFile: describe(
    filePath().optional(),
    'File with the token that requests must carry (Authorization: Bearer). Required unless the address is a loopback one.',
  ),
});

/** Performance, and what is offered in negotiation. */
export const tuning = section({
  workers: describe(
    integerOr('auto', 1, limits.WORKERS_MAX, 'threads').default('auto'),
    'Worker threads that serve sessions; auto is one per core. A session lives on one worker.',
  ),
  cpus: describe(cpuList(limits.CPU_MAX).prefault('any'), 'CPUs to pin workers to, in turn.'),
  engine: describe(
    choice(['auto', 'uring', 'posix']).default('auto'),
    'How workers reach the kernel; auto takes io_uring where it works, and says in the log what it took and why.',
  ),
  queueDepth: describe(
    integer(1, limits.QUEUE_DEPTH_MAX, 'commands').default(limits.QUEUE_DEPTH_DEFAULT),
    'Commands that one session may have outstanding: the width of its CmdSN window.',
  ),
  slabMiB: describe(
    integer(limits.SLAB_MIB_MIN, limits.SLAB_MIB_MAX, 'MiB').default(limits.SLAB_MIB_DEFAULT),
    'I/O memory of each worker, reserved at start. Commands wait in the window when it is used up.',
  ),
  sqPoll: describe(
    flag().default(false),
    'Lets a thread of the kernel take what workers submit, one for each worker: fewer system calls for a CPU that is used up while there is load. io_uring only, Linux 6.0.',
  ),
  busyPollUs: describe(
    integerOr('auto', 0, limits.BUSY_POLL_US_MAX, 'µs').default('auto'),
    `For how long a worker looks for what comes next before it sleeps: latency for CPU time. It does so only while waits are that short; idle, it sleeps. auto: up to ${limits.BUSY_POLL_US_AUTOMATIC} µs, where short trials find that commands come a good deal sooner, for no more CPU time than that is worth: little more where initiators keep queues, up to twice as much where they wait for each answer; 0: never. io_uring only.`,
  ),
  coalesceUs: describe(
    integer(0, limits.COALESCE_US_MAX, 'µs').default(limits.COALESCE_US_DEFAULT),
    'For how long a worker that serves three or more initiators with queues waits for the next of them before it answers the first, as long as no file is concerned: CPU time and fairness for a little latency. Where each sends seven commands or more at a time, three times as long. Who waits for each answer gets it at once. io_uring only, Linux 6.12.',
  ),
  congestionControl: describe(
    pattern(/^[a-z0-9_-]{1,15}$/, 'auto, system, or a name such as cubic, dctcp, reno, bbr').prefault('auto'),
    'TCP congestion control that connections send with. auto is the system’s, but cubic where that is bbr, which slows large READs down; system never changes it; a name must be among those that the kernel allows (net.ipv4.tcp_allowed_congestion_control).',
  ),
  maxRecvDataSegmentLength: describe(
    size(limits.RECV_SEGMENT_BYTES_MIN, limits.RECV_SEGMENT_BYTES_MAX).prefault(limits.RECV_SEGMENT_BYTES_MAX),
    'MaxRecvDataSegmentLength that we declare: the longest data segment an initiator may send.',
  ),
  maxBurstLength: describe(
    size(limits.BURST_BYTES_MIN, limits.BURST_BYTES_MAX).prefault(limits.MAX_BURST_BYTES_DEFAULT),
    'MaxBurstLength offered: bytes in one solicited sequence.',
  ),
  firstBurstLength: describe(
    size(limits.BURST_BYTES_MIN, limits.FIRST_BURST_BYTES_MAX).optional(),
    `FirstBurstLength offered: bytes sent without being asked. Left out: ${limits.FIRST_BURST_BYTES_DEFAULT}, or maxBurstLength if that is less.`,
  ),
  immediateData: describe(flag().default(true), 'ImmediateData offered: data may ride in the command PDU.'),
  initialR2T: describe(flag().default(false), 'InitialR2T demanded: every WRITE waits for a round trip.'),
  loginTimeoutMs: describe(
    integer(limits.LOGIN_TIMEOUT_MS_MIN, limits.LOGIN_TIMEOUT_MS_MAX, 'ms').default(limits.LOGIN_TIMEOUT_MS_DEFAULT),
    'From accept to full feature phase; then the connection is closed.',
  ),
  nopIntervalMs: describe(
    integer(0, limits.NOP_INTERVAL_MS_MAX, 'ms').default(limits.NOP_INTERVAL_MS_DEFAULT),
    'A connection silent for this long is asked (NOP-In), and dropped after as long again. 0 never asks.',
  ),
});

export const log = section({
  level: describe(
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    'The least important lines that are written.',
  ),
  format: describe(
    choice(['auto', 'json', 'pretty']).default('auto'),
    'json for machines, pretty for people; auto is pretty on a terminal. NO_COLOR leaves colours out.',
  ),
});

/** The whole configuration. */
export const configuration = section({
  $schema: describe(text().optional(), 'For editors: where the JSON Schema of this file is. Not heeded.'),
  portals: describe(list(portal, 1, limits.PORTALS_MAX).prefault(DEFAULT_PORTALS), 'Where to listen.'),
  admin: describe(
    orOff(admin).prefault({}),
    'HTTP interface for status, metrics and changes; `false` switches it off.',
  ),
  discovery: describe(
    section({ auth: describe(auth.prefault({}), 'How initiators prove who they are.') }).prefault({}),
    'Discovery sessions.',
  ),
  targets: describe(list(target, 0, limits.TARGETS_MAX).prefault(DEFAULT_TARGETS), 'What is served.'),
  stateDirectory: describe(
    filePath().optional(),
    'Directory where units that have no regular file (block devices, memory, custom disks) keep what outlasts a restart: reservations with APTPL and saved mode pages, and block devices and custom disks word of a SANITIZE that has not ended. It has to exist, and no other process may have it. Left out: they keep nothing, and refuse APTPL.',
  ),
  tuning: describe(tuning.prefault({}), 'Performance, and the values offered in negotiation.'),
  log: describe(log.prefault({}), 'The log, written to standard error.'),
});

/** A configuration whose shape is right, before settle.ts. */
export type Configuration = z.output<typeof configuration>;
