// Sizes as people write them: 512, 64KiB, 1.5GiB. Binary units only, because disks are cut in powers of two.
// What sizes are allowed where is the schema's business.

import { GIB, KIB, MIB, TIB } from './limits.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, K: KIB, M: MIB, G: GIB, T: TIB };

/** A number of bytes, or one with a unit; `1GB` is refused, since half of the world reads it as 10^9. */
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?) ?(?:([KMGT])(?:iB)?|B)?$/;

/** Whether `text` is a size as others write it: 1GB, 20g, 1gib. */
export function isForeignSize(text: string): boolean {
  return /^\d+(?:\.\d+)? ?[kmgt]i?b?$/i.test(text) && !SIZE_PATTERN.test(text);
}

/** What to do about one of them. */
export const FOREIGN_SIZE_REMEDY = 'write KiB, MiB, GiB or TiB, which are powers of two';

/** Bytes, or null when `text` is no size or no whole number of bytes. */
export function parseSize(text: string): number | null {
  const match = SIZE_PATTERN.exec(text.trim());
  if (match === null) return null;
  const bytes = Number(match[1]) * UNITS[match[2] ?? '']!;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** The shortest exact spelling: `1GiB`, `1536MiB`, `1000`. {@link parseSize} reads it back. */
export function formatSize(bytes: number): string {
  for (const unit of ['T', 'G', 'M', 'K']) {
    const scale = UNITS[unit]!;
    if (bytes >= scale && bytes % scale === 0) return `${bytes / scale}${unit}iB`;
  }
  return String(bytes);
}
