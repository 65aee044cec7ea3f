// `lunaring target add, remove, set, online, offline, redirect, user …`: what changes a target while it is served.
// What options mean is judged by the target, with the schema of the configuration file; showing targets is targets.ts's.

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationFile, readConfigurationFile } from '../config/document.ts';
import type { TargetReport } from '../control/reports.ts';
import { UsageError } from './admin-address.ts';
import { type AdminClient, path } from './admin-client.ts';
import { administer, type ChangeOptions, changed, given, saving } from './administer.ts';
import { formatTarget } from './targets.ts';
import type { ExitCode, World } from './world.ts';

/** Options of `target add` and `target set`. */
export interface TargetOptions extends ChangeOptions {
  /** A file with the keys of a target, as they stand in a configuration; `-` is standard input. */
  readonly from?: string;
  readonly alias?: string;
  readonly sessionLimit?: number;
  readonly connectionLimit?: number;
  readonly maxConnections?: number;
  readonly errorRecoveryLevel?: number;
  /** Tags. */
  readonly portalGroups?: number[];
  readonly headerDigest?: string;
  readonly dataDigest?: string;
  /** Lists, at the commas. */
  readonly initiators?: string[];
  readonly networks?: string[];
  readonly denial?: string;
  readonly auth?: string;
  readonly user?: string;
  readonly secretFile?: string;
}

type Part = Record<string, unknown>;

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Makes paths in a target's settings absolute: the target does not know where the file with them lies. */
function anchor(value: unknown, directory: string): unknown {
  if (Array.isArray(value)) return value.map((item) => anchor(item, directory));
  if (!isPart(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isPath = (key === 'path' || key === 'secretFile') && typeof inner === 'string';
      return [key, isPath ? resolve(directory, inner) : anchor(inner, directory)];
    }),
  );
}

/** The keys of a target in `file`. Throws UsageError. */
async function readPart(file: string, world: World): Promise<Part> {
  const { workingDirectory } = world;
  const fromInput = file === '-';
  const location = resolve(workingDirectory, file);
  let text: string;
  try {
    text = fromInput ? await world.readInput() : readFileSync(location, 'utf8');
  } catch (error) {
    throw new UsageError(
      `${location}: ${(error as NodeJS.ErrnoException).code}; name a file that can be read, or - for standard input`,
    );
  }
  const part = readConfigurationFile(fromInput ? 'standard input' : location, text);
  if (!(part instanceof ConfigurationFile)) {
    const { origin, received, remedy } = part;
    throw new UsageError(`${origin}: ${received}; ${remedy}`);
  }
  if (Object.keys(part.content).length === 0)
    throw new UsageError(`${file}: write the keys of one target, such as alias: …, as in a configuration file`);
  return anchor(part.content, fromInput ? workingDirectory : dirname(location)) as Part;
}

/** The account that a secret file makes; `-` reads the secret from standard input. */
async function credential(secretFile: string | undefined, world: World): Promise<Part> {
  if (secretFile === undefined)
    throw new UsageError('the secret comes from a file, --secret-file, or with - from standard input');
  if (secretFile === '-') return { secret: (await world.readInput()).trim() };
  return { secretFile: resolve(world.workingDirectory, secretFile) };
}

async function authOf({ auth, user, secretFile }: TargetOptions, world: World): Promise<Part | undefined> {
  if (auth === 'chap' && user === undefined)
    throw new UsageError('--auth chap takes a first user: --user NAME --secret-file FILE');
  if (auth !== 'chap' && (user !== undefined || secretFile !== undefined)) {
    throw new UsageError(
      '--user and --secret-file go with --auth chap; lunaring target user set changes users by themselves',
    );
  }
  if (auth === undefined) return undefined;
  if (auth !== 'chap') return { method: auth };
  return { method: 'chap', users: [{ name: user, ...(await credential(secretFile, world)) }] };
}

/** A section of which some keys are named: the others stay as they are in `before`. */
function merged(named: Part, before: Part | undefined): Part | undefined {
  return Object.keys(named).length === 0 ? undefined : { ...before, ...named };
}

/** The keys that the options name; `before`: the target as it is, where there is one. */
async function partOf(options: TargetOptions, before: Part | undefined, world: World): Promise<Part> {
  const { from, alias, sessionLimit, connectionLimit, maxConnections, errorRecoveryLevel, portalGroups } = options;
  const { initiators, networks, denial } = options;
  const digests = given({ header: options.headerDigest, data: options.dataDigest });
  return {
    ...(from === undefined ? {} : await readPart(from, world)),
    ...given({
      // No alias is none at all.
      alias: alias === '' ? null : alias,
      sessionLimit,
      connectionLimit,
      maxConnections,
      errorRecoveryLevel,
      portalGroups,
      acl: merged(given({ initiators, networks, denial }), before?.['acl'] as Part | undefined),
      digests: merged(digests, before?.['digests'] as Part | undefined),
      auth: await authOf(options, world),
    }),
  };
}

