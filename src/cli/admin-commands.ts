// The commands that speak with a running target: their words, options and help. Hands over to one file per subject.
// The other commands, and the program around them all, are command-line.ts's.

import { type Command, InvalidArgumentError } from 'commander';
import { flagOf } from '../config/environment.ts';
import type { AdminOptions } from './admin-address.ts';
import type { ChangeOptions } from './administer.ts';
import { type DrainOptions, drain } from './drain.ts';
import {
  type AddLunOptions,
  addLun,
  growLun,
  type LimitOptions,
  limitLun,
  listLuns,
  removeLun,
  showLun,
} from './luns.ts';
import { type RefusalsOptions, refusals } from './refusals.ts';
import { type ReloadOptions, reload } from './reload.ts';
import { save } from './save.ts';
import { endSession, type ListSessionsOptions, listSessions, showSession } from './sessions.ts';
import { type SettingsOptions, settings } from './settings.ts';
import { status } from './status.ts';
import {
  addTarget,
  type RedirectOptions,
  redirectTarget,
  removeTarget,
  removeUser,
  setTarget,
  setTargetState,
  setUser,
  type TargetOptions,
  type UserOptions,
} from './target-changes.ts';
import { listTargets, showTarget } from './targets.ts';
import { listWorkers } from './workers.ts';
import type { ExitCode, World } from './world.ts';

/** Receives the exit status of the command that ran. */
export type Finish = (code: ExitCode) => void;

const HEADING = 'Speaking with a running target:';

/** A whole number from `min` on, as an option or argument. */
function whole(min: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < min)
      throw new InvalidArgumentError(`write a whole number, ${min} or more.`);
    return Number(text);
  };
}

/** `a,b`, or the option given again. */
function list(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(',').map((item) => item.trim())];
}

function tags(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), ...list(text, undefined).map(whole(0))];
}

function flag(text: string): boolean {
  const value = flagOf(text);
  if (value === undefined) throw new InvalidArgumentError('write yes or no.');
  return value;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 3600)) throw new InvalidArgumentError('write seconds, from 0.1 to 3600.');
  return value;
}

/** A word that commands begin with. */
function group(parent: Command, word: string, description: string): Command {
  return parent.command(word).description(description).helpCommand(false);
}

/** A command that speaks with a target: with the options that all of them have. */
function asking(parent: Command, words: string, description: string): Command {
  return parent
    .command(words)
    .description(description)
    .option('--admin <address>', 'address:port or URL of the admin interface (instead of LUNARING_ADMIN)')
    .option('--token-file <file>', 'file with its token (instead of LUNARING_ADMIN_TOKEN_FILE)')
    .option('--json', 'print JSON');
}

/** One that changes the configuration. */
function changing(parent: Command, words: string, description: string): Command {
  return asking(parent, words, description).option('--save', 'write the configuration file as well');
}

/** Those of `lun add` and `lun limit`. */
function withLimits(command: Command): Command {
  return command
    .option('--iops <number>', 'I/Os per second', whole(1))
    .option('--bandwidth <size>', 'bytes per second, such as 100MiB')
    .option('--burst-ms <ms>', 'what may be saved up, in milliseconds of both', whole(1));
}

/** Those of `target add` and `target set`. */
function withTargetOptions(command: Command): Command {
  return command
    .option('--from <file>', 'keys of a target, as in a configuration file, YAML or JSON; - is standard input')
    .option('--alias <text>', "name for people; '' takes it away")
    .option('--session-limit <number>', 'sessions at a time', whole(1))
    .option('--connection-limit <number>', 'connections at a time, of all sessions', whole(1))
    .option('--max-connections <number>', 'connections of one session', whole(1))
    .option('--error-recovery-level <number>', '0, 1 or 2: the highest that is offered', whole(0))
    .option('--portal-groups <tags>', 'tags of the portals that serve it', tags)
    .option('--initiators <patterns>', 'initiator names that are let in, * for any characters', list)
    .option('--networks <networks>', 'networks from which they are let in', list)
    .option('--denial <way>', 'what others are told: reveal (0202) or hide (0203)')
    .option('--header-digest <way>', 'off, offer or require')
    .option('--data-digest <way>', 'off, offer or require')
    .option('--auth <method>', 'none, or chap with --user and --secret-file')
    .option('--user <name>', 'the first CHAP user')
    .option('--secret-file <file>', 'file with its secret; - reads the secret from standard input');
}

