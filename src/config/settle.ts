// Turns a configuration of the right shape into settings that can be served: paths made absolute, secrets read, defaults that
// depend on other values filled in, and everything judged that needs more than one value. Opens no disk and no socket.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { provesAsUser, TARGET_AS_USER } from './directions.ts';
import {
  FIRST_BURST_BYTES_DEFAULT,
  SECRET_CHARACTERS_ADVISED,
  SECRET_CHARACTERS_MIN,
  workersAutomatic,
} from './limits.ts';
import type { Configuration } from './schema.ts';
import { Secret } from './secret.ts';

type Path = readonly PropertyKey[];

/** What settling needs of its caller. */
export interface Surroundings {
  /** Directory that a relative path at this place in the configuration is relative to. */
  directoryOf(path: Path): string;
  /** Takes a finding. `received` is printed as it is: no secrets. */
  report(severity: 'error' | 'warning', path: Path, received: string, allowed: string, remedy: string): void;
}

type TargetInput = Configuration['targets'][number];
type AuthInput = TargetInput['auth'];
type CredentialInput = Extract<AuthInput, { method: 'chap' }>['users'][number];

/** Whether only this host can reach `address`. */
function isLoopback(address: string): boolean {
  return ipaddr.process(address).range() === 'loopback';
}

/** The indices of the values that have come before. */
function repeatsIn(values: readonly unknown[]): ReadonlySet<number> {
  const seen = new Set<unknown>();
  const repeats = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (seen.has(value)) repeats.add(index);
    seen.add(value);
  }
  return repeats;
}

function settleSecret(input: CredentialInput, path: Path, surroundings: Surroundings): string | null {
  const { secret, secretFile } = input;
  if ((secret === undefined) === (secretFile === undefined)) {
    const [received, remedy] =
      secret === undefined
        ? (['neither secret nor secretFile', 'add one of them'] as const)
        : (['secret and secretFile', 'keep one of them'] as const);
    surroundings.report('error', path, received, 'one of secret and secretFile', remedy);
    return null;
  }
  if (secret !== undefined) return secret;
  const file = resolve(surroundings.directoryOf(path), secretFile!);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const received = `${file}: ${(error as NodeJS.ErrnoException).code}`;
    surroundings.report(
      'error',
      [...path, 'secretFile'],
      received,
      'a file that can be read',
      'check path and permissions',
    );
    return null;
  }
}

function settleCredential(input: CredentialInput, path: Path, surroundings: Surroundings) {
  const text = settleSecret(input, path, surroundings);
  const place = [...path, input.secret === undefined ? 'secretFile' : 'secret'];
  if (text !== null && text.length < SECRET_CHARACTERS_ADVISED) {
    const severity = text.length < SECRET_CHARACTERS_MIN ? 'error' : 'warning';
    const least = severity === 'error' ? SECRET_CHARACTERS_MIN : SECRET_CHARACTERS_ADVISED;
    surroundings.report(
      severity,
      place,
      `${text.length} characters`,
      `${least} characters and more`,
      'choose a longer secret',
    );
  }
  const credential = { name: input.name, secret: new Secret(text ?? '') };
  if (input.secretFile === undefined) return credential;
  return { ...credential, secretFile: resolve(surroundings.directoryOf(path), input.secretFile) };
}

function settleAuth(input: AuthInput, path: Path, surroundings: Surroundings) {
  if (input.method === 'none') return { method: input.method };
  const users = input.users.map((user, index) => settleCredential(user, [...path, 'users', index], surroundings));
  const names = users.map(({ name }) => name);
  for (const index of repeatsIn(names)) {
    const place = [...path, 'users', index, 'name'];
    surroundings.report('error', place, names[index]!, 'each name once', 'remove or rename one of them');
  }
  if (input.mutual === undefined) return { method: input.method, algorithms: input.algorithms, users };
  const mutual = settleCredential(input.mutual, [...path, 'mutual'], surroundings);
  return { method: input.method, algorithms: input.algorithms, users, mutual };
}

/** A secret may not serve both directions: see directions.ts. */
function judgeDirections(
  auths: readonly (readonly [Path, ReturnType<typeof settleAuth>])[],
  surroundings: Surroundings,
) {
  const all = auths.map(([, auth]) => auth);
  for (const [path, auth] of auths) {
    if (!provesAsUser(auth, all)) continue;
    const { received, allowed, remedy } = TARGET_AS_USER;
    surroundings.report('error', [...path, 'mutual'], received, allowed, remedy);
  }
}

