// What one run of one suite shows to whoever ran it, in the same terms for plain pytest, pytest -n and shardline.

/** One execution of one collected item: ids may repeat. */
export interface ObservedTest {
  readonly id: string;
  readonly outcome: string;
}

/** A `testcase` of a JUnit file. */
export interface JunitCase {
  readonly classname: string;
  readonly name: string;
  readonly kind: 'passed' | 'failure' | 'error' | 'skipped' | 'not-run';
}

/** null where this way of running cannot show it. */
export interface Observation {
  /** null where the process was stopped because it did not end. */
  readonly exitCode: number | null;
  readonly tests: readonly ObservedTest[];
  readonly counts: Readonly<Record<string, number>>;
  /** Files that could not be collected, sorted. */
  readonly collectErrors: readonly string[];
  readonly deselected: number | null;
  readonly junit: readonly JunitCase[] | null;
  /** Files that were not in the suite before, sorted. */
  readonly files: readonly string[];
  /** By path, what each file that the suite names holds. */
  readonly reads: Readonly<Record<string, unknown>>;
  /** `Category: message`, each once, sorted. */
  readonly warnings: readonly string[] | null;
  /** What pytest's cache holds for the next run. */
  readonly cache: Readonly<Record<string, unknown>>;
  /** `id name=value` of record_property, sorted. */
  readonly properties: readonly string[] | null;
  /** The end of what was printed, for a person who looks for the cause. */
  readonly log: string;
}

export const outcomes = ['passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed'] as const;

/** Number of tests by outcome, with a 0 for each that did not occur. */
export const countOutcomes = (tests: readonly ObservedTest[]): Record<string, number> =>
  Object.fromEntries(outcomes.map((outcome) => [outcome, tests.filter((test) => test.outcome === outcome).length]));

/** Each once, sorted. */
export const distinct = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();