function declareTarget(program: Command, world: World, finish: Finish): void {
  const target = group(
    program,
    'target',
    'targets: list, show, add, set, online, offline, redirect, user, remove',
  ).helpGroup(HEADING);
  asking(target, 'list', 'list the targets').action(async (options: AdminOptions) =>
    finish(await listTargets(options, world)),
  );
  asking(target, 'show <name>', 'all about a target, but for secrets').action(async (name, options: AdminOptions) =>
    finish(await showTarget(name, options, world)),
  );
  withTargetOptions(changing(target, 'add [name]', 'add a target; lun add gives it units')).action(
    async (name, options: TargetOptions) => finish(await addTarget(name, options, world)),
  );
  withTargetOptions(changing(target, 'set <name>', 'change a target, for logins to come')).action(
    async (name, options: TargetOptions) => finish(await setTarget(name, options, world)),
  );
  changing(target, 'remove <name>', 'remove a target: end its sessions, refuse its logins with 0204').action(
    async (name, options: ChangeOptions) => finish(await removeTarget(name, options, world)),
  );
  changing(target, 'online <name>', 'take logins again').action(async (name, options: ChangeOptions) =>
    finish(await setTargetState(name, 'online', options, world)),
  );
  changing(target, 'offline <name>', 'refuse logins with 0301; sessions go on').action(
    async (name, options: ChangeOptions) => finish(await setTargetState(name, 'offline', options, world)),
  );
  changing(target, 'redirect <name> [address]', 'send logins elsewhere, with 0101; sessions go on')
    .option('--permanent', 'for good: 0102')
    .option('--off', 'take logins here again')
    .action(async (name, address, options: RedirectOptions) =>
      finish(await redirectTarget(name, address, options, world)),
    );
  const user = group(target, 'user', 'CHAP users of a target: set, remove');
  changing(user, 'set <target> <user>', 'add a user, or change the secret of one')
    .option('--secret-file <file>', 'file with the secret; - reads the secret from standard input')
    .action(async (name, account, options: UserOptions) => finish(await setUser(name, account, options, world)));
  changing(user, 'remove <target> <user>', 'remove a user').action(async (name, account, options: ChangeOptions) =>
    finish(await removeUser(name, account, options, world)),
  );
}

function declareLun(program: Command, world: World, finish: Finish): void {
  const lun = group(program, 'lun', 'logical units: list, show, add, grow, limit, remove').helpGroup(HEADING);
  asking(lun, 'list [target]', 'list the units of a target, or of all').action(async (target, options: AdminOptions) =>
    finish(await listLuns(target, options, world)),
  );
  asking(lun, 'show <target>', 'all about a unit')
    .argument('<lun>', 'its number', whole(0))
    .action(async (target, number, options: AdminOptions) => finish(await showLun(target, number, options, world)));
  withLimits(
    changing(lun, 'add <target>', 'add a unit; sessions are told')
      .argument('<lun>', 'its number', whole(0))
      .argument('[path]', 'file or block device; a missing file is made when --size is given')
      .option('--size <size>', 'such as 20GiB')
      .option('--backend <kind>', 'file, memory or null')
      .option('--block-size <bytes>', '512 or 4096', whole(1))
      .option('--no-direct', 'go through the page cache')
      .option('--read-only', 'refuse what would change data')
      .option('--removable', 'report a medium that can be ejected')
      .option('--atomic-writes', 'take WRITE ATOMIC(16); --backend memory only')
      .option('--serial <text>', 'unit serial number')
      .option('--naa <digits>', 'world-wide name'),
  ).action(async (target, number, file, options: AddLunOptions) =>
    finish(await addLun(target, number, file, options, world)),
  );
  changing(lun, 'grow <target>', 'make a unit larger; sessions are told')
    .argument('<lun>', 'its number', whole(0))
    .argument('<size>', 'such as 20GiB; device: what its file or device has become')
    .action(async (target, number, size, options: ChangeOptions) =>
      finish(await growLun(target, number, size, options, world)),
    );
  withLimits(
    changing(lun, 'limit <target>', 'limit how fast all initiators together may use a unit').argument(
      '<lun>',
      'its number',
      whole(0),
    ),
  )
    .option('--off', 'no limits')
    .action(async (target, number, options: LimitOptions) => finish(await limitLun(target, number, options, world)));
  changing(lun, 'remove <target>', 'remove a unit; its tasks end, its data are kept')
    .argument('<lun>', 'its number', whole(0))
    .action(async (target, number, options: ChangeOptions) => finish(await removeLun(target, number, options, world)));
}

