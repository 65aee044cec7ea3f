// Watches the target as long as the interface runs: samples it once a second, keeps fifteen minutes of it, tells whoever listens.
// What is sampled is metrics/'s, who listens events.ts's, and what of it is answered to requests watch-routes.ts's.

import type { RunningTarget } from '../control/target.ts';
import { History } from '../metrics/history.ts';
import { LoopDelay } from '../metrics/loop-delay.ts';
import { Sampler } from '../metrics/sampler.ts';
import { WorkerCpu } from '../metrics/worker-cpu.ts';
import { Events } from './events.ts';

const SAMPLE_MS = 1000;

/** See the head of this file. */
export class Watch {
  readonly loopDelay = new LoopDelay();
  readonly workerCpu = new WorkerCpu();
  readonly history = new History();
  readonly events = new Events();
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;

  constructor({ readings, administration }: RunningTarget) {
    const sampler = new Sampler(readings, performance.now(), this.workerCpu);
    this.#timer = setInterval(() => {
      const status = sampler.sample(performance.now(), Date.now());
      this.history.add(status.at, status.total);
      this.events.sampled(status);
    }, SAMPLE_MS).unref();
    this.#stopListening = administration.refusals.listen((refusal) => this.events.refused(refusal));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stopListening();
    this.loopDelay[Symbol.dispose]();
  }
}