/** Runs `target add`. */
export function addTarget(name: string | undefined, options: TargetOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const part = await partOf(options, undefined, world);
    const body = { luns: [], ...part, ...given({ name }) };
    if (!('name' in body)) throw new UsageError('name the target, such as iqn.2026-11.com.example:disk1');
    const data = await admin.post<TargetReport>('/targets', { body, query: saving(options) });
    return { data, text: `${formatTarget(data)}${changed('added', options)}` };
  });
}

/** Runs `target set`. */
export function setTarget(name: string, options: TargetOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const before = await admin.get<TargetReport>(path`/targets/${name}`);
    const body = await partOf(options, before as unknown as Part, world);
    if (Object.keys(body).length === 0) throw new UsageError('say what to change: lunaring target set --help lists it');
    const data = await admin.patch<TargetReport>(path`/targets/${name}`, { body, query: saving(options) });
    const done =
      'initiatorLimits' in body
        ? 'changed: limits at once, the rest for logins to come'
        : 'changed, for logins to come';
    return { data, text: `${formatTarget(data)}${changed(done, options)}` };
  });
}

/** Runs `target remove`. */
export function removeTarget(name: string, options: ChangeOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    await admin.remove(path`/targets/${name}`, { query: saving(options) });
    const what = `removed ${name}: its sessions are ended, its data kept, logins get 0204`;
    return { data: { target: name, removed: true }, text: changed(what, options) };
  });
}

const goOn = (sessions: number): string => (sessions === 1 ? '1 session goes on' : `${sessions} sessions go on`);

/** The target after a change whose answer may be empty. */
const after = (admin: AdminClient, name: string) => admin.get<TargetReport>(path`/targets/${name}`);

/** Runs `target online` and `target offline`. */
export function setTargetState(
  name: string,
  state: 'online' | 'offline',
  options: ChangeOptions,
  world: World,
): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    await admin.put(path`/targets/${name}/state`, { body: { state }, query: saving(options) });
    const data = await after(admin, name);
    const meaning = state === 'online' ? 'logins are taken' : `logins get 0301; ${goOn(data.sessions)}`;
    return { data, text: changed(`${data.name} is ${state}: ${meaning}`, options) };
  });
}

/** Options of `target redirect`. */
export interface RedirectOptions extends ChangeOptions {
  readonly permanent?: boolean;
  readonly off?: boolean;
}

/** Runs `target redirect`. */
export function redirectTarget(
  name: string,
  address: string | undefined,
  options: RedirectOptions,
  world: World,
): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const { permanent = false, off = false } = options;
    if ((address === undefined) !== off) {
      throw new UsageError(
        'name the address that logins are sent to, such as 192.0.2.7:3260, or take them here again with --off',
      );
    }
    const where = path`/targets/${name}/redirect`;
    const query = saving(options);
    if (off) await admin.remove(where, { query });
    else await admin.put(where, { body: { address, permanent }, query });
    const data = await after(admin, name);
    const { redirect, sessions } = data;
    const what =
      redirect === null
        ? `${data.name} takes logins here`
        : `${data.name} sends logins to ${redirect.address}; ${goOn(sessions)} here (lunaring session end ends one)`;
    return { data, text: changed(what, options) };
  });
}

/** Options of `target user set`. */
export interface UserOptions extends ChangeOptions {
  readonly secretFile?: string;
}

/** Runs `target user set`: a new user, or a new secret of one. */
export function setUser(target: string, user: string, options: UserOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    const body = await credential(options.secretFile, world);
    await admin.put(path`/targets/${target}/users/${user}`, { body, query: saving(options) });
    const data = await after(admin, target);
    return { data, text: changed(`${user} may log in to ${data.name}; present sessions go on`, options) };
  });
}

/** Runs `target user remove`. */
export function removeUser(target: string, user: string, options: ChangeOptions, world: World): Promise<ExitCode> {
  return administer(options, world, async (admin) => {
    await admin.remove(path`/targets/${target}/users/${user}`, { query: saving(options) });
    const data = await after(admin, target);
    return {
      data,
      text: changed(`${user} may no longer log in to ${data.name}; present sessions go on`, options),
    };
  });
}
