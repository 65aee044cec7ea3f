// The files that the results go to: known to be writable before anything is measured, and written one whatever becomes of the other.
// What stands in them is results.ts's and report-html.ts's.

import { closeSync, openSync, writeFileSync } from 'node:fs';
import { type Options, UsageError } from './options.ts';
import { toHtml } from './report-html.ts';
import { type Results, toJson } from './results.ts';

/** Makes those that are not there, and leaves the others as they are. Throws {@link UsageError} when one can't be written. */
export function prepareOutputs({ json, html }: Options): void {
  for (const [option, path] of [['json', json] as const, ['html', html] as const]) {
    if (path === undefined) continue;
    try {
      closeSync(openSync(path, 'a'));
    } catch (cause) {
      throw new UsageError(`--${option}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** Writes what was asked for; returns why that went wrong. */
export function writeOutputs(results: Results): Error[] {
  const { json, html } = results.options;
  const faults: Error[] = [];
  for (const [path, text] of [[json, toJson] as const, [html, toHtml] as const]) {
    if (path === undefined) continue;
    try {
      writeFileSync(path, text(results));
    } catch (error) {
      faults.push(error as Error);
    }
  }
  return faults;
}
