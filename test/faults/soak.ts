// `npm run soak`: hours of fio, of initiators that verify what they read, of logins, administration and workers that fail, with memory and
// descriptors sampled.
// Ends with 0 when nothing grew and nobody stayed away, and leaves a page with plots; that page is soak-report.ts's.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../../bench/statistics.ts';
import { MIB } from '../../src/config/limits.ts';
import { callAdmin } from '../support/admin-caller.ts';
import { numberOf, runCommand, UsageError } from '../support/command.ts';
import { findFio, fio } from '../support/fio.ts';
import { RawInitiator } from '../support/raw-initiator.ts';
import { repositoryRoot } from '../support/repository.ts';
import type { TargetProcess } from '../support/target-process.ts';
import { AdminChurn } from './admin-churn.ts';
import { type Sample, soakPage } from './soak-report.ts';
import { describeLongest, type Outage, PersistentInitiator, startFailingTarget } from './worker-failure.ts';

const USAGE = `usage: npm run soak -- [options]
  --hours N     how long it lasts; or
  --minutes N   (20); from 6 on it can tell whether memory grows
  --engine E    uring or posix (uring)
`;

const SAMPLE_MS = 5000;
const INITIATORS = 4;
const FIO_SECONDS = 20;
const LOGINS_PER_CYCLE = 200;
/** Commands between one failure and the next: a worker that fails five times within seconds of its start is given up. */
const REST_ROUNDS = 50;
const SETTLE_MS = 3000;
/**
 * Of the resident set's median, from the first third to the last. Heaps of three threads make saw teeth of 200 MiB, and how high the highest
 * is says nothing: what is not given back raises all of them.
 */
const GROWTH_MAX = 32 * MIB;
/** Until heaps have the size that the work wants. Memory is judged after that, if as much time follows at least. */
const WARM_UP_SECONDS = 180;
const OUTAGE_MS_MAX = 3000;

const JOBS = [
  { rw: 'randrw', blockSize: 4096, depth: 32 },
  { rw: 'rw', blockSize: 131_072, depth: 8 },
  { rw: 'randwrite', blockSize: 16_384, depth: 16 },
  { rw: 'read', blockSize: 1_048_576, depth: 4 },
] as const;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The work of one soak, and what is counted of it. */
class Soak {
  readonly samples: Sample[] = [];
  readonly initiators: PersistentInitiator[] = [];
  ios = 0;
  logins = 0;
  failures = 0;
  readonly churn: AdminChurn;
  readonly #target: TargetProcess;
  readonly #begun = performance.now();
  readonly #ownDelay = monitorEventLoopDelay({ resolution: 10 });

  constructor(target: TargetProcess) {
    this.#target = target;
    this.churn = new AdminChurn(target);
    this.#ownDelay.enable();
  }

  get seconds(): number {
    return (performance.now() - this.#begun) / 1000;
  }

  get rounds(): number {
    return this.initiators.reduce((sum, { rounds }) => sum + rounds, 0);
  }

  get outages(): Outage[] {
    return this.initiators.flatMap(({ outages }) => outages);
  }

  /** The longest that this process, and with it everything it measures, was kept waiting, milliseconds. */
  get ownDelayMs(): number {
    return this.#ownDelay.max / 1e6;
  }

  async run(seconds: number): Promise<void> {
    for (let count = 0; count < INITIATORS; count++) {
      this.initiators.push(await PersistentInitiator.start(this.#target.port, count * 16));
    }
    const over = new AbortController();
    const sampling = this.#sample(over.signal);
    for (let cycle = 0; this.seconds < seconds; cycle++) {
      await this.#loadWithFio(JOBS[cycle % JOBS.length]!);
      await this.#logInAndOut();
      await this.initiators[cycle % INITIATORS]!.failItsWorker();
      this.failures++;
      for (const initiator of this.initiators) await initiator.advances(REST_ROUNDS);
    }
    await this.churn.stop();
    over.abort();
    await sampling;
    for (const initiator of this.initiators) await initiator.stop();
    await sleep(SETTLE_MS);
    this.#takeSample();
  }

  /** Never while a worker fails: fio takes a lost connection for the end. */
  async #loadWithFio(job: (typeof JOBS)[number]): Promise<void> {
    const options = { time_based: 1, runtime: FIO_SECONDS };
    const { read, write } = await fio({ ...job, url: this.#target.url(1), options }, { limitSeconds: FIO_SECONDS * 6 });
    this.ios += read.ios + write.ios;
  }

  async #logInAndOut(): Promise<void> {
    for (let count = 0; count < LOGINS_PER_CYCLE; count++) {
      const initiator = await RawInitiator.logIn(this.#target.port, { skipSecurity: true, keepAttentions: true });
      await initiator.logOut();
      this.logins++;
    }
  }

  async #sample(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      this.#takeSample();
      await sleep(SAMPLE_MS, undefined, { signal: over }).catch(() => undefined);
    }
  }

  #takeSample(): void {
    const { rssBytes, descriptors, threads } = this.#target.readings();
    this.samples.push({ seconds: this.seconds, rssBytes, descriptors, threads });
  }

  /** Long enough to tell whether memory grows. */
  get tells(): boolean {
    return this.seconds >= 2 * WARM_UP_SECONDS;
  }

  /** By how much the resident set's median was more in the last third than in the first, bytes; 0 where that can't be told. */
  #growth(): number {
    if (!this.tells) return 0;
    const warm = this.samples.filter(({ seconds }) => seconds >= WARM_UP_SECONDS).map(({ rssBytes }) => rssBytes);
    const third = Math.ceil(warm.length / 3);
    return median(warm.slice(-third)) - median(warm.slice(0, third));
  }

