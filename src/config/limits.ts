// Every bound on what can be configured, each with its reason. The schema checks them, the reference page prints them.
// What the negotiated keys may be on the wire is the standard's business (pdu/keys.ts); these are the values we offer.

import { availableParallelism } from 'node:os';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;

// Names and numbers of the protocol.

/** RFC 7143 §4.2.7: an iSCSI name is at most 223 bytes. */
export const ISCSI_NAME_BYTES_MAX = 223;
/** RFC 7143 §6.1: a text value is at most 255 bytes unless its key says otherwise. */
export const TEXT_VALUE_BYTES_MAX = 255;
/** The tag is 16 bits wide (RFC 7143 §13.9). */
export const PORTAL_GROUP_TAG_MAX = 0xffff;
/** Flat space addressing carries 14 bits; what lies above needs extended addressing, which few initiators send. */
export const LUN_MAX = 0x3fff;
/** The block sizes that disks come in and initiators expect. */
export const BLOCK_SIZES = [512, 4096] as const;
/** RFC 7143 §9.2.1: a CHAP secret of less than 96 random bits needs IPsec beside it. 12 characters are the least that can hold them. */
export const SECRET_CHARACTERS_MIN = 12;
/** Below this a secret is taken, with a warning: people type words, and those hold far less than 8 bits a letter. */
export const SECRET_CHARACTERS_ADVISED = 16;

// Counts: generous for a storage server, small enough that a slip of the keyboard is caught.

/** A listening socket each; hosts have a handful of addresses. */
export const PORTALS_MAX = 64;
/** A SendTargets answer lists them all: at some 100 bytes each this stays a text of a few hundred KiB. */
export const TARGETS_MAX = 1024;
/** What initiators scan without being told otherwise. */
export const LUNS_PER_TARGET_MAX = 256;
export const USERS_MAX = 256;
export const ACL_ENTRIES_MAX = 1024;
/** Sessions of one target. */
export const SESSION_LIMIT_MAX = 4096;
export const SESSION_LIMIT_DEFAULT = 64;
/** Connections of one target. */
export const CONNECTION_LIMIT_MAX = 4096;
export const CONNECTION_LIMIT_DEFAULT = 16;
/** Connections of one session. All of them are served by one worker: beyond one for each port of a host, more gain nothing. */
export const MAX_CONNECTIONS_MAX = 8;
/** What the data plane recovers from without a new session (RFC 7143 §7): damaged and lost PDUs, and lost connections. */
export const ERROR_RECOVERY_LEVEL_MAX = 2;
/** Initiators of one target that are sent elsewhere: as many as may be let in. */
export const REDIRECTS_MAX = ACL_ENTRIES_MAX;

export const INITIATOR_LIMITS_MAX = ACL_ENTRIES_MAX;

// What limits may be.

/** Below this a host takes the disk for dead: Linux gives a command 30 s, and has 128 of them in flight. */
export const LIMIT_IOPS_MIN = 10;
export const LIMIT_IOPS_MAX = 10_000_000;
/** One command of 1 MiB in 16 s. */
export const LIMIT_BANDWIDTH_MIN = 64 * KIB;
export const LIMIT_BANDWIDTH_MAX = TIB;
/** Commands are let through with a precision of a millisecond: with less saved up, what is allowed could not be had. */
export const LIMIT_BURST_MS_MIN = 10;
export const LIMIT_BURST_MS_MAX = 60_000;
export const LIMIT_BURST_MS_DEFAULT = 100;

// Sizes of units, in bytes.

/** Below this there is nothing to test with. */
export const UNIT_BYTES_MIN = 64 * KIB;
/** Memory units are one SharedArrayBuffer each; V8 on 64-bit machines stops at 2^35 bytes and more. */
export const MEMORY_UNIT_BYTES_MAX = 32 * GIB;
/** Offsets are JavaScript numbers: exact to 2^53. ext4 stops at 16 TiB, xfs at 8 EiB. */
export const UNIT_BYTES_MAX = 4096 * TIB;

// Tuning.

/** One worker fills a core; more than this many cores no one has asked us to fill. */
export const WORKERS_MAX = 128;
/** CPU_SETSIZE of the kernel's default affinity mask. */
export const CPU_MAX = 1023;
/** Commands outstanding per session. The initiator's CmdSN window: 2^31 apart by the standard, thousands in real hosts. */
export const QUEUE_DEPTH_MAX = 1024;
/** open-iscsi's cmds_max. */
export const QUEUE_DEPTH_DEFAULT = 128;
/** The least that holds two slots of each size class and the receive buffers. */
export const SLAB_MIB_MIN = 8;
/** Offsets into a slab stay below 2^32. */
export const SLAB_MIB_MAX = 2048;
export const SLAB_MIB_DEFAULT = 64;
/** RFC 7143 §13.12: no less than 512. */
export const RECV_SEGMENT_BYTES_MIN = 512;
/** One data segment fits one slot of the slab. */
export const RECV_SEGMENT_BYTES_MAX = 256 * KIB;
/** RFC 7143 §13.13, §13.14: 512 to 2^24 - 1. */
export const BURST_BYTES_MIN = 512;
export const BURST_BYTES_MAX = 2 ** 24 - 1;
/** What a command brings along unasked is received into one slot of the slab; longer transfers ask for the rest with R2Ts. */
export const FIRST_BURST_BYTES_MAX = 256 * KIB;
/** One round trip (R2T) per MiB: more gains nothing measurable, and the window of a session is that much memory. */
export const MAX_BURST_BYTES_DEFAULT = MIB;
/** open-iscsi's default: WRITEs of up to 256 KiB need no R2T. */
export const FIRST_BURST_BYTES_DEFAULT = 256 * KIB;
/** RFC 7143 §13 lets a login take its time; an initiator that says nothing for ten minutes is gone. */
export const LOGIN_TIMEOUT_MS_MIN = 100;
export const LOGIN_TIMEOUT_MS_MAX = 600_000;
export const LOGIN_TIMEOUT_MS_DEFAULT = 15_000;
export const NOP_INTERVAL_MS_MAX = 600_000;
/** open-iscsi asks every 5 s; a target that asks as often would only repeat it. */
export const NOP_INTERVAL_MS_DEFAULT = 15_000;

/** How many workers `auto` means: one for each core this process may run on. */
export function workersAutomatic(): number {
  return Math.min(availableParallelism(), WORKERS_MAX);
}

/** Beyond a millisecond a sleep costs next to nothing in comparison. */
export const BUSY_POLL_US_MAX = 1000;
/** What `auto` looks for: longer than an initiator in a virtual machine takes, its own sleep and wake-up included. */
export const BUSY_POLL_US_AUTOMATIC = 500;
/** As for network cards: beyond that, the wait is felt by everybody. */
export const COALESCE_US_MAX = 1000;
export const COALESCE_US_DEFAULT = 50;
