// The command line: commands, options, help. Hands over to one file per command and answers the exit status, 0, 1 or 2.
// The process around it is main.ts.

import { Command, CommanderError } from 'commander';
import { nearestWord } from '../base/nearest-word.ts';
import { declareAdminCommands, type Finish } from './admin-commands.ts';
import { check } from './check.ts';
import { env } from './env.ts';
import { explain } from './explain.ts';
import { provoke } from './provoke.ts';
import { serve } from './serve.ts';
import { TEXT_WIDTH } from './table.ts';
import { VERSION } from './version.ts';
import { ExitCode, type World } from './world.ts';

const EXAMPLES = `
Examples:
  lunaring serve                                       one sparse disk, disk0.img, on 127.0.0.1:3260
  LUNARING_DISKS=/dev/sdb,a.img:20GiB lunaring serve   a device and a file
  lunaring serve --config lunaring.yaml                what the file says: docs/configuration.md
  lunaring check --config lunaring.yaml                will this machine serve it?
  lunaring env                                         every LUNARING_ variable, its value in force
  lunaring explain 0201                                what a login status means, and what to do
  lunaring provoke 192.0.2.7:3260 --target iqn.…       how a target, ours or another, refuses logins

Examples with a running target (docs/administration.md has more, by task):
  lunaring session list --rates                        who is logged in, what passes per second
  lunaring lun add iqn.…:db 1 /srv/b.img --size 20GiB  another unit, while the others are in use
  lunaring lun grow iqn.…:db 1 40GiB                   a larger one; then rescan on the initiator
  lunaring target redirect iqn.…:db 192.0.2.8:3260     drain a node: logins go to another
  lunaring refusals --follow                           why logins fail, as it happens
  lunaring save                                        keep what was changed, for the next start

These ask http://127.0.0.1:9260, unless --admin or LUNARING_ADMIN names another address, and show
the token in the file that --token-file or LUNARING_ADMIN_TOKEN_FILE names. <command> --help has
the rest.

Exit status: 0 fine, 1 failed while running, 2 wrong usage or configuration.`;

const CONFIG = ['--config <file>', 'configuration file, YAML or JSON (instead of LUNARING_CONFIG)'] as const;
const JSON_OUTPUT = ['--json', 'print JSON'] as const;

/** The command line. `finish` receives the exit status of the command that ran. */
function commandLine(world: World, finish: Finish): Command {
  const program = new Command('lunaring');
  program
    .description('A high-throughput iSCSI target for Linux. Without a command it serves.')
    .version(VERSION)
    .addHelpText('after', EXAMPLES)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: world.print, writeErr: world.complain, getOutHelpWidth: () => TEXT_WIDTH })
    .commandsGroup('Serving, and getting ready to:');
  program
    .command('serve', { isDefault: true })
    .description('serve the configured targets until SIGTERM or SIGINT')
    .option(...CONFIG)
    .allowExcessArguments()
    .action(async (options, command: Command) => {
      const word = command.args[0];
      if (word !== undefined) program.error(unknownCommand(word, program), { exitCode: ExitCode.usage });
      finish(await serve(options, world));
    });
  program
    .command('check')
    .description('judge configuration and machine: files, io_uring, limits, CPUs, ports')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action(async (options) => finish(await check(options, world)));
  program
    .command('env')
    .description('list the environment variables: value, origin, bounds, effect')
    .option(...CONFIG)
    .option(...JSON_OUTPUT)
    .action((options) => finish(env(options, world)));
  program
    .command('explain')
    .description('explain a login status, by code (0201) or name; list them without one')
    .argument('[status]', 'code or name')
    .option('--all', 'all of them, in full')
    .option(...JSON_OUTPUT)
    .action((status: string | undefined, options) => finish(explain(status, options, world)));
  program
    .command('provoke')
    .description('play the refusals of the login phase against a target: what each should get, and what it gets')
    .argument('<host:port>', 'where the target listens')
    .requiredOption('--target <name>', 'iSCSI name of the target')
    .option('--initiator <name>', 'iSCSI name to log in with')
    .option('--user <name>', 'CHAP user of the target')
    .option('--secret <secret>', 'CHAP secret; other users of this machine can read it')
    .option('--secret-file <file>', 'file that holds the CHAP secret')
    .option(...JSON_OUTPUT)
    .action(async (where: string, options) => finish(await provoke(where, options, world)));
  declareAdminCommands(program, world, finish);
  return program.helpCommand(false);
}

/** What is no command ends up with `serve`, the default one. */
function unknownCommand(word: string, program: Command): string {
  const nearest = nearestWord(
    word,
    program.commands.map((command) => command.name()),
  );
  return `error: unknown command '${word}'${nearest === null ? '' : `; did you mean ${nearest}?`}`;
}

/** Runs one command line, without the program's own name. */
export async function run(parameters: readonly string[], world: World): Promise<ExitCode> {
  let code: ExitCode = ExitCode.fine;
  try {
    await commandLine(world, (finished) => {
      code = finished;
    }).parseAsync(parameters, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? ExitCode.fine : ExitCode.usage;
  }
}