function settlePortals(input: Configuration['portals'], surroundings: Surroundings) {
  const places = input.map(({ address, port }) => `${address} port ${port}`);
  for (const index of repeatsIn(places)) {
    if (input[index]!.port === 0) continue;
    surroundings.report(
      'error',
      ['portals', index],
      places[index]!,
      'each address and port once',
      'remove one of them',
    );
  }
  return input;
}

function settleAdmin(input: Configuration['admin'], surroundings: Surroundings) {
  if (input === false) return input;
  if (input.tokenFile === undefined && !isLoopback(input.address)) {
    const allowed = 'a loopback address, or any address together with tokenFile';
    const remedy = 'set admin.tokenFile, or listen on 127.0.0.1';
    surroundings.report('error', ['admin', 'address'], input.address, allowed, remedy);
  }
  const { address, port, tokenFile } = input;
  if (tokenFile === undefined) return { address, port };
  return { address, port, tokenFile: resolve(surroundings.directoryOf(['admin', 'tokenFile']), tokenFile) };
}

function settleLuns(input: TargetInput['luns'], path: Path, surroundings: Surroundings) {
  const repeats = repeatsIn(input.map(({ lun }) => lun));
  return input.map((lun, index) => {
    const place = [...path, index];
    if (repeats.has(index)) {
      surroundings.report(
        'error',
        [...place, 'lun'],
        String(lun.lun),
        'each number once in a target',
        'give it another number',
      );
    }
    if (lun.size !== undefined && lun.size % lun.blockSize !== 0) {
      const allowed = `a multiple of the block size, ${lun.blockSize}`;
      surroundings.report('error', [...place, 'size'], `${lun.size} bytes`, allowed, 'change size or blockSize');
    }
    if (lun.backend !== 'file') return lun;
    return { ...lun, path: resolve(surroundings.directoryOf([...place, 'path']), lun.path) };
  });
}

function settleTarget(input: TargetInput, index: number, tags: readonly number[], surroundings: Surroundings) {
  const path = ['targets', index];
  const portalGroups = input.portalGroups ?? tags;
  for (const tag of portalGroups.filter((candidate) => !tags.includes(candidate))) {
    const allowed = `tags of portals: ${tags.join(', ')}`;
    surroundings.report(
      'error',
      [...path, 'portalGroups'],
      String(tag),
      allowed,
      'add a portal with this tag, or leave it out',
    );
  }
  return {
    ...input,
    portalGroups,
    auth: settleAuth(input.auth, [...path, 'auth'], surroundings),
    luns: settleLuns(input.luns, [...path, 'luns'], surroundings),
  };
}

function settleTuning(input: Configuration['tuning'], surroundings: Surroundings) {
  const firstBurstLength = input.firstBurstLength ?? Math.min(FIRST_BURST_BYTES_DEFAULT, input.maxBurstLength);
  if (firstBurstLength > input.maxBurstLength) {
    // RFC 7143 §13.14.
    const allowed = `at most maxBurstLength, ${input.maxBurstLength} bytes`;
    const place = ['tuning', 'firstBurstLength'];
    surroundings.report('error', place, `${firstBurstLength} bytes`, allowed, 'lower it, or raise maxBurstLength');
  }
  return { ...input, firstBurstLength, workers: input.workers === 'auto' ? workersAutomatic() : input.workers };
}

function settleStateDirectory(path: string | undefined, surroundings: Surroundings) {
  return path === undefined ? {} : { stateDirectory: resolve(surroundings.directoryOf(['stateDirectory']), path) };
}

/** Completes a configuration. Only to be used when no error was reported. */
export function settle(input: Configuration, surroundings: Surroundings) {
  const portals = settlePortals(input.portals, surroundings);
  const tags = [...new Set(portals.map((portal) => portal.tag))];
  const targets = input.targets.map((target, index) => settleTarget(target, index, tags, surroundings));
  const names = targets.map(({ name }) => name);
  for (const index of repeatsIn(names)) {
    const allowed = 'each name once, whatever its case';
    surroundings.report('error', ['targets', index, 'name'], names[index]!, allowed, 'rename one of them');
  }
  if (targets.length === 0) {
    surroundings.report(
      'warning',
      ['targets'],
      'none',
      'one target and more',
      'add a target: there is nothing to log in to',
    );
  }
  const discoveryAuth = settleAuth(input.discovery.auth, ['discovery', 'auth'], surroundings);
  const auths = targets.map(({ auth }, index) => [['targets', index, 'auth'], auth] as const);
  judgeDirections([[['discovery', 'auth'], discoveryAuth], ...auths], surroundings);
  return {
    portals,
    admin: settleAdmin(input.admin, surroundings),
    discovery: { auth: discoveryAuth },
    targets,
    ...settleStateDirectory(input.stateDirectory, surroundings),
    tuning: settleTuning(input.tuning, surroundings),
    log: input.log,
  };
}
