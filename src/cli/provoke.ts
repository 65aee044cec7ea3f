// `lunaring provoke HOST:PORT --target NAME`: plays the refusals that can be provoked from outside against any target, and prints what
// each should have got and what it got. The cases are provoke/'s; what the codes mean, `lunaring explain` says.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { hostPort } from '../base/host-port.ts';
import { normalizeInitiatorName, normalizeName } from '../config/iscsi-name.ts';
import { findLoginStatus } from '../pdu/login-status.ts';
import type { Subject } from '../provoke/attempt.ts';
import { provoke as play, type Report } from '../provoke/provocation.ts';
import type { TargetAddress } from '../provoke/wire.ts';
import { columns } from './table.ts';
import { ExitCode, json, type World } from './world.ts';

/** Options of the command. */
export interface ProvokeOptions {
  readonly target: string;
  readonly initiator?: string;
  readonly user?: string;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly json?: boolean;
}

const DEFAULT_PORT = 3260;
const DEFAULT_INITIATOR = 'iqn.2026-11.io.lunaring:provoke';
/** Login answers take a target milliseconds. */
const ANSWER_MS = 5000;

/** `host`, `host:port`, `[v6]:port`; null for anything else. */
function parseAddress(text: string): TargetAddress | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (match === null || port === 0 || port > 0xffff) return null;
  return { host: match[1] ?? match[2]!, port };
}

/** What the options mean, or what is wrong with them. */
function subjectOf(where: string, options: ProvokeOptions, world: World): Subject | string {
  const address = parseAddress(where);
  if (address === null) return `'${where}' is no address; write host:port, an IPv6 address in brackets`;
  const target = normalizeName(options.target);
  if (target === null) return `'${options.target}' is no iSCSI name`;
  const initiator = normalizeInitiatorName(options.initiator ?? DEFAULT_INITIATOR);
  if (initiator === null) return `'${options.initiator}' is no iSCSI name`;
  const { user, secretFile } = options;
  let { secret } = options;
  if (secretFile !== undefined) {
    try {
      secret = readFileSync(resolve(world.workingDirectory, secretFile), 'utf8').trim();
    } catch (error) {
      return `${secretFile}: ${(error as NodeJS.ErrnoException).code}`;
    }
  }
  if ((user === undefined) !== (secret === undefined)) return '--user and --secret (or --secret-file) go together';
  const account = user === undefined || secret === undefined ? null : { user, secret };
  return { address, target, initiator, account, answerMs: ANSWER_MS };
}

/** `0203 TargetNotFound`, or what came in place of a code as it is. */
function named(verdict: string): string {
  const entry = /^[0-9A-F]{4}$/.test(verdict) ? findLoginStatus(verdict) : undefined;
  return entry === undefined ? verdict : `${verdict} ${entry.name}`;
}

function format({ login, results, omissions }: Report): string {
  const rows = results.map(({ code, case: name, expected, got, right }) => {
    return [code, name, named(expected), named(got), right ? '' : '<<'];
  });
  const right = results.filter((result) => result.right).length;
  return [
    columns([['code', 'case', 'expected', 'got', ''], ...rows]),
    '\nNot provoked:\n',
    columns(omissions.map(({ code, case: name, why }) => [code, name, why])),
    `\nA plain login ends with ${named(login)}. ${right} of ${results.length} cases as expected`,
    right === results.length ? '.\n' : '; the others are marked <<.\n',
  ].join('');
}

/** Runs the command. Answers 1 when a case got something else than expected, or nothing could be played. */
export async function provoke(where: string, options: ProvokeOptions, world: World): Promise<ExitCode> {
  const subject = subjectOf(where, options, world);
  if (typeof subject === 'string') {
    world.complain(`error: ${subject}\n`);
    return ExitCode.usage;
  }
  const report = await play(subject);
  if (report === null) {
    const { host, port } = subject.address;
    world.complain(`error: nobody takes connections at ${hostPort(host, port)}\n`);
    return ExitCode.failed;
  }
  const { target, initiator } = subject;
  world.print(options.json === true ? json({ address: where, target, initiator, ...report }) : format(report));
  return report.results.every(({ right }) => right) ? ExitCode.fine : ExitCode.failed;
}
