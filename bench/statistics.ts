// What is made of several rounds: the middle one, how far they lie apart, and how two of them compare.
// Arithmetic alone: what the numbers are about is for the reports.

import type { Measurement } from './measurement.ts';

/** The middle one; the mean of the middle two. NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** How far the values lie apart, as a share of their median: (max - min) / median. NaN of a single one, which tells nothing of that. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const range = Math.max(...values) - Math.min(...values);
  return range === 0 ? 0 : range / median(values);
}

/**
 * The median of the ratios made round by round: two peers of one round had the same machine, so what disturbed both cancels out.
 * Rounds that only one of them has, and those that divide by nothing, don't count. NaN when none is left.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  const rounds = Math.min(ours.length, theirs.length);
  const ratios = Array.from({ length: rounds }, (_, round) => ours[round]! / theirs[round]!);
  return median(ratios.filter(Number.isFinite));
}

/** One number for every figure of a measurement. */
export type Figures = { readonly [Key in keyof Measurement]: number };

function figures(of: (key: keyof Measurement) => number, keys: readonly (keyof Measurement)[]): Figures {
  return Object.fromEntries(keys.map((key) => [key, of(key)])) as Figures;
}

/** Values of one figure over the rounds. One that can't be had in this round is left out. */
export function values(rounds: readonly Measurement[], key: keyof Measurement): number[] {
  return rounds.map((round) => round[key]).filter((value): value is number => value !== null);
}

function keysOf(rounds: readonly Measurement[]): (keyof Measurement)[] {
  return Object.keys(rounds[0] ?? {}) as (keyof Measurement)[];
}

/** Medians over the rounds. */
export function medians(rounds: readonly Measurement[]): Figures {
  return figures((key) => median(values(rounds, key)), keysOf(rounds));
}

/** Spreads over the rounds. */
export function spreads(rounds: readonly Measurement[]): Figures {
  return figures((key) => spread(values(rounds, key)), keysOf(rounds));
}

/** How `ours` compares with `theirs`: more than 1 is more of whatever the figure counts. */
export function ratios(ours: readonly Measurement[], theirs: readonly Measurement[]): Figures {
  return figures((key) => pairedRatio(values(ours, key), values(theirs, key)), keysOf(ours));
}
