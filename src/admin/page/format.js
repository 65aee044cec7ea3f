// Figures as people read them: counts, bytes, times, sizes.
// Where they are shown is page.js's and chart.js's.

const number = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const SCALES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

export function count(value) {
  const [scale, letter] = SCALES.find(([each]) => value >= each) ?? [1, ''];
  return `${number.format(value / scale)}${letter === '' ? '' : ` ${letter}`}`;
}

export function bytesPerSecond(value) {
  return `${count(value)}${value >= 1e3 ? '' : ' '}B/s`;
}

export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes > 0 ? Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1) : 0;
  return `${number.format(bytes / 1024 ** power)} ${units[power]}`;
}

export function micros(value) {
  if (value === null) return '–';
  if (value < 1) return '< 1 µs';
  return value < 1000 ? `${number.format(value)} µs` : `${number.format(value / 1000)} ms`;
}

export function percent(part) {
  return part === null ? '–' : `${Math.round(part * 100)} %`;
}

export function clock(at) {
  return new Date(at).toLocaleTimeString();
}

export function dateAndClock(at) {
  return new Date(at).toLocaleString();
}

/** With the date, where that is not today's. */
export function moment(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return isToday ? clock(at) : dateAndClock(at);
}
