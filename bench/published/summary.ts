// What the page and the pictures show of one suite: a row for each peer and state of the caches.

import { CACHES, type Cache, finishedRounds, type Observation, type Results, type SuiteResults } from './results.ts';
import { pairedRatios, type Spread, spread, valuesOf } from './statistics.ts';

export interface Row {
  readonly peer: string;
  readonly title: string;
  readonly cache: Cache;
  /** Wall time, as a multiple of that of `reference` in the same round. */
  readonly ratio: Spread | null;
  readonly seconds: Spread | null;
  readonly cpuSeconds: Spread | null;
  readonly firstFailureSeconds: Spread | null;
  readonly peakBytes: number | null;
  readonly parity: Parity;
  /** Why rounds have no time, each reason once. */
  readonly failures: readonly string[];
}

export type Parity =
  | { readonly kind: 'same'; readonly tests: number }
  | { readonly kind: 'differs'; readonly tests: number; readonly differing: number; readonly examples: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };

/** Rows in the order of the peers, for each state of the caches that was measured. */
export function summarise({ peers }: Results, suite: SuiteResults, reference: string): readonly Row[] {
  return CACHES.flatMap((cache) =>
    Object.entries(peers).flatMap(([peer, { title }]): readonly Row[] => {
      const rounds = finishedRounds(suite.rounds, cache, [peer]);
      if (rounds.length === 0) return [];
      const spreadOf = (quantity: 'seconds' | 'cpuSeconds' | 'firstFailureSeconds') =>
        spread(valuesOf(suite.rounds, cache, peer, quantity));
      const observed = suite.observed[peer];
      return [
        {
          peer,
          title,
          cache,
          ratio: spread(pairedRatios(suite.rounds, cache, peer, reference)),
          seconds: spreadOf('seconds'),
          cpuSeconds: spreadOf('cpuSeconds'),
          firstFailureSeconds: spreadOf('firstFailureSeconds'),
          peakBytes: observed?.peakBytes ?? null,
          parity: parityOf(observed),
          failures: [...new Set(rounds.flatMap(({ samples }) => failureOf(samples[peer])))],
        },
      ];
    }),
  );
}

export function parityOf(observed: Observation | undefined): Parity {
  if (observed === undefined) return { kind: 'unknown', why: 'not compared' };
  if (observed.failed !== null) return { kind: 'unknown', why: observed.failed };
  const { tests, differing, examples } = observed;
  return differing === 0 ? { kind: 'same', tests } : { kind: 'differs', tests, differing, examples };
}

function failureOf(sample: SuiteResults['rounds'][number]['samples'][string] | undefined): readonly string[] {
  return sample !== undefined && 'failed' in sample ? [sample.failed] : [];
}
