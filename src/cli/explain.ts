// `lunaring explain CODE`: what a login status means, when this target sends it, why that happens and what helps.
// The table is pdu/login-status.ts; the log and the admin interface print from the same one.

import { nearestWord } from '../base/nearest-word.ts';
import { findLoginStatus, formatLoginStatus, LOGIN_STATUS, type LoginStatusEntry } from '../pdu/login-status.ts';
import { columns } from './table.ts';
import { ExitCode, json, type World } from './world.ts';

/** Options of the command. */
export interface ExplainOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

function format(entry: LoginStatusEntry): string {
  return [
    `${formatLoginStatus(entry.code)} ${entry.name}`,
    `  ${entry.meaning}`,
    `Sent when`,
    `  ${entry.when}`,
    'Likely causes',
    ...entry.causes.map((cause) => `  - ${cause}`),
    'What helps',
    ...entry.fixes.map((fix) => `  - ${fix}`),
    `See RFC 7143 ${entry.sections.map((section) => `§${section}`).join(', ')}`,
    '',
  ].join('\n');
}

/** An entry with its code as it is written everywhere. */
function plain(entry: LoginStatusEntry) {
  return { ...entry, code: formatLoginStatus(entry.code) };
}

function unknown(word: string): string {
  const names = LOGIN_STATUS.flatMap(({ code, name }) => [formatLoginStatus(code), name]);
  const nearest = nearestWord(word, names);
  const hint = nearest === null ? 'lunaring explain lists them all' : `did you mean ${nearest}?`;
  return `error: no login status is called '${word}'; ${hint}\n`;
}

/** Runs the command: one status, all of them in full, or without either a list of them. */
export function explain(word: string | undefined, options: ExplainOptions, world: World): ExitCode {
  const all = word === undefined || options.all === true;
  const found = all ? LOGIN_STATUS : LOGIN_STATUS.filter((entry) => entry === findLoginStatus(word));
  if (found.length === 0) {
    world.complain(unknown(word ?? ''));
    return ExitCode.usage;
  }
  if (options.json === true) world.print(json(all ? found.map(plain) : plain(found[0]!)));
  else if (word === undefined && options.all !== true) {
    world.print(columns(found.map((entry) => [formatLoginStatus(entry.code), entry.name, entry.meaning])));
  } else world.print(found.map(format).join('\n'));
  return ExitCode.fine;
}
