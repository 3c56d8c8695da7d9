// The census that a run leaves for the next one.

import type { Census, FileCensus } from '../../../shared/domain/census.ts';
import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import { awaitsList, mustNotRunTwice, whyInseparable } from '../state/collection/suite.ts';
import { finalResult } from '../state/results.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * What the run has shown, with what was known before; null where it has shown nothing new. Only a collection of the whole list says that files may be
 * collected one by one, and nothing but another key takes it back. Where a file held other tests than it was known to, the whole list decides: if it
 * holds the same now, something that the file reads has changed; else collecting the file alone is what made the difference.
 */
export function takeCensus(state: RunState, old: Census | null, contents: ReadonlyMap<TestFile, string>): Census | null {
  const { list, proof, inseparable, lacksModules, mismatch: found } = state.suite;
  const isWhole = state.opened.spec.collect === 'suite' && list !== null && proof !== null;
  if (!isWhole) {
    if (old === null) return null;
    if (state.opened.spec.collect === 'suite') return { ...old, ...outcomesOf(state, old) };
    // Where no new beginning can decide, the next run must not come to this again.
    const why = found !== null && mustNotRunTwice(state) ? whyInseparable(state) : inseparable;
    if (why !== null) return { ...old, inseparable: why };
    return lacksModules === null ? null : { ...old, preloads: true };
  }
  const files = new Map<TestFile, FileCensus>(old?.files);
  for (const [file, digest] of proof.digests) {
    const content = contents.get(file);
    if (content !== undefined) files.set(file, { content, digest });
  }
  const { problems, modules } = proof;
  const mismatch = state.opened.restarted?.mismatch ?? null;
  const held = new Map(proof.digests);
  if (mismatch !== null && !held.has(mismatch.file)) files.delete(mismatch.file);
  const alone =
    mismatch === null || mismatch.digest === (held.get(mismatch.file) ?? null)
      ? null
      : `${mismatch.file} has other tests when it is collected alone`;
  return {
    problems,
    inseparable: inseparable ?? alone ?? old?.inseparable ?? null,
    modules,
    preloads: old?.preloads ?? false,
    ...outcomesOf(state, old),
    files,
  };
}

/** How many failed tests a census holds at most. */
const MAX_FAILED = 1000;

/** What this run did not come to, because it ended early, stays as it was known. */
const outcomesOf = (state: RunState, old: Census | null): Pick<Census, 'failed' | 'uncollected'> => ({
  failed: failedTests(state, old?.failed ?? []),
  uncollected: state.collectErrors.keys().next().value ?? (awaitsList(state) ? (old?.uncollected ?? null) : null),
});

function failedTests(state: RunState, known: readonly NodeId[]): readonly NodeId[] {
  const failed = [...state.failed].filter((test) => isFailure(finalResult(test)?.result.outcome ?? 'passed')).map(({ nodeid }) => nodeid);
  const unreached = known.filter((nodeid) => (state.tests.get(nodeid)?.accepted ?? null) === null);
  return [...new Set([...failed, ...unreached])].slice(0, MAX_FAILED);
}
