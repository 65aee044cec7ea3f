// The page: what the target says of itself each second, shown. Everything that comes is text, and is set as text.
// Charts are chart.js's, refusals refusals.js's, figures as words format.js's, what a session has negotiated negotiated.js's.

import { Chart } from './chart.js';
import { arrange, at, element, say } from './elements.js';
import { bytesPerSecond, count, micros, moment, percent, size } from './format.js';
import { negotiated } from './negotiated.js';
import { Refusals } from './refusals.js';

const TOKEN_KEY = 'lunaring token';
const HISTORY_SECONDS = 15 * 60;
const RETRY_MS = [1000, 2000, 5000, 10_000];
/** Without a word for so long the target is taken for gone. */
const SILENCE_MS = 10_000;

const charts = [
  [new Chart('IOPS', [{ label: 'read' }, { label: 'write' }], count), ['readIops', 'writeIops']],
  [new Chart('Throughput', [{ label: 'read' }, { label: 'write' }], bytesPerSecond), ['readBytes', 'writeBytes']],
  [new Chart('Latency', [{ label: 'p50' }, { label: 'p99' }], micros), ['p50Micros', 'p99Micros']],
];
at('charts').append(...charts.map(([chart]) => chart.figure));

let history = { times: [], series: {} };
let latest = null;

// Asking

class TokenWanted extends Error {}

/** A token is what a header can carry. Given anything else, fetch throws as it does when nobody answers. */
const TOKEN = /^[\x21-\x7e]+$/;

const headers = () => {
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token === null) return {};
  if (!TOKEN.test(token)) throw new TokenWanted();
  return { Authorization: `Bearer ${token}` };
};

async function ask(path) {
  const signal = AbortSignal.timeout(SILENCE_MS);
  const answer = await fetch(path, { headers: headers(), cache: 'no-store', signal });
  if (answer.status === 401) throw new TokenWanted();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

// Not when it is closed: Escape closes it as well.
at('ask-form').addEventListener('submit', () => {
  sessionStorage.setItem(TOKEN_KEY, at('ask-token').value.trim());
});

function askForToken() {
  const given = sessionStorage.getItem(TOKEN_KEY) !== null;
  sessionStorage.removeItem(TOKEN_KEY);
  say('ask-wrong', given ? 'That was not it.' : '');
  const dialog = at('ask');
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => {
        at('ask-token').value = '';
        resolve();
      },
      { once: true },
    );
    if (!dialog.open) dialog.showModal();
  });
}

/** Browsers give a WebSocket no headers: the token goes among the protocols, as a word. */
function protocols() {
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token === null) return ['lunaring'];
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  return ['lunaring', `token.${btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`];
}

// Showing

function connection(state, text) {
  const place = at('connection');
  place.className = state;
  say('connection', text);
}

function showNow({ total, sessionCount, unitCount, draining }) {
  const { readIops, writeIops, readBytes, writeBytes } = total;
  say('now-iops', count(readIops + writeIops));
  say('now-iops-more', `${count(readIops)} read, ${count(writeIops)} write`);
  say('now-bytes', bytesPerSecond(readBytes + writeBytes));
  say('now-bytes-more', `${bytesPerSecond(readBytes)} read, ${bytesPerSecond(writeBytes)} write`);
  say('now-p99', micros(total.p99Micros));
  say('now-p50', `p50 ${micros(total.p50Micros)}`);
  say('now-flight', count(total.inFlight));
  const drains = draining ? '; drains' : '';
  say('now-sessions', `${count(sessionCount)} sessions, ${count(unitCount)} LUNs${drains}`);
}

/**
 * Rows by key: those that stay keep their elements. `cells`: the first is a name and what more there is to say of it. `extraOf`: one
 * more element below these, made once.
 */
function showTable(id, items, keyOf, cellsOf, extraOf) {
  const body = at(id).tBodies[0];
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  const rows = items.map((item) => {
    const key = keyOf(item);
    const [[name, more], ...figures] = cellsOf(item);
    const row = known.get(key) ?? emptyRow(key, figures.length, extraOf?.(item));
    const texts = [name, more, ...figures];
    const [head, ...others] = row.cells;
    const places = [head.children[0], head.children[1], ...others];
    for (const [index, text] of texts.entries()) {
      if (places[index].textContent !== text) places[index].textContent = text;
    }
    return row;
  });
  arrange(body, rows);
  const none = at(`${id}-none`);
  at(id).hidden = none !== null && items.length === 0;
  if (none !== null) none.hidden = items.length !== 0;
}

