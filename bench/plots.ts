// Plots as inline SVG: curves through points, and grouped bars. No script, no font, no file from elsewhere; colours come from the page.
// What is plotted is report-html.ts.

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Shown beside the point. */
  readonly label: string;
}

export interface Curve {
  readonly name: string;
  /** Index of its colour. */
  readonly colour: number;
  readonly points: readonly Point[];
}

export interface Bar {
  readonly name: string;
  readonly colour: number;
  /** Stacked, from the axis outwards. */
  readonly parts: readonly number[];
  readonly text: string;
}

const WIDTH = 720;
const HEIGHT = 360;
const LEFT = 70;
const RIGHT = 20;
const TOP = 14;
const BOTTOM = 46;
const TICKS = 5;
const BAR_HEIGHT = 18;
const BAR_GAP = 6;
const BAR_LEFT = 230;
const BAR_RIGHT = 110;
/** What the later parts of a bar are faded to. */
const FADES = [1, 0.55];

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** 1, 2 or 5 times a power of ten, so that about {@link TICKS} of them reach `max`. */
function tickStep(max: number): number {
  const rough = max / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough) ?? 10;
  return factor * power;
}

function ticks(max: number): number[] {
  const step = tickStep(max);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, index) => index * step);
}

/** 1500 is `1.5k`. */
export function short(value: number): string {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  return value >= 1000 ? `${+(value / 1000).toFixed(1)}k` : `${+value.toPrecision(3)}`;
}

function text(x: number, y: number, content: string, extra = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${escapeHtml(content)}</text>`;
}

/** Curves over two axes that begin at 0; empty when there is no point. */
export function curvePlot(title: string, xTitle: string, yTitle: string, curves: readonly Curve[]): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) return '';
  const xTicks = ticks(Math.max(...points.map(({ x }) => x)));
  const yTicks = ticks(Math.max(...points.map(({ y }) => y)));
  const xAt = (x: number) => LEFT + (x / xTicks.at(-1)!) * (WIDTH - LEFT - RIGHT);
  const yAt = (y: number) => HEIGHT - BOTTOM - (y / yTicks.at(-1)!) * (HEIGHT - TOP - BOTTOM);
  const grid = [
    ...xTicks.map((x) => text(xAt(x), HEIGHT - BOTTOM + 16, short(x), 'text-anchor="middle"')),
    ...yTicks.map(
      (y) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${yAt(y).toFixed(1)}" y2="${yAt(y).toFixed(1)}"/>` +
        text(LEFT - 8, yAt(y) + 4, short(y), 'text-anchor="end"'),
    ),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, xTitle, 'text-anchor="middle"'),
    `<text transform="translate(14 ${(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yTitle)}</text>`,
  ];
  const drawn = curves.map(({ name, colour, points: own }) => {
    const path = own.map(({ x, y }) => `${xAt(x).toFixed(1)},${yAt(y).toFixed(1)}`).join(' ');
    const dots = own.map(({ x, y, label }) => {
      const hint = `<title>${escapeHtml(`${name}, ${label}: ${short(x)} / ${short(y)}`)}</title>`;
      return `<circle cx="${xAt(x).toFixed(1)}" cy="${yAt(y).toFixed(1)}" r="4">${hint}</circle>`;
    });
    return `<g class="c${colour}"><polyline points="${path}"/>${dots.join('')}</g>`;
  });
  const legend = curves.map(({ name, colour }) => `<span class="c${colour}"><i></i>${escapeHtml(name)}</span>`);
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">${grid.join('')}${drawn.join('')}</svg>
<div class="legend">${legend.join('')}</div></figure>`;
}

/** One bar below the other; empty when there is none. */
export function barPlot(title: string, bars: readonly Bar[]): string {
  const max = Math.max(0, ...bars.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)));
  if (max <= 0) return '';
  const height = bars.length * (BAR_HEIGHT + BAR_GAP);
  const scale = (WIDTH - BAR_LEFT - BAR_RIGHT) / max;
  const drawn = bars.map(({ name, colour, parts, text: said }, index) => {
    const y = index * (BAR_HEIGHT + BAR_GAP);
    let x = BAR_LEFT;
    const rectangles = parts.map((part, which) => {
      const width = part * scale;
      const opacity = FADES[which] ?? FADES.at(-1);
      const one = `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" opacity="${opacity}"/>`;
      x += width;
      return one;
    });
    const name_ = text(BAR_LEFT - 8, y + 13, name, 'text-anchor="end"');
    return `<g class="c${colour}">${rectangles.join('')}</g>${name_}${text(x + 6, y + 13, said)}`;
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${drawn.join('')}</svg></figure>`;
}
