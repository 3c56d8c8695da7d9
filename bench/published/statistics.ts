// Statistics of paired rounds: ratios of times that were measured in the same round, with their median and quartiles.

import { median } from '../../shared/numbers.ts';
import { type Cache, finishedRounds, type Round, type Sample } from './results.ts';

/** Of `count` values. The quartiles interpolate between the two nearest values (Hyndman and Fan 1996, type 7). */
export interface Spread {
  readonly count: number;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

/** Null for an empty list. */
export function spread(values: readonly number[]): Spread | null {
  const middle = median(values);
  if (middle === null) return null;
  const sorted = values.toSorted((left, right) => left - right);
  return { count: values.length, lower: quantile(sorted, 0.25), median: middle, upper: quantile(sorted, 0.75) };
}

function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** The ratio of the wall times of `peer` and `reference` in each round that both finished. */
export function pairedRatios(rounds: readonly Round[], cache: Cache, peer: string, reference: string): readonly number[] {
  return finishedRounds(rounds, cache, [peer, reference]).flatMap(({ samples }) => {
    const [own, other] = [times(samples[peer]), times(samples[reference])];
    return own === null || other === null ? [] : [own.seconds / other.seconds];
  });
}

/** The values of one quantity in all rounds where the command finished and has it. */
export function valuesOf(
  rounds: readonly Round[],
  cache: Cache,
  peer: string,
  quantity: 'seconds' | 'cpuSeconds' | 'firstFailureSeconds',
): readonly number[] {
  return finishedRounds(rounds, cache, [peer]).flatMap(({ samples }) => times(samples[peer])?.[quantity] ?? []);
}

function times(sample: Sample | undefined): Exclude<Sample, { failed: string }> | null {
  return sample === undefined || 'failed' in sample ? null : sample;
}