function declareSession(program: Command, world: World, finish: Finish): void {
  const session = group(program, 'session', 'sessions: list, show, end').helpGroup(HEADING);
  asking(session, 'list [target]', 'list who is logged in, at a target or at all')
    .option('--rates [seconds]', 'measure for 1 s, or so long, and list what passes per second', seconds)
    .action(async (target, { rates, ...options }: Omit<ListSessionsOptions, 'rates'> & { rates?: number | true }) => {
      const measured = rates === undefined ? options : { ...options, rates: rates === true ? 1 : rates };
      finish(await listSessions(target, measured, world));
    });
  asking(session, 'show', 'all about a session, with what was negotiated')
    .argument('<tsih>', 'its number in the list', whole(1))
    .action(async (tsih, options: AdminOptions) => finish(await showSession(tsih, options, world)));
  asking(session, 'end', 'end a session: its initiator is told, its tasks are aborted')
    .argument('<tsih>', 'its number in the list', whole(1))
    .action(async (tsih, options: AdminOptions) => finish(await endSession(tsih, options, world)));
}

/** Declares them all. */
export function declareAdminCommands(program: Command, world: World, finish: Finish): void {
  asking(program, 'status', 'what a running target is, and whether it takes logins')
    .helpGroup(HEADING)
    .action(async (options: AdminOptions) => finish(await status(options, world)));
  declareTarget(program, world, finish);
  declareLun(program, world, finish);
  declareSession(program, world, finish);
  asking(program, 'refusals', 'logins that were refused of late: why, and what to do')
    .helpGroup(HEADING)
    .option('--count <number>', 'so many of the latest; 10 otherwise', whole(0))
    .option('--follow', 'go on with those to come')
    .action(async (options: RefusalsOptions) => finish(await refusals(options, world)));
  const worker = group(program, 'worker', 'the threads that serve: list').helpGroup(HEADING);
  asking(worker, 'list', 'list the workers, and what each has done').action(async (options: AdminOptions) =>
    finish(await listWorkers(options, world)),
  );
  asking(program, 'reload', 'read the configuration file again, and serve what it says')
    .helpGroup(HEADING)
    .option('--plan', 'only say what would change, and which sessions it touches')
    .action(async (options: ReloadOptions) => finish(await reload(options, world)));
  asking(program, 'drain', 'refuse logins with 0301, before maintenance; sessions go on')
    .helpGroup(HEADING)
    .option('--off', 'take logins again')
    .option('--reason <text>', 'for the log, and for those who ask')
    .action(async (options: DrainOptions) => finish(await drain(options, world)));
  changing(program, 'settings', 'settings that may change while it runs: log level, what logins are offered')
    .helpGroup(HEADING)
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .option('--queue-depth <number>', 'commands of one session', whole(1))
    .option('--max-recv-segment <size>', 'longest data segment that an initiator may send, such as 256KiB')
    .option('--max-burst <size>', 'MaxBurstLength that is offered')
    .option('--first-burst <size>', 'FirstBurstLength that is offered')
    .option('--immediate-data <yes|no>', 'ImmediateData that is offered', flag)
    .option('--initial-r2t <yes|no>', 'InitialR2T that is demanded', flag)
    .option('--login-timeout-ms <ms>', 'time for a login', whole(1))
    .option('--nop-interval-ms <ms>', 'silence after which a connection is asked; 0 never', whole(0))
    .action(async (options: SettingsOptions) => finish(await settings(options, world)));
  asking(program, 'save', 'write what is served now to the configuration file')
    .helpGroup(HEADING)
    .action(async (options: AdminOptions) => finish(await save(options, world)));
}
