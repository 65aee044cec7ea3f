// What is wrong with a configuration, or only questionable, said so that the reader can mend it without another source.
// Found by load.ts, by the catalog when it opens the disks, and by `lunaring check`.

import { LunaringError } from '../base/error.ts';

/** One thing found. An error keeps the target from starting, a warning does not. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** Where in the configuration: `targets[0].luns[1].size`. */
  readonly path: string;
  /** Who said it: `lunaring.yaml:14`, `LUNARING_WORKERS`, `default`. */
  readonly origin: string;
  /** The value as it was given, secrets masked. */
  readonly received: string;
  /** What is taken instead. */
  readonly allowed: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Four lines: where, and the three parts of an answer. */
export function formatFinding(finding: Finding): string {
  const where = finding.origin === 'default' ? finding.path : `${finding.path}  (${finding.origin})`;
  return [
    `${finding.severity}: ${where}`,
    `  received  ${finding.received}`,
    `  allowed   ${finding.allowed}`,
    `  do        ${finding.remedy}`,
  ].join('\n');
}

/** One line, for the log. */
export function summarize({ path, received, remedy }: Pick<Finding, 'path' | 'received' | 'remedy'>): string {
  return `${path}: ${received}; ${remedy}`;
}

/** The configuration can't be served. Ends the process with status 2. */
export class ConfigurationError extends LunaringError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super('LUNARING_CONFIGURATION', findings.map(formatFinding).join('\n'));
    this.findings = findings;
  }
}

/** The configuration can't even be loaded. Its findings know who said what: the lines of the file, the variables. */
export class LoadingError extends ConfigurationError {}

/** `targets[0].luns[1].size`. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text === '' ? 'the whole file' : text;
}
