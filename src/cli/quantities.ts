// Bytes, counts, times and spans as people read them: three digits and a unit. What is exact stands in `--json`.
// Sizes that are read back, in configurations, are config/size.ts's.

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const COUNT_UNITS = ['', 'k', 'M', 'G', 'T'];
/** Below this a count is printed as it is. */
const PLAIN_COUNT_MAX = 9999;

/** Three digits of a number below 1024. */
function digits(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let scale = 0;
  let rest = value;
  // What would be rounded up to the base belongs to the next unit.
  while (rest >= base - 0.5 && scale < units.length - 1) {
    rest /= base;
    scale++;
  }
  const number = scale === 0 && Number.isInteger(rest) ? String(rest) : digits(rest);
  return units[scale] === '' ? number : `${number} ${units[scale]}`;
}

/** `512 B`, `1.50 KiB`, `64.0 MiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, BYTE_UNITS);
}

/** `9999`, `10.0 k`, `1.23 M`. */
export function formatCount(count: number): string {
  return Number.isInteger(count) && count <= PLAIN_COUNT_MAX ? String(count) : scaled(count, 1000, COUNT_UNITS);
}

/** The two largest parts of a span: `45 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(whole / 86400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first === -1) return '0 s';
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** A moment, as the log has it but for the fractions: `2026-11-28 17:20:01Z`. */
export function formatMoment(iso: string): string {
  return new Date(iso).toISOString().replace('T', ' ').replace(/\.\d+/, '');
}

/** Seconds from a moment until now. */
export function secondsSince(iso: string, now = Date.now()): number {
  return (now - Date.parse(iso)) / 1000;
}
