// Finds tests whose outcome depends on the tests that run before or beside them. Each finding lists the executions that support it.

import type { NodeId } from '../../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../../shared/domain/outcome.ts';

/** One execution of the whole suite, or of the suspects alone. */
export interface Execution {
  readonly how: 'one after another' | 'baseline' | 'pytest -n' | 'pytest -n, again' | 'shardline' | 'by itself';
  readonly outcomes: ReadonlyMap<NodeId, Outcome>;
}

/**
 * `parallel`: failed in every parallel execution, at least two, and never otherwise. `alone`: fails by itself and passed after other tests.
 * `first`: passes by itself or in parallel and failed after other tests. `flaky`: none of these; equal executions had different outcomes,
 * or there were too few to decide.
 */
export const suspicions = ['parallel', 'alone', 'first', 'flaky'] as const;

export interface Suspect {
  readonly nodeid: NodeId;
  readonly kind: (typeof suspicions)[number];
  readonly failed: readonly Execution['how'][];
  readonly passed: readonly Execution['how'][];
}

/** Returns the tests that failed in some of these executions and did not fail in others. */
export function suspectsOf(executions: readonly Execution[]): readonly NodeId[] {
  const ids = new Set(executions.flatMap(({ outcomes }) => [...outcomes.keys()]));
  return [...ids].filter((id) => {
    const { failed, passed } = divided(id, executions);
    return failed.length > 0 && passed.length > 0;
  });
}

export function judgeSuspects(executions: readonly Execution[]): readonly Suspect[] {
  return suspectsOf(executions).map((nodeid) => {
    const { failed, passed } = divided(nodeid, executions);
    return { nodeid, kind: kindOf(failed, passed), failed, passed };
  });
}

function kindOf(failed: readonly Execution['how'][], passed: readonly Execution['how'][]): Suspect['kind'] {
  const parallel = failed.filter(isParallel);
  if (failed.includes('by itself')) return passed.includes('one after another') ? 'alone' : 'flaky';
  if (failed.includes('one after another')) return failed.length === 1 && passed.includes('by itself') ? 'first' : 'flaky';
  const isConfirmed = parallel.length >= 2 && !passed.some(isParallel);
  const isCleared = passed.includes('by itself') && (passed.includes('one after another') || passed.includes('baseline'));
  return isConfirmed && isCleared ? 'parallel' : 'flaky';
}

const isParallel = (how: Execution['how']): boolean => how === 'pytest -n' || how === 'pytest -n, again' || how === 'shardline';

/** A test that is missing from an execution's outcomes counts as neither failed nor passed there. */
function divided(id: NodeId, executions: readonly Execution[]): Pick<Suspect, 'failed' | 'passed'> {
  const of = (wanted: boolean): Execution['how'][] =>
    executions.flatMap(({ how, outcomes }) => {
      const outcome = outcomes.get(id);
      return outcome !== undefined && isFailure(outcome) === wanted ? [how] : [];
    });
  return { failed: of(true), passed: of(false) };
}
