// Runs variants of one small thing in one process with tinybench, and prints what each costs per operation.
// The variants are in bench/micro/, one file for each thing.

import { cpus } from 'node:os';
import { Bench } from 'tinybench';

/** Long enough for the optimising compiler to be done with the code and for the median to settle. */
const TIME_MS = 700;
const WARM_UP_MS = 300;
const NAME_WIDTH = 52;

/** Variants by name; a call does `operations` of what is measured. */
export interface MicroBench {
  readonly title: string;
  readonly operations: number;
  readonly variants: Readonly<Record<string, () => unknown>>;
}

/** Runs the variants one after the other. The first is what the others are compared with. */
export async function runMicro({ title, operations, variants }: MicroBench): Promise<void> {
  const bench = new Bench({ time: TIME_MS, warmupTime: WARM_UP_MS });
  for (const [name, run] of Object.entries(variants)) bench.add(name, run);
  await bench.run();
  const lines = [`${title}  (Node ${process.version}, ${cpus()[0]?.model.trim()})`];
  let first = 0;
  for (const task of bench.tasks) {
    const { result } = task;
    if (result.state !== 'completed') throw new Error(`${task.name}: ${result.state}`);
    const nanoseconds = (result.latency.p50 * 1e6) / operations;
    first ||= nanoseconds;
    lines.push(
      `  ${task.name.padEnd(NAME_WIDTH)}${nanoseconds.toFixed(1).padStart(9)} ns  ×${(nanoseconds / first).toFixed(2)}`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n\n`);
}
