// The environment variables, one table: what each sets, how its text is read, and what it shows as. `lunaring env`, the loading of
// settings and the reference page all come from it. Bounds and defaults are the schema's: a variable only puts its value in place.

import { hostPort } from '../base/host-port.ts';
import { UNIT_BYTES_MIN } from './limits.ts';
import { DEFAULT_PORTALS, DEFAULT_TARGETS } from './schema.ts';
import type { Settings } from './settings.ts';
import { formatSize, isForeignSize, parseSize } from './size.ts';

/** A configuration before the schema has seen it. */
export type RawConfiguration = Record<string, unknown>;

/** One variable. */
export interface EnvironmentVariable {
  readonly name: string;
  /** What it sets, as a path into the configuration; the schema's notes, bounds and default at that place hold for it. */
  readonly path: readonly [string, ...string[]] | null;
  /** Where the schema says nothing of it, or not in the variable's own spelling: values taken, default, effect. */
  readonly allowed?: string;
  readonly fallback?: string;
  readonly effect?: string;
  /** Puts the value into `configuration`, and returns the paths it set. Text that makes no sense is put there as it is: the schema will say. */
  apply(text: string, configuration: RawConfiguration): readonly (readonly PropertyKey[])[];
  /** The value in force. */
  show(settings: Settings): string;
  /** Where that value stands, when `path` does not say. */
  locate?(settings: Settings): readonly PropertyKey[];
}

type Reader = (text: string) => unknown;

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 'true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'false', 'no', 'off'].map((word) => [word, false] as const),
]);

/** Yes or no, in any of the words that variables take; undefined: none of them. */
export const flagOf = (text: string): boolean | undefined => FLAGS.get(text.toLowerCase());

const asFlag: Reader = (text) => flagOf(text) ?? text;
const asNumber: Reader = (text) => (/^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text);
const asText: Reader = (text) => text;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A variable that sets one value of a section. */
function single(name: string, section: 'tuning' | 'log', key: string, read: Reader): EnvironmentVariable {
  return {
    name,
    path: [section, key],
    apply(text, configuration) {
      const given = configuration[section];
      if (given === undefined || isRecord(given)) configuration[section] = { ...given, [key]: read(text) };
      return [[section, key]];
    },
    show(settings) {
      const value = (settings[section] as Readonly<Record<string, unknown>>)[key];
      if (Array.isArray(value)) return value.length === 0 ? 'any' : value.join(',');
      return String(value);
    },
  };
}

/** `host:port`, `[v6]:port`, or an address alone, which IPv6 without brackets is. */
function splitAddress(text: string): { address: string; port?: unknown } {
  const match = /^(?:\[(.*)\]|([^:]*))(?::([^:]*))?$/.exec(text);
  if (match === null) return { address: text };
  const address = match[1] ?? match[2] ?? '';
  return match[3] === undefined ? { address } : { address, port: asNumber(match[3]) };
}

