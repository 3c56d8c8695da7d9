// What a user sees of one run of one suite, in the same terms for plain pytest, pytest -n and shardline.

/** One execution of one collected item. Ids may repeat. */
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

/** A field is null if this way of running cannot show it. */
export interface Observation {
  /** null if the process did not end and was stopped. */
  readonly exitCode: number | null;
  readonly tests: readonly ObservedTest[];
  readonly counts: Readonly<Record<string, number>>;
  /** Files that could not be collected, sorted. */
  readonly collectErrors: readonly string[];
  readonly deselected: number | null;
  readonly junit: readonly JunitCase[] | null;
  /** Files that were not in the suite before, sorted. */
  readonly files: readonly string[];
  /** The contents, by path, of each file that the suite names. */
  readonly reads: Readonly<Record<string, unknown>>;
  /** Distinct entries `Category: message`, sorted. */
  readonly warnings: readonly string[] | null;
  /** The contents of pytest's cache for the next run. */
  readonly cache: Readonly<Record<string, unknown>>;
  /** `id name=value` of record_property, sorted. */
  readonly properties: readonly string[] | null;
  /** The end of the output, to find the cause of a difference. */
  readonly log: string;
}

export const outcomes = ['passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed'] as const;

/** The number of tests by outcome, with 0 for each outcome that did not occur. */
export const countOutcomes = (tests: readonly ObservedTest[]): Record<string, number> =>
  Object.fromEntries(outcomes.map((outcome) => [outcome, tests.filter((test) => test.outcome === outcome).length]));

/** Without repetitions, and sorted. */
export const distinct = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();
