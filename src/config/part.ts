// A target or a unit by itself, as it is added or changed while others are served: judged by the same schema, in the same words, as in the
// file. Where it comes from, and what becomes of it, is for the callers.

import { LunaringError } from '../base/error.ts';
import { hasUserLikeTarget, provesAsUser, TARGET_AS_USER } from './directions.ts';
import { ENVIRONMENT } from './environment.ts';
import type { Finding } from './finding.ts';
import { type Sources, settleDocument } from './load.ts';
import type {
  AuthSettings,
  ChapSettings,
  LunSettings,
  PortalSettings,
  TargetSettings,
  TuningSettings,
} from './settings.ts';

/** What was given can't be served; every finding says where, what is allowed and what to do. */
export class PartError extends LunaringError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super('LUNARING_PART', findings.map(({ path, received }) => `${path}: ${received}`).join('; '));
    this.findings = findings;
  }
}

/** The portals beside which a part is to be served; those without real ports will do. */
type Portals = readonly Pick<PortalSettings, 'address' | 'port' | 'tag'>[];

/** The path of what is wrong with a part as a whole. */
export const THE_BODY = 'the body';
const PLACEHOLDER = 'iqn.2026-11.io.lunaring:part';
const TARGET_PREFIX = /^targets\[0\]\.?/;
const CREDENTIAL_PREFIX = /^targets\[0\]\.auth\.users\[0\]\.?/;
const TUNING_PREFIX = /^tuning\.?/;
const UNIT_PREFIX = /^targets\[0\]\.luns\[0\]\.?/;

function settleParts(document: object, directory: string, prefix: RegExp) {
  const { settings, findings } = settleDocument(document, {
    placeOf: () => 'the request',
    directoryOf: () => directory,
  });
  if (settings !== null) return settings;
  const errors = findings.filter(({ severity }) => severity === 'error');
  throw new PartError(errors.map((finding) => ({ ...finding, path: finding.path.replace(prefix, '') || THE_BODY })));
}

function settlePart(target: unknown, portals: Portals, directory: string, prefix: RegExp) {
  const document = { portals: portals.map((portal) => ({ ...portal })), targets: [target] };
  return settleParts(document, directory, prefix).targets[0]!;
}

/** Tuning from plain data. Throws {@link PartError}. */
export function settleTuningPart(tuning: object): TuningSettings {
  return settleParts({ targets: [], tuning }, '/', TUNING_PREFIX).tuning;
}

/** A target from plain data. Relative paths are relative to `directory`. Throws {@link PartError}. */
export function settleTargetPart(document: unknown, portals: Portals, directory: string): TargetSettings {
  return settlePart(document, portals, directory, TARGET_PREFIX);
}

/**
 * Judges the secrets of a target beside those of `others`, discovery's among them: none may serve both directions. Throws {@link PartError}.
 */
export function judgeDirections(auth: AuthSettings, others: readonly AuthSettings[]): void {
  const finding = { severity: 'error', origin: 'the request' } as const;
  if (provesAsUser(auth, others)) {
    throw new PartError([{ ...finding, path: 'auth.mutual', ...TARGET_AS_USER }]);
  }
  if (hasUserLikeTarget(auth, others)) {
    const allowed = 'secrets that no target proves itself with';
    const remedy = 'choose other secrets for the users';
    throw new PartError([{ ...finding, path: 'auth.users', received: "a target's own secret", allowed, remedy }]);
  }
}

/** A CHAP account from plain data: its name, and one of `secret` and `secretFile`. Throws {@link PartError}. */
export function settleCredentialPart(
  document: unknown,
  portals: Portals,
  directory: string,
): ChapSettings['users'][number] {
  const target = { name: PLACEHOLDER, auth: { method: 'chap', users: [document] }, luns: [] };
  const { auth } = settlePart(target, portals, directory, CREDENTIAL_PREFIX);
  return (auth as ChapSettings).users[0]!;
}

/** A unit from plain data. Throws {@link PartError}. */
export function settleUnitPart(document: unknown, portals: Portals, directory: string): LunSettings {
  const target = { name: PLACEHOLDER, luns: [document] };
  return settlePart(target, portals, directory, UNIT_PREFIX).luns[0]!;
}

const DIRECT = ENVIRONMENT.find(({ name }) => name === 'LUNARING_DIRECT')!;

/** Units from plain data, with what the environment says of all units, where they do not say it themselves. */
export function inEnvironment(units: readonly object[], environment: Sources['environment']): object[] {
  const text = environment[DIRECT.name]?.trim() ?? '';
  if (text === '') return [...units];
  const luns = units.map((unit) => ({ ...unit }));
  DIRECT.apply(text, { targets: [{ luns }] });
  return luns.map((unit, index) => ({ ...unit, ...units[index] }));
}
