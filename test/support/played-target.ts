// The live page in a browser, of a target that is played: the test says what the page is told, and when.
// How it fares with a real one is test/interop/page.test.ts's.

import type { Browser, BrowserContextOptions, Page, Route, WebSocketRoute } from 'playwright-core';
import type { AdminContext } from '../../src/admin/context.ts';
import type { EventMessage } from '../../src/admin/events.ts';
import type { Answer } from '../../src/admin/http.ts';
import { pageRoutes } from '../../src/admin/page-files.ts';
import type { Call } from '../../src/admin/route.ts';
import type { RefusalReport } from '../../src/control/refusals.ts';
import type { HistoryReport } from '../../src/metrics/history.ts';
import type { Rates } from '../../src/metrics/rates.ts';
import type { SessionStatus, Status, UnitStatus } from '../../src/metrics/sampler.ts';

const URL_OF_PAGE = 'http://target.test/';
/** On a machine that has other things to do as well. */
const LIVE_MS = 60_000;
/** Refusals in the list that the page asks for. */
const LISTED = 50;

export const IDLE: Rates = {
  readIops: 0,
  writeIops: 0,
  readBytes: 0,
  writeBytes: 0,
  errors: 0,
  p50Micros: null,
  p99Micros: null,
  inFlight: 0,
};

export function unit(lun: number, rates: Partial<Rates> = {}): UnitStatus {
  return { target: 'iqn.x:t', lun, bytes: 512, ...IDLE, ...rates };
}

export function session(tsih: number, since = new Date()): SessionStatus {
  const about = { tsih, initiator: `iqn.x:i${tsih}`, alias: '', target: 'iqn.x:t', worker: 0, peers: ['192.0.2.1:4'] };
  return { ...about, since, ...IDLE };
}

/** Of a login to a target that its `id` names. */
function refusal(id: string, at: Date): RefusalReport {
  return {
    code: 0x0203,
    status: '0203',
    name: 'TargetNotFound',
    rule: 'the target is known',
    received: 'another',
    expected: 'one that is served',
    causes: ['a typing error'],
    fixes: ['mend it'],
    sections: ['11.13.5'],
    peerAddress: '192.0.2.1:4',
    localAddress: '192.0.2.2:3260',
    initiatorName: 'iqn.x:i',
    targetName: `iqn.x:${id}`,
    correlationId: id,
    at,
  };
}

/** See the head of this file. */
export class PlayedTarget {
  readonly page: Page;
  /** Of the page; the target knows paths below it. */
  readonly url: string;
  /** What requests are answered, as it is then. */
  history: HistoryReport = {
    times: [],
    series: { readIops: [], writeIops: [], readBytes: [], writeBytes: [], p50Micros: [], p99Micros: [], inFlight: [] },
  };
  /** Newest first: those that are kept, and how many there were. */
  refusals: RefusalReport[] = [];
  refusalCount = 0;
  /** The token that is asked for; empty: none is. */
  token = '';
  /** Requests are left without an answer. */
  mute = false;
  /** Requests so far, each its path. */
  readonly asked: string[] = [];
  /** WebSockets that were opened. */
  listeners = 0;
  #socket: WebSocketRoute | null = null;

  private constructor(page: Page, url: string) {
    this.page = page;
    this.url = url;
  }

  /** A page that has yet to be opened. `clock`: its time stands still but for what the test lets pass. */
  static async in(
    browser: Browser,
    options: BrowserContextOptions & { readonly clock?: Date; readonly url?: string } = {},
  ) {
    const { clock, url = URL_OF_PAGE, ...context } = options;
    const page = await browser.newPage(context);
    if (clock !== undefined) await page.clock.install({ time: clock });
    const target = new PlayedTarget(page, url);
    await page.route(`${url}**`, (route) => target.#answer(route));
    await page.routeWebSocket(`${url.replace('http', 'ws')}**`, (socket) => {
      target.listeners++;
      target.#socket = socket;
      // As a target that is not there any more: it takes no leave of whoever does.
      socket.onClose(() => {});
    });
    return target;
  }

  /** Opens the page, and waits until it listens. */
  async open(): Promise<void> {
    await this.page.goto(this.url);
    await this.live();
  }

  live(): Promise<void> {
    return this.page.locator('#connection.live').waitFor({ timeout: LIVE_MS });
  }

  lost(): Promise<void> {
    return this.page.locator('#connection.lost').waitFor({ timeout: LIVE_MS });
  }

  tell(message: EventMessage): void {
    this.#socket!.send(JSON.stringify(message));
  }

  /** A second in which nothing has happened but this. */
  second(status: Partial<Status> = {}): void {
    const [units, sessions] = [status.units ?? [], status.sessions ?? []];
    const { refusalCount } = this;
    const sessionCounts = { sessionCount: sessions.length, normalSessionCount: sessions.length };
    const counts = { draining: false, refusalCount, ...sessionCounts, unitCount: units.length };
    const second = { at: Date.now(), total: IDLE, ...counts, units, sessions, workers: [], ...status };
    this.tell({ type: 'status', status: second });
  }

  /** Logins are refused; of the first `told` the page is told one by one. */
  refuse(ids: readonly string[], told: number, at = new Date()): void {
    const refused = ids.map((id) => refusal(id, at));
    this.refusals = [...refused.toReversed(), ...this.refusals].slice(0, LISTED);
    this.refusalCount += ids.length;
    for (const each of refused.slice(0, told)) this.tell({ type: 'refusal', refusal: each });
  }

  /** Closes the page, and all that it had. */
  close(): Promise<void> {
    return this.page.close();
  }

  async #answer(route: Route): Promise<void> {
    const { pathname: whole, search } = new URL(route.request().url());
    const pathname = whole.slice(new URL(this.url).pathname.length - 1);
    const file = pageRoutes.find(({ path }) => path === pathname);
    if (file !== undefined) {
      const { type, body, headers } = (await file.handle({} as Call, {} as AdminContext)) as Answer;
      return route.fulfill({ contentType: type!, body: body.toString(), headers: headers ?? {} });
    }
    this.asked.push(`${pathname}${search}`);
    if (this.mute) return;
    const given = await route.request().headerValue('authorization');
    if (this.token !== '' && given !== `Bearer ${this.token}`) return route.fulfill({ status: 401, json: {} });
    return route.fulfill({ json: this.#json(pathname) });
  }

  #json(path: string): unknown {
    if (path === '/api/v1/status') return { version: '1.2.3', engine: 'uring', portals: [] };
    if (path === '/api/v1/history') return this.history;
    return { counts: { '0000': 7, '0203': this.refusalCount }, latest: this.refusals };
  }
}
