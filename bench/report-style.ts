// How the report looks, by day and by night: the page's whole style sheet.
// What it says is report-html.ts.

/** Told apart by those who see few colours, too (after Okabe and Ito), brightened for a dark page. */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#8a5a00', '#cc79a7', '#56b4e9', '#7a6fd0', '#555555'];
const DARK = ['#4db2f0', '#ff9248', '#35d0a5', '#e0b050', '#f0a0cc', '#9ad8ff', '#b0a8ff', '#bbbbbb'];

const variables = (colours: readonly string[]) => colours.map((colour, index) => `--c${index}:${colour}`).join(';');
const classes = LIGHT.map((_, index) => `.c${index}{--c:var(--c${index})}`).join('');

export const STYLE = `
:root{color-scheme:light dark;--page:#fff;--ink:#1c2126;--faint:#68727c;--line:#e1e5e9;--panel:#f6f8fa;--warn:#b3261e;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{--page:#15181c;--ink:#e5e9ed;--faint:#98a3ad;--line:#2c3238;--panel:#1d2126;--warn:#ff8a80;${variables(DARK)}}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1500px;margin:0 auto;padding:24px}
h1{font-size:26px;margin:0 0 4px}h2{font-size:20px;margin:36px 0 8px}h3{font-size:15px;margin:24px 0 6px;font-family:ui-monospace,monospace}
p{max-width:90ch;margin:6px 0}
.note{background:var(--panel);border-left:4px solid var(--warn);padding:10px 14px}
.limit{color:var(--warn);font-weight:700}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(560px,100%),1fr));gap:16px;margin-top:20px;align-items:start}
figure{margin:0;max-width:820px;background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:14px}
figcaption{font-weight:600;margin-bottom:8px}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}
.grid{stroke:var(--line)}
${classes}
polyline{fill:none;stroke:var(--c);stroke-width:2}
circle,rect{fill:var(--c)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:13px;margin-top:6px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;background:var(--c);vertical-align:-1px}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:3px 9px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th:first-child{text-align:left}
thead th,.absent,.group th{color:var(--faint);font-weight:500}
.group th{padding-top:9px;font-style:italic}
tbody th{font-weight:400}.ours{font-weight:700}
.absent{text-align:left}
.facts th,.facts td{text-align:left;white-space:normal}
pre{background:var(--panel);padding:12px;overflow-x:auto}
`;
