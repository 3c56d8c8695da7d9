// The census that a run leaves for the next one.

import type { Census, FileCensus } from '../../shared/census.ts';
import type { NodeId, TestFile } from '../../shared/ids.ts';
import { isFailure } from '../../shared/outcome.ts';
import { finalResult } from './rerun.ts';
import type { RunState } from './run-state.ts';

/**
 * What the run has shown, with what was known before; null where it has shown nothing new. Only a collection of the whole list says that files may be
 * collected one by one, and nothing but another key takes it back.
 */
export function takeCensus(state: RunState, old: Census | null, contents: ReadonlyMap<TestFile, string>): Census | null {
  const { list, proof, inseparable } = state.suite;
  const isWhole = state.opened.spec.collect === 'suite' && list !== null && proof !== null;
  if (!isWhole) {
    if (old === null) return null;
    if (state.opened.spec.collect === 'suite') return { ...old, ...outcomesOf(state) };
    return inseparable === null ? null : { ...old, inseparable };
  }
  const files = new Map<TestFile, FileCensus>(old?.files);
  for (const [file, digest] of proof.digests) {
    const content = contents.get(file);
    if (content !== undefined) files.set(file, { content, digest });
  }
  const { problems, modules } = proof;
  return { problems, inseparable: inseparable ?? old?.inseparable ?? null, modules, ...outcomesOf(state), files };
}

/** So many are remembered. */
const MAX_FAILED = 1000;

const outcomesOf = (state: RunState): Pick<Census, 'failed' | 'uncollected'> => ({
  failed: failedTests(state),
  uncollected: state.collectErrors.keys().next().value ?? null,
});

const failedTests = (state: RunState): readonly NodeId[] =>
  [...state.failed]
    .filter((test) => isFailure(finalResult(test)?.result.outcome ?? 'passed'))
    .slice(0, MAX_FAILED)
    .map(({ nodeid }) => nodeid);
