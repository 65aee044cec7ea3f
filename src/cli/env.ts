// `lunaring env`: every variable with the value in force, who set it, its unit, bounds, default and effect.
// The table is config/environment.ts; nothing is started or opened.

import { ENVIRONMENT, type EnvironmentVariable } from '../config/environment.ts';
import { formatFinding } from '../config/finding.ts';
import { type LoadedSettings, loadSettings } from '../config/load.ts';
import { describeVariable } from '../config/reference.ts';
import { columns } from './table.ts';
import { ExitCode, json, type World } from './world.ts';

/** Options of the command. */
export interface EnvOptions {
  readonly config?: string;
  readonly json?: boolean;
}

function origin(variable: EnvironmentVariable, loaded: LoadedSettings, options: EnvOptions, world: World): string {
  if (variable.name === 'LUNARING_CONFIG' && options.config !== undefined) return '--config';
  if ((world.environment[variable.name] ?? '').trim() !== '') return 'environment';
  const place = variable.locate?.(loaded.settings) ?? variable.path;
  return place === null ? 'default' : loaded.originOf(place);
}

function describe(variable: EnvironmentVariable, loaded: LoadedSettings, options: EnvOptions, world: World) {
  const isConfig = variable.name === 'LUNARING_CONFIG';
  const file = options.config ?? world.environment[variable.name] ?? '';
  const { allowed, unit, fallback, effect } = describeVariable(variable);
  return {
    name: variable.name,
    value: isConfig ? file : variable.show(loaded.settings),
    origin: origin(variable, loaded, options, world),
    unit,
    allowed,
    default: fallback,
    effect,
  };
}

/** Runs the command. */
export function env(options: EnvOptions, world: World): ExitCode {
  const { environment, workingDirectory } = world;
  const loaded = loadSettings({ file: options.config, environment, workingDirectory });
  if (loaded.findings.length > 0) world.complain(`${loaded.findings.map(formatFinding).join('\n')}\n`);
  if (loaded.settings === null) return ExitCode.usage;
  const rows = ENVIRONMENT.map((variable) => describe(variable, loaded, options, world));
  if (options.json === true) {
    world.print(json(rows));
    return ExitCode.fine;
  }
  const heading = ['variable', 'value', 'origin', 'allowed'];
  const table = rows.map(({ name, value, origin: by, allowed }) => [name, value === '' ? '-' : value, by, allowed]);
  world.print(columns([heading, ...table]));
  world.print('\nWhat each does:\n');
  for (const row of rows) {
    const standard = row.default === '' ? '' : ` Default: ${row.default}.`;
    world.print(`  ${row.name}\n      ${row.effect}${standard}\n`);
  }
  return ExitCode.fine;
}
