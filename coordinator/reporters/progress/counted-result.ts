// Which of the results that agents tell count: the first of each test, and of each rerun the first until one is no failure.

import type { TestResult } from '../../../shared/domain/events.ts';
import type { AgentId } from '../../../shared/domain/ids.ts';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { isOfRefused } from '../../core/state/conduct.ts';
import type { CoordinatorEvent } from '../../core/state/events.ts';
import { finalResult, isFlaky } from '../../core/state/results.ts';
import type { RunState } from '../../core/state/run-state.ts';

export interface CountedResult {
  readonly result: TestResult;
  readonly agent: AgentId;
  /** Set for a rerun: which one it is, of how many, and what the test's outcome was until then. */
  readonly rerun: { readonly count: number; readonly of: number; readonly outcome: Outcome } | null;
}

/** `before` is the state that the event will change; null for an event that brings no result that counts. */
export function countedResult(event: CoordinatorEvent, before: RunState): CountedResult | null {
  if (event.kind !== 'attempt-told' || event.event.kind !== 'test-finished') return null;
  const { agent, attempt } = event;
  if (isOfRefused(before, agent)) return null;
  const { result } = event.event;
  const test = before.tests.get(result.nodeid);
  if (before.attempts.get(attempt)?.role !== 'rerun') return (test?.accepted ?? null) === null ? { result, agent, rerun: null } : null;
  if (test === undefined || isFlaky(test) || test.reruns.some((each) => each.attempt === attempt)) return null;
  const outcome = finalResult(test)?.result.outcome ?? 'failed';
  return { result, agent, rerun: { count: test.reruns.length + 1, of: Math.max(1, before.opened.reruns.times), outcome } };
}
