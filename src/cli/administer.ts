// The frame around every command that speaks with a running target: finds it, lets the command ask, prints what came of it.
// What to ask and how to tell it is the command's.

import { type AdminOptions, findAdmin, UsageError } from './admin-address.ts';
import { AdminClient, AdminError } from './admin-client.ts';
import { paragraph } from './table.ts';
import { ExitCode, json, type World } from './world.ts';

/** Options of commands that change something. */
export interface ChangeOptions extends AdminOptions {
  /** Have the target write its configuration file as well. */
  readonly save?: boolean;
}

/** What a command has to tell. */
export interface Told {
  /** For `--json`. */
  readonly data: unknown;
  /** For people; a line end is added. */
  readonly text: string;
}

/** What is given, without what is not: the body of a change. */
export function given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** The query of a change: `?save=true` when the file is to be written, too. */
export function saving({ save }: ChangeOptions): { readonly save?: string } {
  return save === true ? { save: 'true' } : {};
}

/** How a change is told: what was done, and whether it outlasts the target. */
export function changed(what: string, { save }: ChangeOptions): string {
  const lasting = save === true ? 'saved' : 'not saved: lunaring save writes it to the configuration file';
  return `${paragraph(what)}\n${lasting}`;
}

/** Runs `command` against the target that the options name, and answers the exit status. */
export async function administer(
  options: AdminOptions,
  world: World,
  command: (admin: AdminClient) => Promise<Told>,
): Promise<ExitCode> {
  try {
    const { data, text } = await command(new AdminClient(findAdmin(options, world)));
    world.print(options.json === true ? json(data) : `${text.trimEnd()}\n`);
    return ExitCode.fine;
  } catch (error) {
    if (error instanceof UsageError) {
      world.complain(`error: ${error.message}\n`);
      return ExitCode.usage;
    }
    if (!(error instanceof AdminError)) throw error;
    world.complain(error.format());
    return error.exitCode;
  }
}