/** Says of how many these are, where they are not all. */
function showLeftOut(id, { length }, all) {
  at(`${id}-of`).hidden = length >= all;
  say(`${id}-of`, `The ${length} busiest of ${all}.`);
}

function emptyRow(key, figures, extra) {
  const head = element('th', { scope: 'row' }, element('span'), element('small'), ...(extra ? [extra] : []));
  const row = element('tr', {}, head, ...Array.from({ length: figures }, () => element('td')));
  row.dataset.key = key;
  return row;
}

const usage = ({ readIops, writeIops, readBytes, writeBytes, p99Micros, inFlight }) => [
  count(readIops + writeIops),
  bytesPerSecond(readBytes + writeBytes),
  micros(p99Micros),
  count(inFlight),
];

function show(status) {
  showNow(status);
  showTable(
    'units',
    status.units,
    ({ target, lun }) => `${target} ${lun}`,
    (unit) => [[`${unit.lun}`, `${unit.target}, ${size(unit.bytes)}`], ...usage(unit)],
  );
  showTable(
    'workers',
    status.workers,
    ({ worker }) => `${worker}`,
    ({ worker, running, cpu, memoryBytes, memoryUsedBytes, sessions, readIops, writeIops }) => [
      [`${worker}`, running ? '' : 'does not serve'],
      count(readIops + writeIops),
      percent(cpu),
      percent(memoryBytes === 0 ? null : memoryUsedBytes / memoryBytes),
      count(sessions),
    ],
  );
  showTable(
    'sessions',
    status.sessions,
    ({ tsih }) => `${tsih}`,
    (session) => {
      const { initiator, alias, target, worker, peers, since } = session;
      const name = alias === '' ? initiator : `${initiator} (${alias})`;
      return [
        [name, `at ${target}, from ${peers.join(', ')}, since ${moment(since)}, worker ${worker}`],
        ...usage(session),
      ];
    },
    ({ tsih }) => negotiated(() => ask(`api/v1/sessions/${tsih}`)),
  );
  showLeftOut('units', status.units, status.unitCount);
  showLeftOut('sessions', status.sessions, status.normalSessionCount);
  for (const [chart, names] of charts) {
    chart.draw(
      history.times,
      names.map((name) => history.series[name] ?? []),
    );
  }
}

/** One more second; what is drawn while nobody looks is drawn when somebody does. */
function take(status) {
  latest = status;
  history.times.push(status.at);
  for (const [name, values] of Object.entries(history.series)) values.push(status.total[name]);
  while (history.times.length > HISTORY_SECONDS) {
    history.times.shift();
    for (const values of Object.values(history.series)) values.shift();
  }
  if (!document.hidden) show(status);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && latest !== null) show(latest);
});

// Staying connected

/**
 * Resolves when the connection is over, by silence as well: a browser that closes a socket waits a minute for the other side to take
 * leave, and only then says that it is closed.
 */
function listen() {
  const url = new URL('api/v1/events', location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new WebSocket(url, protocols());
  const over = new AbortController();
  const { signal } = over;
  const refusals = new Refusals(ask, signal);
  const on = (type, heard) => socket.addEventListener(type, heard, { signal });
  const end = () => over.abort();
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(end, SILENCE_MS);
  };
  on('open', () => {
    connection('live', 'live');
    refusals.begin().catch(end);
  });
  on('message', ({ data }) => {
    alive();
    const message = JSON.parse(data);
    if (message.type === 'refusal') refusals.came(message.refusal);
    if (message.type !== 'status') return;
    take(message.status);
    refusals.counted(message.status.refusalCount).catch(end);
  });
  on('close', end);
  alive();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      socket.close();
      resolve();
    });
  });
}

async function connectOnce() {
  const [status, past] = await Promise.all([ask('api/v1/status'), ask('api/v1/history')]);
  const { version, engine, portals } = status;
  const places = portals.map(({ address, port }) =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
  );
  say('about', `${version}, ${engine} engine, serves at ${places.join(', ')}`);
  history = past;
  await listen();
}

for (let attempt = 0; ; attempt++) {
  const begun = performance.now();
  try {
    await connectOnce();
    connection('lost', 'connection lost; trying again');
  } catch (error) {
    if (error instanceof TokenWanted) {
      connection('lost', 'a token is wanted');
      await askForToken();
      continue;
    }
    connection('lost', 'no connection; trying again');
  }
  if (performance.now() - begun > SILENCE_MS) attempt = 0;
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]));
}
