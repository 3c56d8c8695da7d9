// What can become of one test and of one run. Absence is a value here: a test that did not run is `not-run` with a reason, never a pass.

/** Outcome of one test, with pytest's meanings; `error` is a failed set-up or teardown, or a crash while the test ran. */
export const outcomes = ['passed', 'failed', 'error', 'skipped', 'xfailed', 'xpassed'] as const;
export type Outcome = (typeof outcomes)[number];

/** Does this outcome make a run red? */
export const isFailure = (outcome: Outcome): boolean => outcome === 'failed' || outcome === 'error';

/** Why an expected test or file has no outcome. */
export const notRunReasons = ['deadline', 'crash-limit', 'no-agent', 'maxfail', 'cancelled', 'collect-error', 'inseparable'] as const;
export type NotRunReason = (typeof notRunReasons)[number];

export const verdicts = ['passed', 'failed', 'deadline', 'incomplete', 'interrupted', 'no-tests', 'internal-error'] as const;
export type Verdict = (typeof verdicts)[number];