  /** What must not be; empty: all is well. */
  findings(): string[] {
    const found: string[] = [];
    const growth = this.#growth();
    if (growth > GROWTH_MAX)
      found.push(`the resident set grew by ${Math.round(growth / MIB)} MiB from the first third to the last`);
    const [first, last] = [this.samples[0]!, this.samples.at(-1)!];
    // Nobody is there at the end, as at the start four were; each thread keeps one open that it closes others with.
    if (last.descriptors > first.descriptors)
      found.push(`${last.descriptors - first.descriptors} descriptors more are open`);
    // Each failure takes one session at least, that of the connection which caused it.
    if (this.outages.length < this.failures)
      found.push(`${this.failures} failures of a worker took only ${this.outages.length} sessions`);
    const longest = Math.max(0, ...this.outages.map(({ ms }) => ms));
    if (longest > OUTAGE_MS_MAX) found.push(`an initiator was away for ${Math.round(longest)} ms`);
    return found;
  }
}

/** What the target's histogram has of the longest delay of its main thread: it was in the bucket with this bound, seconds. */
async function mainDelay(target: TargetProcess): Promise<string> {
  const { value } = await callAdmin(target.ready.admin!, 'GET', '/metrics');
  const buckets = [...String(value).matchAll(/^lunaring_main_loop_delay_seconds_bucket\{le="(.*)"\} (\d+)$/gm)];
  const count = buckets.at(-1)?.[2];
  const index = buckets.findIndex(([, , below]) => below === count);
  return index < buckets.length - 1 ? `${buckets[index]?.[1]} s at most` : `more than ${buckets[index - 1]?.[1]} s`;
}

const options = {
  hours: { type: 'string' },
  minutes: { type: 'string', default: '20' },
  engine: { type: 'string', default: 'uring' },
} as const;

await runCommand(USAGE, options, async (values) => {
  const { hours, minutes } = values;
  const seconds = hours === undefined ? numberOf('minutes', minutes) * 60 : numberOf('hours', hours) * 3600;
  if (seconds === 0) throw new UsageError('no time: nothing would be tested');
  const { engine } = values;
  if (engine !== 'uring' && engine !== 'posix') throw new UsageError(`--engine ${engine}: uring or posix is wanted`);
  if (findFio() === null) throw new Error('no fio with the libiscsi engine: run node scripts/setup-clients.mjs');
  const unit = { lun: 1, backend: 'file' as const, path: 'fio', size: '256MiB' };
  const target = await startFailingTarget(engine, [unit], { admin: { port: 0 } });
  const soak = new Soak(target);
  await soak.run(seconds);
  const findings = soak.findings();
  const fine = soak.tells ? 'nothing grew' : 'too short to tell whether memory grows';
  const facts = [
    `engine ${engine}, ${Math.round(soak.seconds)} s`,
    `${soak.ios} I/Os of fio, ${soak.rounds} writes read back and compared, ${soak.logins} logins`,
    `${soak.churn.rounds} targets added, changed in every way, and removed`,
    `${soak.failures} failures of a worker; ${soak.outages.length} sessions lost and back; the longest after ${describeLongest(soak.outages)}`,
    `main of the target was late by ${await mainDelay(target)}, this process by ${Math.round(soak.ownDelayMs)} ms`,
    findings.length === 0 ? fine : findings.join('; '),
  ];
  const folder = join(repositoryRoot(), 'node_modules/.cache');
  mkdirSync(folder, { recursive: true });
  const page = join(folder, `soak-${engine}.html`);
  writeFileSync(page, soakPage(facts, soak.samples));
  for (const fact of facts) print(fact);
  const rss = soak.samples.map(({ rssBytes }) => rssBytes / MIB);
  print(
    `resident set ${Math.min(...rss).toFixed(0)} to ${Math.max(...rss).toFixed(0)} MiB, at the end ${rss.at(-1)!.toFixed(0)}; plots in ${page}`,
  );
  await target.stop();
  return findings.length === 0;
});
