// A line chart of the last fifteen minutes: two series, a line to point at a moment with, by pointer or by arrow keys.
// What is drawn comes from page.js.

import { element } from './elements.js';
import { clock } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';
const SPAN_MS = 15 * 60 * 1000;
const [WIDTH, HEIGHT] = [900, 100];
/** Seconds that are missing leave a gap. */
const GAP_MS = 3500;

export class Chart {
  #series;
  #format;
  #paths;
  #pointer;
  #plot;
  #legend;
  #peak;
  #title;
  #times = [];
  #values = [];
  #pointedAt = null;

  /** `series`: two of `{ name, label }`. */
  constructor(title, series, format) {
    this.#title = title;
    this.#series = series;
    this.#format = format;
    const svg = document.createElementNS(SVG, 'svg');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('aria-hidden', 'true');
    this.#paths = ['first', 'second'].map((className) => this.#add(svg, 'path', className));
    this.#pointer = this.#add(svg, 'line', '');
    this.#pointer.setAttribute('y2', HEIGHT);
    this.#peak = element('span', { className: 'peak' });
    this.#plot = element('div', { className: 'plot', tabIndex: 0 }, svg, this.#peak);
    this.#plot.setAttribute('role', 'img');
    this.#legend = series.map((_, index) => element('span', { className: index === 0 ? 'first' : 'second' }));
    const caption = element('figcaption', {}, element('b', { textContent: title }), ...this.#legend);
    const span = element('div', { className: 'span' });
    span.append(element('span', { textContent: '15 min ago' }), element('span', { textContent: 'now' }));
    this.figure = element('figure', {}, caption, this.#plot, span);
    this.#listen();
  }

  #add(svg, name, className) {
    const part = document.createElementNS(SVG, name);
    if (className !== '') part.setAttribute('class', className);
    svg.append(part);
    return part;
  }

  #listen() {
    const plot = this.#plot;
    plot.addEventListener('pointermove', (event) => {
      const { left, width } = plot.getBoundingClientRect();
      this.#point(Math.min(Math.max((event.clientX - left) / width, 0), 1));
    });
    plot.addEventListener('pointerleave', () => this.#point(null));
    plot.addEventListener('blur', () => this.#point(null));
    plot.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1 / 90, ArrowRight: 1 / 90 }[event.key];
      if (event.key === 'Escape') this.#point(null);
      if (step === undefined) return;
      event.preventDefault();
      this.#point(Math.min(Math.max((this.#pointedAt ?? 1) + step, 0), 1));
    });
  }

  #point(part) {
    this.#pointedAt = part;
    this.#plot.classList.toggle('pointed', part !== null);
    this.#tell();
  }

  /** Times in milliseconds, and a list of values for each series, oldest first. */
  draw(times, values) {
    this.#times = times;
    this.#values = values;
    const end = times.at(-1) ?? Date.now();
    // The time of day may have stepped back: what seems to be later than now has no place.
    const places = [...times.keys()].filter((place) => times[place] >= end - SPAN_MS && times[place] <= end);
    const shown = values.flatMap((series) => places.map((place) => series[place] ?? 0));
    const top = Math.max(...shown, 1e-9);
    const x = (at) => (WIDTH * (at - end + SPAN_MS)) / SPAN_MS;
    for (const [index, path] of this.#paths.entries()) {
      let before = Number.NEGATIVE_INFINITY;
      const steps = [];
      for (const place of places) {
        const [at, value] = [times[place], values[index][place]];
        if (value === null) continue;
        const command = at < before || at - before > GAP_MS ? 'M' : 'L';
        steps.push(`${command}${x(at).toFixed(1)} ${(HEIGHT - 3 - ((HEIGHT - 8) * value) / top).toFixed(1)}`);
        before = at;
      }
      path.setAttribute('d', steps.join(''));
    }
    this.#peak.textContent = top > 1e-9 ? `highest ${this.#format(top)}` : '';
    this.#tell();
  }

  /** The legend: of the moment pointed at, or of now. */
  #tell() {
    const times = this.#times;
    let place = times.length - 1;
    if (this.#pointedAt !== null && place >= 0) {
      const at = times[place] - SPAN_MS * (1 - this.#pointedAt);
      const later = (best, time, each) => (time <= at && !(time < times[best]) ? each : best);
      place = times.reduce(later, -1);
      for (const end of ['x1', 'x2']) this.#pointer.setAttribute(end, WIDTH * this.#pointedAt);
    }
    const when = this.#pointedAt === null ? 'now' : place < 0 ? 'before' : clock(times[place]);
    const told = this.#series.map(({ label }, index) => {
      const value = place < 0 ? null : this.#values[index][place];
      return `${label} ${value === null || value === undefined ? '–' : this.#format(value)}`;
    });
    for (const [index, text] of told.entries()) {
      this.#legend[index].textContent = this.#pointedAt === null ? text : `${text} (${when})`;
    }
    this.#plot.setAttribute('aria-label', `${this.#title}, ${when}: ${told.join(', ')}. Arrow keys move in time.`);
  }
}
