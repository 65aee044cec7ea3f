// A target in a program of one's own: options in, a running target out. What `lunaring serve` is on a command line.
// Changing it while it runs is served-target.ts's.

import { pino } from 'pino';
import { ConfigurationError, type Finding, summarize } from '../config/finding.ts';
import { settleDocument } from '../config/load.ts';
import { startTarget } from '../control/target.ts';
import { Disks } from './disks.ts';
import { type CreateTargetOptions, isRecord, judgeOptions, ORIGIN, splitTarget } from './options.ts';
import { ServedTarget } from './served-target.ts';

const STANDARD_ERROR = 2;
const NO_OPTIONS: CreateTargetOptions = { targets: [] };

/**
 * Starts serving, and resolves when initiators can log in. Throws a {@link ConfigurationError} that names everything that is wrong with the
 * options, and a LunaringError for what the machine does not allow; nothing is left open or running then.
 */
export async function createTarget(options: CreateTargetOptions): Promise<ServedTarget> {
  const findings: Finding[] = [...judgeOptions(options)];
  const { targets = [], log: given, directory, ...rest } = isRecord(options) ? options : NO_OPTIONS;
  const base = typeof directory === 'string' ? directory : process.cwd();
  const splits = (Array.isArray(targets) ? targets : []).map((target, index) =>
    splitTarget(target, ['targets', index], (finding) => findings.push(finding)),
  );
  const judgedTargets = Array.isArray(targets) ? splits.map(({ target }) => target) : targets;
  const document = { ...rest, targets: judgedTargets, admin: false };
  const judged = settleDocument(document, { placeOf: () => ORIGIN, directoryOf: () => base });
  findings.push(...judged.findings);
  const { settings } = judged;
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (settings === null || errors.length !== 0) throw new ConfigurationError(errors);
  const log = given ?? pino({ level: 'warn', base: null }, pino.destination({ fd: STANDARD_ERROR, sync: true }));
  for (const finding of findings) log.warn(summarize(finding));

  const disks = new Disks(log);
  try {
    const served = [];
    for (const [index, target] of settings.targets.entries()) {
      const luns = await disks.open(target, splits[index]!.customs, ['targets', index, 'luns']);
      served.push({ ...target, luns });
    }
    const running = await startTarget({ ...settings, targets: served }, log);
    return new ServedTarget(running, { disks, directory: base });
  } catch (error) {
    await disks.closeAll().catch((err: Error) => log.error({ err }, 'a disk was not closed in order'));
    throw error;
  }
}
