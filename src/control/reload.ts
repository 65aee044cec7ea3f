// Reads the configuration again and serves what it says now: all of it, or, where something of it can't be served, nothing.
// What has to be done is plan.ts's; who asks for it is for the layers above.

import type { Logger } from 'pino';
import { ConfigurationError, type Finding, LoadingError, summarize } from '../config/finding.ts';
import type { Settings } from '../config/settings.ts';
import type { Change, Plan, Step } from './draft.ts';
import { planChanges } from './plan.ts';
import type { Rehearsal } from './rehearsal.ts';
import type { Load } from './saving.ts';
import { StorageError } from './storage.ts';
import type { RunningTarget } from './target.ts';

/** What came of it. */
export interface ReloadReport {
  readonly changes: readonly Change[];
  readonly applied: boolean;
  /** What is questionable in the configuration. */
  readonly warnings: readonly Finding[];
}

/** What a reload works on. */
export interface ReloadOptions {
  readonly load: Load;
  /** As they were loaded at the start. */
  readonly settings: Settings;
  readonly running: () => Pick<RunningTarget, 'administration' | 'listeners' | 'loginSettings'>;
  readonly log: Logger;
}

/** Reloading. Not two at a time, and no other changes beside it: the callers see to that. */
export class Reload {
  readonly #options: ReloadOptions;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /** What {@link apply} would do. Throws ConfigurationError with everything that can't be served. */
  plan(): ReloadReport {
    const { plan, warnings } = this.#plan();
    return { changes: plan.changes, applied: false, warnings };
  }

  /** Serves what the configuration says now. Throws ConfigurationError with what can't be served; then everything is as before. */
  async apply(): Promise<ReloadReport> {
    const { plan, warnings } = this.#plan();
    const { changes, steps } = plan;
    const done: Step[] = [];
    for (const step of steps) {
      try {
        await step.run();
        done.push(step);
      } catch (error) {
        await this.#takeBack(done);
        throw refusal(error, step.path);
      }
    }
    for (const step of done) step.settle?.();
    for (const change of changes) this.#options.log.info(change, 'reloaded: the configuration has changed here');
    const waiting = changes.filter(({ action }) => action === 'restart').map(({ path }) => path);
    if (waiting.length > 0) this.#options.log.warn({ paths: waiting }, 'some changes hold from the next start on');
    for (const finding of warnings) this.#options.log.warn(finding, summarize(finding));
    return { changes, applied: true, warnings };
  }

  /** Rehearsed, so that nothing is taken out to make room for something that then can't be served. */
  #plan(): { readonly plan: Plan; readonly warnings: readonly Finding[] } {
    const { load, settings, running, log } = this.#options;
    const loaded = load();
    if (loaded.settings === null) throw new LoadingError(loaded.findings);
    const { administration, listeners, loginSettings } = running();
    const plan = planChanges({ settings, administration, listeners, loginSettings, log }, loaded.settings);
    rehearse(plan, administration.rehearsal());
    return { plan, warnings: loaded.findings };
  }

  /** The last one first. */
  async #takeBack(done: readonly Step[]): Promise<void> {
    for (const step of done.toReversed()) {
      try {
        await step.undo?.();
      } catch (error) {
        this.#options.log.error({ err: error, path: step.path }, 'a change that was begun could not be taken back');
      }
    }
  }
}

/** Goes through the steps without taking any. Throws ConfigurationError with everything that is in their way. */
function rehearse({ steps }: Plan, rehearsal: Rehearsal): void {
  const findings: Finding[] = [];
  for (const step of steps) {
    try {
      step.rehearse?.(rehearsal);
    } catch (error) {
      const refused = refusal(error, step.path);
      if (!(refused instanceof ConfigurationError)) throw refused;
      findings.push(...refused.findings);
    }
  }
  if (findings.length !== 0) throw new ConfigurationError(findings);
}

/** What is wrong, with the place in the configuration where it is. */
function refusal(error: unknown, path: string): unknown {
  if (error instanceof ConfigurationError) {
    return new ConfigurationError(error.findings.map((finding) => ({ ...finding, path: `${path}.${finding.path}` })));
  }
  if (!(error instanceof StorageError)) return error;
  const { received, allowed, remedy } = error;
  const finding: Finding = { severity: 'error', path, origin: 'the configuration', received, allowed, remedy };
  return new ConfigurationError([finding]);
}
