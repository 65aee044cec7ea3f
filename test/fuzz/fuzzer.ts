// Holds conversations with a live target, several at a time, and watches what must not happen: it ends, complains, hangs, grows, or the
// session beside them reads other data than it wrote. What is said follows from the seed alone.

import { readdirSync, readlinkSync } from 'node:fs';
import type { Bystander } from '../support/bystander.ts';
import type { ProcessReadings } from '../support/process-readings.ts';
import type { TargetProcess } from '../support/target-process.ts';
import { Conversation, type Transcript } from './conversation.ts';
import type { FuzzPdu } from './fuzz-pdu.ts';
import { complaint, logInAsFuzzer, RSS_GROWTH_MAX, repairUnits, startBystander } from './fuzzed-target.ts';
import { FUZZ_INITIATOR } from './login-grammar.ts';
import { planOf } from './plans.ts';
import { derivedSeed, Random } from './random.ts';
import { recordGoodSession } from './recording.ts';

export interface FuzzOptions {
  readonly pdus: number;
  readonly seed: number;
  /** Conversations at a time. */
  readonly lanes: number;
  /** Heard after each tenth of it. */
  readonly progress?: (line: string) => void;
}

export interface FuzzResult {
  readonly pdus: number;
  readonly replies: number;
  readonly conversations: number;
  /** Writes, reads and comparisons of the session beside them. */
  readonly bystanderRounds: number;
  /** After each tenth of it. */
  readonly readings: readonly ProcessReadings[];
  /** With nobody there: before, and after. */
  readonly descriptors: readonly [before: number, after: number];
  /** What must not happen and did; empty: nothing. */
  readonly finding: string;
  /** What was being said then, and just before. */
  readonly suspects: readonly Transcript[];
}

/** Conversations that may have caused what is noticed a little later. */
const SUSPECTS = 24;
/** Units are repaired after so many conversations of a lane. */
const REPAIR_EVERY = 40;
const TENTHS = 10;
/** Readings before this one belong to the warming up: code is compiled, heaps find their size, pages of the slab are touched. */
const WARM = 3;
const SETTLE_MS = 200;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a process has open. */
function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).map((fd) => readlinkSync(`${folder}/${fd}`));
}

class Fuzzer {
  pdus = 0;
  replies = 0;
  conversations = 0;
  finding = '';
  readonly readings: ProcessReadings[] = [];
  readonly underWay = new Set<Conversation>();
  readonly ended: Conversation[] = [];
  readonly #target: TargetProcess;
  readonly #options: FuzzOptions;
  readonly #recording: readonly FuzzPdu[];
  readonly #bystander: Bystander;
  #next = 0;

  constructor(target: TargetProcess, options: FuzzOptions, recording: readonly FuzzPdu[], bystander: Bystander) {
    this.#target = target;
    this.#options = options;
    this.#recording = recording;
    this.#bystander = bystander;
  }

  get suspects(): Transcript[] {
    return [...this.ended, ...this.underWay].map(({ transcript }) => transcript);
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.lanes }, () => this.#lane()));
  }

  async #lane(): Promise<void> {
    while (this.pdus < this.#options.pdus && this.finding === '') {
      const index = this.#next++;
      const random = new Random(derivedSeed(this.#options.seed, index));
      const conversation = new Conversation(this.#target.port, planOf(this.#recording, random), random);
      this.underWay.add(conversation);
      try {
        await conversation.play();
        if (index % REPAIR_EVERY === REPAIR_EVERY - 1) await repairUnits(this.#target.port);
      } catch (error) {
        this.#find(`conversation ${index}: ${(error as Error).stack}`);
        return;
      }
      this.underWay.delete(conversation);
      this.ended.push(conversation);
      if (this.ended.length > SUSPECTS) this.ended.shift();
      this.#count(conversation);
    }
  }

  #count({ pdus, replies }: Conversation): void {
    this.conversations++;
    this.pdus += pdus;
    this.replies += replies;
    const { log, running } = this.#target;
    if (!running) return this.#find('the target has ended');
    const line = complaint(log);
    if (line !== null) return this.#find(`the target complains: ${line}`);
    if (this.#bystander.failure !== null) return this.#find(`the bystander: ${this.#bystander.failure}`);
    const share = (this.pdus / this.#options.pdus) * TENTHS;
    if (share < this.readings.length + 1 || this.readings.length === TENTHS) return;
    const reading = this.#target.readings();
    this.readings.push(reading);
    const mib = (reading.rssBytes / 2 ** 20).toFixed(0);
    this.#options.progress?.(
      `${this.pdus} PDUs, ${this.replies} replies, ${this.conversations} connections, ${mib} MiB, ${reading.descriptors} descriptors`,
    );
  }

  /** The first counts. */
  #find(what: string): void {
    if (this.finding === '') this.finding = what;
  }
}

function growth(
  readings: readonly ProcessReadings[],
  descriptors: readonly [number, number],
  open: readonly string[],
): string {
  const [before, after] = descriptors;
  if (after > before) return `${after - before} descriptors more than before are open: ${open.join(', ')}`;
  const warm = readings[WARM];
  const added = (readings.at(-1)?.rssBytes ?? 0) - (warm?.rssBytes ?? 0);
  return warm !== undefined && added > RSS_GROWTH_MAX ? `the resident set grew by ${added} bytes` : '';
}

/** Fuzzes a target that was started by `startFuzzedTarget`. It is still there afterwards, unless that is the finding. */
export async function fuzz(target: TargetProcess, options: FuzzOptions): Promise<FuzzResult> {
  const recording = await recordGoodSession(target.port, FUZZ_INITIATOR);
  // A worker opens what it closes connections with when it closes the first: each has one, as sessions that are there at once are spread.
  const sessions = await Promise.all(Array.from({ length: 4 }, () => logInAsFuzzer(target.port)));
  for (const session of sessions) await session.logOut();
  await repairUnits(target.port);
  const before = await target.settledDescriptors();
  const bystander = await startBystander(target.port);
  const fuzzer = new Fuzzer(target, options, recording, bystander);
  await fuzzer.run();
  let { finding } = fuzzer;
  if (finding !== '') {
    // What the target says of it may come a little later than its effect.
    await sleep(SETTLE_MS);
    finding = `${finding}\n${complaint(target.log) ?? ''}`;
  }
  const descriptors: [number, number] = [before, before];
  if (finding === '') {
    try {
      await repairUnits(target.port);
      await bystander.advances();
      await bystander.stop();
      descriptors[1] = await target.settledDescriptors(before);
      finding = growth(fuzzer.readings, descriptors, openFiles(target.pid));
    } catch (error) {
      finding = `afterwards: ${(error as Error).stack}`;
    }
  }
  const { pdus, replies, conversations, readings, suspects } = fuzzer;
  return { pdus, replies, conversations, bystanderRounds: bystander.rounds, readings, descriptors, finding, suspects };
}
