// Plays many seeds, and makes the plan of a failing one smaller: fewer initiators, fewer rounds, fewer kinds of trouble, as long as it
// still fails in the same way. What a plan means is simulation.ts's.

import { type Outcome, type Plan, planOf, simulate } from './simulation.ts';

/** Real milliseconds that making a failing plan smaller may take. */
const SHRINK_MS = 20_000;

/** What playing seeds came to. */
export interface Exploration {
  readonly played: number;
  readonly steps: number;
  readonly failed: number;
}

/** Plays seeds from `first` on for `milliseconds` of real time. */
export async function explore(
  first: number,
  milliseconds: number,
  write: (line: string) => void,
): Promise<Exploration> {
  const end = performance.now() + milliseconds;
  let [played, steps, failed] = [0, 0, 0];
  for (let seed = first; performance.now() < end; seed++) {
    const outcome = await simulate(planOf(seed));
    played++;
    steps += outcome.steps;
    if (outcome.failure === null) continue;
    failed++;
    await report(outcome, write);
  }
  return { played, steps, failed };
}

/** Whether a plan is small enough, asked with the outcome of the smallest so far before each one that is tried. */
type Enough = (least: Outcome) => boolean;

/** Prints what failed, and the smallest plan that fails like it; of those that are found in {@link SHRINK_MS} if `enough` does not say. */
export async function report(outcome: Outcome, write: (line: string) => void, enough = afterAWhile()): Promise<void> {
  const { plan, failure, steps, milliseconds } = outcome;
  if (failure === null) {
    write(`seed ${plan.seed}: ${steps} steps, ${Math.round(milliseconds)} simulated ms, nothing wrong`);
    return;
  }
  write(`seed ${plan.seed} fails at step ${failure.step}: ${failure.message}`);
  const least = await shrink(outcome, enough);
  write(`smaller: ${JSON.stringify(least.plan)}, at step ${least.failure!.step}: ${least.failure!.message}`);
  for (const line of least.failure!.trace) write(`  ${line}`);
}

/** Plans that are smaller, the smallest first. */
function* smaller(plan: Plan): Generator<Plan> {
  const { faults, rounds, initiators } = plan;
  const half = faults.length >> 1;
  if (faults.length > 3)
    for (const kept of [faults.slice(0, half), faults.slice(half)]) yield { ...plan, faults: kept };
  if (rounds > 1) yield { ...plan, rounds: rounds - 1 };
  if (initiators > 1) yield { ...plan, initiators: initiators - 1 };
  for (const fault of faults) yield { ...plan, faults: faults.filter((each) => each !== fault) };
}

function afterAWhile(): Enough {
  const end = performance.now() + SHRINK_MS;
  return () => performance.now() > end;
}

/** The outcome of the smallest plan found that violates the same rule. */
async function shrink(outcome: Outcome, enough: Enough): Promise<Outcome> {
  for (const plan of smaller(outcome.plan)) {
    if (enough(outcome)) break;
    const tried = await simulate(plan);
    if (tried.failure?.rule === outcome.failure!.rule) return shrink(tried, enough);
  }
  return outcome;
}
