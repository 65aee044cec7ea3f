// Whether looking for completions pays, in place of sleeping, with the load that a worker has: found out by trial, now and then.
// How it looks is busy-poll.ts's.

import { Counter } from '../ring/counters.ts';

/** A trial lasts for so many milliseconds and commands, or, where commands are slow, for the second number of milliseconds. */
const TRIAL_MS = 8;
const TRIAL_COMMANDS = 64;
const SLOW_TRIAL_MS = 32;
/** Whether each looks: a load or a machine that changes meanwhile favours neither. */
const TRIALS: readonly boolean[] = [false, true, true, false, true, false, false, true];
/** Milliseconds that a decision holds which was found twice. With commands that are fast, trials that look are a sixtieth of the time. */
const SETTLED_MS = 2000;
/** A trial that lasted longer than this has seen a pause of the initiators. */
const TRIAL_MS_MAX = 64;
/** Milliseconds after which it tries again otherwise: initiators pause between their login and the first of many commands. */
const RETRY_MS = 100;
/** Until a worker has had so many, its code becomes faster by the second, and what was found is soon wrong. */
const COMMANDS_TO_WARM_UP = 20_000;
/** Waits between glances at the clock. */
const WAITS_PER_GLANCE = 16;
/** Fewer commands than this in a turn asleep: initiators wait for each answer, and have nothing else under way. */
const SHALLOW_COMMANDS_PER_TURN = 1.5;
/**
 * Limits for time and for CPU time per command, each awake to asleep: looking begins below both of `toBegin`, and goes on below both of `toGoOn`,
 * which are wider, so that noise does not change a decision. Where initiators wait for each answer, less latency is worth CPU time; where they
 * keep queues, a worker that sleeps serves them nearly as fast, and others can use the CPU.
 */
const SHALLOW = { toBegin: { time: 0.8, cpu: 1.75 }, toGoOn: { time: 0.9, cpu: 2 } };
const QUEUED = { toBegin: { time: 0.8, cpu: 1.15 }, toGoOn: { time: 0.9, cpu: 1.3 } };
/** Milliseconds. Initiators that are not heard for this much longer than a decision holds have paused. */
const PAUSE_MS = 500;

/** Clocks of a worker, in milliseconds. */
export interface TrialClocks {
  now(): number;
  /** CPU time that the worker's thread has had. */
  cpu(): number;
}

/** What all trials of one kind took. */
class Tally {
  #cpuMs = 0;
  #wallMs = 0;
  #commands = 0;
  #turns = 0;

  add(cpuMs: number, wallMs: number, commands: number, turns: number): void {
    this.#cpuMs += cpuMs;
    this.#wallMs += wallMs;
    this.#commands += commands;
    this.#turns += turns;
  }

  clear(): void {
    this.#cpuMs = 0;
    this.#wallMs = 0;
    this.#commands = 0;
    this.#turns = 0;
  }

  get cpuPerCommand(): number {
    return this.#cpuMs / this.#commands;
  }

  get timePerCommand(): number {
    return this.#wallMs / this.#commands;
  }

  get commandsPerTurn(): number {
    return this.#commands / this.#turns;
  }
}

/**
 * What looking saves is the machine's to say: to sleep and be woken takes a microsecond of CPU time on some, and 50 where a hypervisor does it. What
 * it costs is the initiators': all of the time that they leave. So a worker tries both by turns, for some 64 ms every two seconds, and looks where
 * commands come a good deal sooner for not much more CPU time. Queues hide the wait: there, looking may cost little more than
 * sleeping. Trials during a pause of the initiators do not count.
 */
export class PollingTrials {
  readonly #clocks: TrialClocks;
  readonly #counters: Float64Array;
  readonly #asleep = new Tally();
  readonly #awake = new Tally();
  /** Index of the trial under way; as many as there are: none is. */
  #trial = TRIALS.length;
  /** What was decided last. */
  #pays = false;
  /** What the trials before found; null: nothing that counts. */
  #found: boolean | null = null;
  /** How long that holds, in milliseconds. */
  #holdsMs = RETRY_MS;
  #looks = false;
  #waits = 0;
  // As the trial under way began, or the time after the last one.
  #startedMs: number;
  #cpuMs = 0;
  #commands = 0;
  #turns = 0;

  /** `counters`: the worker's block, with the commands that came and its turns; whether it looks is told there. */
  constructor(clocks: TrialClocks, counters: Float64Array) {
    this.#clocks = clocks;
    this.#counters = counters;
    this.#startedMs = clocks.now();
  }

  /** Whether the wait that begins now may look. Allocates nothing. */
  next(): boolean {
    if (++this.#waits < WAITS_PER_GLANCE) return this.#looks;
    this.#waits = 0;
    const lastedMs = this.#clocks.now() - this.#startedMs;
    if (this.#trial < TRIALS.length) {
      const commands = this.#counters[Counter.commands]! - this.#commands;
      if (lastedMs >= (commands < TRIAL_COMMANDS ? SLOW_TRIAL_MS : TRIAL_MS)) this.#tried(lastedMs, commands);
    } else if (lastedMs >= this.#holdsMs) {
      if (lastedMs > this.#holdsMs + PAUSE_MS) this.#found = null;
      this.#begin(0);
    }
    return this.#looks;
  }

  #tried(lastedMs: number, commands: number): void {
    if (lastedMs > TRIAL_MS_MAX || commands === 0) {
      this.#settle(false, null);
      return;
    }
    const tally = this.#looks ? this.#awake : this.#asleep;
    tally.add(this.#clocks.cpu() - this.#cpuMs, lastedMs, commands, this.#counters[Counter.turns]! - this.#turns);
    if (this.#trial + 1 < TRIALS.length) this.#begin(this.#trial + 1);
    else this.#decide();
  }

  #decide(): void {
    const { toBegin, toGoOn } = this.#asleep.commandsPerTurn < SHALLOW_COMMANDS_PER_TURN ? SHALLOW : QUEUED;
    const { time, cpu } = this.#pays ? toGoOn : toBegin;
    const found =
      this.#awake.timePerCommand < time * this.#asleep.timePerCommand &&
      this.#awake.cpuPerCommand < cpu * this.#asleep.cpuPerCommand;
    if (this.#counters[Counter.commands]! < COMMANDS_TO_WARM_UP) this.#settle(found, null);
    // Machines have noisy moments: it takes two findings to change a decision.
    else this.#settle(this.#found === null || this.#found === found ? found : this.#pays, found);
  }

  #begin(trial: number): void {
    if (trial === 0) {
      this.#asleep.clear();
      this.#awake.clear();
    }
    this.#trial = trial;
    this.#looks = TRIALS[trial]!;
    this.#startedMs = this.#clocks.now();
    this.#cpuMs = this.#clocks.cpu();
    this.#commands = this.#counters[Counter.commands]!;
    this.#turns = this.#counters[Counter.turns]!;
  }

  #settle(pays: boolean, found: boolean | null): void {
    this.#trial = TRIALS.length;
    this.#pays = pays;
    this.#holdsMs = found !== null && found === this.#found ? SETTLED_MS : RETRY_MS;
    this.#found = found;
    this.#looks = pays;
    this.#counters[Counter.polling] = pays ? 1 : 0;
    this.#startedMs = this.#clocks.now();
  }
}
