// What a program says when it changes a running target, judged by the configuration's own schema: the same words, bounds and defaults.
// What is done with it is served-target.ts's; targets and units, which take more than a schema to judge, are config/part.ts's.

import { z } from 'zod';
import { size, text } from '../config/fields.ts';
import { ConfigurationError } from '../config/finding.ts';
import { TEXT_VALUE_BYTES_MAX, UNIT_BYTES_MAX, UNIT_BYTES_MIN } from '../config/limits.ts';
import { findingsOf } from '../config/load.ts';
import { redirect, target, unitLimits } from '../config/schema.ts';
import { ORIGIN } from './options.ts';

/** Limits of a unit: `bandwidth` in bytes per second or as a text such as '64MiB'; `burstMs` is 100 when left out. */
export type UnitLimitOptions = z.input<typeof unitLimits>;

/** Where initiators are sent; `permanent` is false when left out. */
export type RedirectOptions = z.input<typeof redirect>;

const SCHEMAS = {
  name: z.string({ error: () => 'the name of a target, as text\nchange it' }),
  bytes: size(UNIT_BYTES_MIN, UNIT_BYTES_MAX).nullable(),
  limits: unitLimits.optional(),
  state: target.shape.state.unwrap(),
  redirect: redirect.nullable(),
  reason: z.union([z.literal(''), text()], {
    error: () =>
      `at most ${TEXT_VALUE_BYTES_MAX} bytes of text without control characters; empty: logins are taken\nchange it`,
  }),
};

type Name = keyof typeof SCHEMAS;

/** An argument as its schema gives it. Throws {@link ConfigurationError}, in which it goes by its name. */
export function judged<Argument extends Name>(name: Argument, value: unknown): z.output<(typeof SCHEMAS)[Argument]> {
  const document = { [name]: value };
  const parsed = z.object({ [name]: SCHEMAS[name] as z.ZodType }).safeParse(document);
  if (!parsed.success) throw new ConfigurationError(findingsOf(parsed.error, document, () => ORIGIN));
  return parsed.data[name] as z.output<(typeof SCHEMAS)[Argument]>;
}
