// Checks that the coverage of every counted result has arrived. Missing coverage is named, never silent.

import { isPartial, type ReportedCoverage } from '../../../shared/domain/coverage.ts';
import type { AgentId, AttemptId, TestFile } from '../../../shared/domain/ids.ts';
import { type RunState, testsInOrder } from '../state/run-state.ts';

/** Files with a counted result of an attempt whose coverage is incomplete. `isUsable`: was the agent's data file received and readable? */
export function missingCoverage(state: RunState, isUsable: (agent: AgentId, part: number) => boolean): ReportedCoverage['missing'] {
  const whole = new Set<AttemptId>();
  const lost = new Set<AttemptId>();
  for (const { agent, parts, attempts, lost: short } of state.coverage.kept) {
    const isWhole = parts.every(({ part }) => isUsable(agent, part));
    for (const attempt of attempts) (isWhole ? whole : lost).add(attempt);
    for (const attempt of short) lost.add(attempt);
  }
  const missing = new Map<string, { readonly file: TestFile; readonly agent: AgentId }>();
  for (const { file, accepted, reruns } of testsInOrder(state)) {
    for (const { attempt, agent } of [...(accepted === null ? [] : [accepted]), ...reruns]) {
      if (!whole.has(attempt) || lost.has(attempt)) missing.set(`${file}\n${agent}`, { file, agent });
    }
  }
  return [...missing.values()].sort((left, right) => (left.file < right.file ? -1 : left.file > right.file ? 1 : 0));
}

/** Effects of coverage on the verdict, for one run or several merged runs. */
export interface CoverageFindings {
  /** True if a coverage limit was missed. */
  readonly isMissed: boolean;
  /** True if part of the total is missing. */
  readonly isPartial: boolean;
}

export const coverageFindings = (reported: readonly (ReportedCoverage | null)[]): CoverageFindings => ({
  isMissed: reported.some((coverage) => coverage?.isMet === false),
  isPartial: reported.some((coverage) => coverage !== null && isPartial(coverage)),
});