function items(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

const portals: EnvironmentVariable = {
  name: 'LUNARING_PORTALS',
  path: ['portals'],
  allowed: 'address:port,…; IPv6 in brackets',
  fallback: '127.0.0.1:3260',
  effect: 'Where to listen. All of them form portal group 1 and serve discovery.',
  apply(text, configuration) {
    configuration['portals'] = items(text).map(splitAddress);
    return [['portals']];
  },
  show: (settings) => settings.portals.map(({ address, port }) => hostPort(address, port)).join(','),
};

const advertise: EnvironmentVariable = {
  name: 'LUNARING_ADVERTISE',
  path: null,
  allowed: 'host or host:port; IPv6 in brackets',
  fallback: '',
  effect:
    'Where initiators are told that the portals are, if they reach them at another address: NAT, or the published port of a container. Sets `advertise` of every portal.',
  apply(text, configuration) {
    const given = configuration['portals'] ?? DEFAULT_PORTALS;
    if (!Array.isArray(given)) return [];
    configuration['portals'] = given.map((portal) => (isRecord(portal) ? { ...portal, advertise: text } : portal));
    return given.map((_, index) => ['portals', index, 'advertise']);
  },
  show: (settings) => [...new Set(settings.portals.map((portal) => portal.advertise ?? ''))].join(' and '),
  locate: () => ['portals', 0, 'advertise'],
};

const WITHOUT_FILE: readonly string[] = ['memory', 'null'];

/**
 * Whether `text` is meant as the size of a unit: it has a letter, or is no less than the smallest is. /dev/disk/by-path/…-scsi-0:0:0:0 ends
 * with a number, too. One that is misspelt is no part of a path: the schema says how to write it.
 */
function isUnitSize(text: string): boolean {
  const bytes = parseSize(text);
  return isForeignSize(text) || (bytes !== null && (/[A-Z]/.test(text) || bytes >= UNIT_BYTES_MIN));
}

/** A disk of LUNARING_DISKS. The size is what follows the last colon, if it can be one: device paths have colons too. */
function disk(text: string, index: number): unknown {
  const colon = text.lastIndexOf(':');
  const [before, after] = [text.slice(0, Math.max(colon, 0)), text.slice(colon + 1)];
  const sized = WITHOUT_FILE.includes(before) || (before !== '' && isUnitSize(after));
  const path = sized ? before : text;
  const size = sized ? { size: after } : {};
  const kind = WITHOUT_FILE.includes(path) ? { backend: path } : { backend: 'file', path };
  const name = DEFAULT_TARGETS[0]!.name.replace(/\d+$/, String(index));
  return { name, luns: [{ lun: 0, ...kind, ...size }] };
}

const disks: EnvironmentVariable = {
  name: 'LUNARING_DISKS',
  path: ['targets'],
  allowed: 'path[:size],…; memory:size and null:size for disks without a file',
  fallback: 'disk0.img:1GiB',
  effect:
    'What to serve, in place of all targets: LUN 0 of iqn.2026-11.io.lunaring:disk0, disk1, and so on. A missing file is made when its size is given. A number without a unit below 65536 belongs to the path, as in /dev/disk/by-path/…-scsi-0:0:0:0.',
  apply(text, configuration) {
    configuration['targets'] = items(text).map(disk);
    return [['targets']];
  },
  show: (settings) =>
    settings.targets
      .flatMap(({ luns }) => luns)
      .map((lun) => {
        const size = lun.size === undefined ? '' : `:${formatSize(lun.size)}`;
        return `${lun.backend === 'file' ? lun.path : lun.backend}${size}`;
      })
      .join(','),
};

const direct: EnvironmentVariable = {
  name: 'LUNARING_DIRECT',
  path: null,
  allowed: 'true or false',
  fallback: 'true',
  effect: 'Whether files bypass the page cache (O_DIRECT); sets `direct` of every file LUN.',
  apply(text, configuration) {
    const paths: PropertyKey[][] = [];
    const targets = configuration['targets'];
    for (const [index, target] of (Array.isArray(targets) ? targets : []).entries()) {
      const luns = isRecord(target) ? target['luns'] : null;
      for (const [position, lun] of (Array.isArray(luns) ? luns : []).entries()) {
        if (!isRecord(lun) || (lun['backend'] ?? 'file') !== 'file') continue;
        lun['direct'] = asFlag(text);
        paths.push(['targets', index, 'luns', position, 'direct']);
      }
    }
    return paths;
  },
  show(settings) {
    const files = settings.targets.flatMap(({ luns }) => luns).filter((lun) => lun.backend === 'file');
    const values = new Set(files.map((lun) => lun.direct));
    return values.size === 0 ? 'no files' : [...values].join(' and ');
  },
  locate(settings) {
    const target = settings.targets.findIndex(({ luns }) => luns.some(({ backend }) => backend === 'file'));
    const lun = settings.targets[target]?.luns.findIndex(({ backend }) => backend === 'file') ?? 0;
    return ['targets', target, 'luns', lun, 'direct'];
  },
};

const admin: EnvironmentVariable = {
  name: 'LUNARING_ADMIN',
  path: ['admin'],
  allowed: 'address:port, IPv6 in brackets, or off; an address alone means port 9260',
  fallback: '127.0.0.1:9260',
  effect:
    'Where the admin interface listens, and where `lunaring status` and the like ask. An address that is not a loopback one needs a token.',
  apply(text, configuration) {
    const given = configuration['admin'];
    if (asFlag(text) === false) {
      configuration['admin'] = false;
      return [['admin']];
    }
    // The file's port does not remain beside an address of ours: commands ask where this variable says, and read no file.
    configuration['admin'] = { ...(isRecord(given) ? given : {}), port: undefined, ...splitAddress(text) };
    return [
      ['admin', 'address'],
      ['admin', 'port'],
    ];
  },
  show: ({ admin: value }) => (value === false ? 'off' : hostPort(value.address, value.port)),
};

const adminTokenFile: EnvironmentVariable = {
  name: 'LUNARING_ADMIN_TOKEN_FILE',
  path: ['admin', 'tokenFile'],
  allowed: 'a path',
  fallback: '',
  effect:
    'File with the token that requests to the admin interface carry: it asks for it, `lunaring status` and the like show it.',
  apply(text, configuration) {
    const given = configuration['admin'];
    // What is switched off stays off.
    if (given === undefined || isRecord(given)) configuration['admin'] = { ...given, tokenFile: text };
    return [['admin', 'tokenFile']];
  },
  show: ({ admin: value }) => (value === false ? '' : (value.tokenFile ?? '')),
};

const stateDirectory: EnvironmentVariable = {
  name: 'LUNARING_STATE_DIRECTORY',
  path: ['stateDirectory'],
  apply(text, configuration) {
    configuration['stateDirectory'] = text;
    return [['stateDirectory']];
  },
  show: (settings) => settings.stateDirectory ?? '',
};

const config: EnvironmentVariable = {
  name: 'LUNARING_CONFIG',
  path: null,
  allowed: 'a path',
  fallback: 'none',
  effect: 'Configuration file, YAML or JSON; --config wins over it.',
  // Read before all others, by load.ts.
  apply: () => [],
  show: () => '',
};

/** Every variable, in the order in which they are applied: the disks before what is set on each of them. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  config,
  portals,
  disks,
  admin,
  adminTokenFile,
  single('LUNARING_WORKERS', 'tuning', 'workers', asNumber),
  single('LUNARING_CPUS', 'tuning', 'cpus', asText),
  single('LUNARING_ENGINE', 'tuning', 'engine', asText),
  advertise,
  direct,
  stateDirectory,
  single('LUNARING_QUEUE_DEPTH', 'tuning', 'queueDepth', asNumber),
  single('LUNARING_SLAB_MIB', 'tuning', 'slabMiB', asNumber),
  single('LUNARING_BUSY_POLL_US', 'tuning', 'busyPollUs', asNumber),
  single('LUNARING_COALESCE_US', 'tuning', 'coalesceUs', asNumber),
  single('LUNARING_SQPOLL', 'tuning', 'sqPoll', asFlag),
  single('LUNARING_CONGESTION_CONTROL', 'tuning', 'congestionControl', asText),
  single('LUNARING_MAX_RECV_SEGMENT', 'tuning', 'maxRecvDataSegmentLength', asNumber),
  single('LUNARING_MAX_BURST', 'tuning', 'maxBurstLength', asNumber),
  single('LUNARING_FIRST_BURST', 'tuning', 'firstBurstLength', asNumber),
  single('LUNARING_IMMEDIATE_DATA', 'tuning', 'immediateData', asFlag),
  single('LUNARING_INITIAL_R2T', 'tuning', 'initialR2T', asFlag),
  single('LUNARING_LOGIN_TIMEOUT_MS', 'tuning', 'loginTimeoutMs', asNumber),
  single('LUNARING_NOP_INTERVAL_MS', 'tuning', 'nopIntervalMs', asNumber),
  single('LUNARING_LOG_LEVEL', 'log', 'level', asText),
  single('LUNARING_LOG_FORMAT', 'log', 'format', asText),
];
