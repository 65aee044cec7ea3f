// Refused logins: the latest, each with its cause and what to do, and how many, for those who listen to the page.
// Each comes by itself; of a storm the target tells no more than the number, and then the list is asked for.

import { arrange, at, element } from './elements.js';
import { dateAndClock } from './format.js';

const SHOWN = 50;
/** They are read out loud no more often than this. */
const HEARD_EVERY_MS = 5000;

let heardAt = Number.NEGATIVE_INFINITY;

const keyOf = ({ at: time, correlationId }) => `${time} ${correlationId}`;

function itemOf(refusal, fresh) {
  const { status, name, initiatorName, targetName, peerAddress, received, expected, rule, causes, fixes, sections } =
    refusal;
  const line = (label, text) => element('p', {}, element('b', { textContent: `${label}: ` }), text);
  // It stands there for days: it always has its date.
  const who = `${dateAndClock(refusal.at)} ${initiatorName ?? 'an initiator without a name'} from ${peerAddress} to ${targetName ?? 'no target'}`;
  const more = element('details', {}, element('summary', { textContent: 'More' }));
  more.append(line('Rule', rule), line('Expected', expected));
  for (const cause of causes.slice(1)) more.append(line('Or', cause));
  for (const fix of fixes.slice(1)) more.append(line('Or try', fix));
  more.append(line('RFC 7143', sections.map((section) => `§${section}`).join(', ')));
  const item = element(
    'li',
    { className: fresh ? 'fresh' : '' },
    element('p', {}, element('b', { textContent: `${status} ${name}` }), ` ${received}`),
    element('p', { className: 'who', textContent: who }),
    line('Cause', causes[0] ?? rule),
    line('Fix', fixes[0] ?? expected),
    more,
  );
  item.dataset.key = keyOf(refusal);
  return item;
}

/** Newest first. */
function show(items) {
  arrange(at('refusals'), items.slice(0, SHOWN));
  at('refusals-none').hidden = items.length > 0;
}

/** What one connection hears of refusals. */
export class Refusals {
  #ask;
  #signal;
  /** How many there were, as of the latest word of the target; null: the list has yet to come. */
  #count = null;
  /** How many of these have been read out loud, or were there before. */
  #heard = 0;
  /** Those that came by themselves since that word. */
  #came = 0;
  /** The target counts more than came. */
  #missing = false;
  #latest = null;
  #timer = null;

  /** `ask`: answers what is at a path. `signal`: aborted when the connection is over. */
  constructor(ask, signal) {
    this.#ask = ask;
    this.#signal = signal;
    signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** Shows those that were there before, which is no news. Throws as `ask` does. */
  async begin() {
    await this.#list(false);
    this.#heard = this.#count;
  }

  /** One has come by itself. */
  came(refusal) {
    this.#came++;
    const items = [...at('refusals').children];
    if (items.some(({ dataset }) => dataset.key === keyOf(refusal))) return;
    this.#latest = refusal;
    show([itemOf(refusal, true), ...items]);
  }

  /** Once a second: there were so many by then. Throws as `ask` does. */
  async counted(count) {
    if (this.#count === null) return;
    if (count > this.#count) {
      this.#missing ||= count - this.#count > this.#came;
      this.#count = count;
      this.#came = 0;
    }
    if (this.#missing) await this.#list(true);
    this.#hear();
  }

  async #list(fresh) {
    this.#missing = false;
    const { counts, latest } = await this.#ask(`api/v1/refusals?count=${SHOWN}`);
    if (this.#signal.aborted) return;
    const { '0000': _, ...refused } = counts;
    const count = Object.values(refused).reduce((sum, each) => sum + each, 0);
    if (this.#count !== null && count < this.#count) {
      // It is older than the latest word: the next second asks again.
      this.#missing = true;
      return;
    }
    this.#count = count;
    this.#came = 0;
    this.#latest = latest[0] ?? null;
    const shown = new Map([...at('refusals').children].map((item) => [item.dataset.key, item]));
    show(latest.map((refusal) => shown.get(keyOf(refusal)) ?? itemOf(refusal, fresh)));
  }

  #hear() {
    if (this.#timer !== null || this.#missing || this.#count === this.#heard) return;
    const wait = Math.max(heardAt + HEARD_EVERY_MS - performance.now(), 0);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      heardAt = performance.now();
      const count = this.#count - this.#heard;
      this.#heard = this.#count;
      const { status, name } = this.#latest;
      const who = count === 1 ? 'A login was' : `${count} logins were`;
      // Set even where it is the same as before: it is to be heard again.
      at('refusals-heard').textContent = `${who} refused, lately with ${status} ${name}`;
    }, wait);
  }
}
