// `lunaring check`: judges the configuration together with the machine that is to serve it, and says what to do. Starts nothing.
// The questions themselves are probes.ts, placement.ts, ports.ts and config/load.ts.

import { type Finding, formatFinding } from '../config/finding.ts';
import { loadSettings } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Answer } from './answer.ts';
import { probePlacement } from './placement.ts';
import { probePorts } from './ports.ts';
import {
  probeCongestionControl,
  probeDescriptors,
  probeIdleCpus,
  probeLibrary,
  probeLockedMemory,
  probeNames,
  probeStateDirectory,
  probeStorage,
  probeToken,
  probeUring,
} from './probes.ts';
import { ExitCode, json, type World } from './world.ts';

/** Options of the command. */
export interface CheckOptions {
  readonly config?: string;
  readonly json?: boolean;
}

async function askMachine(settings: Settings): Promise<Answer[]> {
  const library = probeLibrary();
  if (library !== null) return [library];
  const stateDirectory = probeStateDirectory(settings);
  const token = probeToken(settings);
  return [
    ...probeStorage(settings),
    ...(stateDirectory === null ? [] : [stateDirectory]),
    probeNames(settings),
    probeUring(settings),
    probeLockedMemory(settings),
    probeDescriptors(settings),
    probePlacement(settings),
    probeIdleCpus(),
    probeCongestionControl(settings),
    ...(await probePorts(settings)),
    ...(token === null ? [] : [token]),
  ];
}

function formatAnswer({ question, state, detail, remedy }: Answer): string {
  const line = `${state.padEnd(7)}  ${question}: ${detail}`;
  return remedy === '' ? line : `${line}\n         do: ${remedy}`;
}

function report(findings: readonly Finding[], answers: readonly Answer[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const lines = findings.map(formatFinding);
  lines.push(
    errors === 0 ? 'fine     configuration' : `failed   configuration: ${errors} ${errors === 1 ? 'error' : 'errors'}`,
  );
  return `${[...lines, ...answers.map(formatAnswer)].join('\n')}\n`;
}

/** Runs the command. Answers 2 when the configuration is wrong, 1 when the machine can't serve it, 0 otherwise. */
export async function check(options: CheckOptions, world: World): Promise<ExitCode> {
  const { environment, workingDirectory } = world;
  const { settings, findings } = loadSettings({ file: options.config, environment, workingDirectory });
  const answers = settings === null ? [] : await askMachine(settings);
  world.print(options.json === true ? json({ findings, answers }) : report(findings, answers));
  if (settings === null) return ExitCode.usage;
  return answers.some(({ state }) => state === 'failed') ? ExitCode.failed : ExitCode.fine;
}
