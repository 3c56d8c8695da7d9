// Builds the census that a run leaves for the next one.

import type { Census, FileCensus } from '../../../shared/domain/census.ts';
import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import { awaitsList, inseparableBecause, mustNotRunTwice } from '../state/collection/suite.ts';
import type { Inseparable } from '../state/collection/suite-state.ts';
import { finalResult } from '../state/results.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * Combines what the run showed with the old census; null if the run showed nothing new.
 * Only a collection of the whole list can prove that files may be collected one by one, and only a new key revokes it. If a file held other
 * tests than the census says, the whole list decides: if the list now holds the same tests, something that the file reads has changed;
 * otherwise collecting the file alone made the difference.
 */
export function takeCensus(state: RunState, old: Census | null, contents: ReadonlyMap<TestFile, string>): Census | null {
  const { list, proof, inseparable, mismatch: found } = state.suite;
  const isWhole = state.opened.spec.collect === 'suite' && list !== null && proof !== null;
  if (!isWhole) {
    if (old === null) return null;
    if (state.opened.spec.collect === 'suite') return { ...old, ...outcomesOf(state, old) };
    // The run cannot restart, so record the mismatch: the next run must not repeat it.
    const because = found !== null && mustNotRunTwice(state) ? inseparableBecause(state) : inseparable;
    return because === null ? null : { ...old, ...newReason(because, contents) };
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
      : { why: `${mismatch.file} has other tests when it is collected alone`, file: null };
  const because = inseparable ?? alone;
  return {
    problems,
    ...(because === null ? keptReason(old) : newReason(because, contents)),
    // A run of a part of the suite loads fewer modules, and a name too many does no harm.
    modules: [...new Set([...(old?.modules ?? []), ...modules])].slice(0, MAX_MODULES),
    ...outcomesOf(state, old),
    files,
  };
}

type Reason = Pick<Census, 'inseparable' | 'inseparableFile'>;

const keptReason = (old: Census | null): Reason => ({
  inseparable: old?.inseparable ?? null,
  inseparableFile: old?.inseparableFile ?? null,
});

function newReason({ why, file }: Inseparable, contents: ReadonlyMap<TestFile, string>): Reason {
  const content = file === null ? undefined : contents.get(file);
  return { inseparable: why, inseparableFile: file === null || content === undefined ? null : { file, content } };
}

/** Maximum number of modules in a census. */
const MAX_MODULES = 20_000;

/** Maximum number of failed tests in a census. */
const MAX_FAILED = 1000;

/** Keeps the old entries for tests that this run did not reach because it ended early. */
const outcomesOf = (state: RunState, old: Census | null): Pick<Census, 'failed' | 'uncollected'> => ({
  failed: failedTests(state, old?.failed ?? []),
  uncollected: state.collectErrors.keys().next().value ?? (awaitsList(state) ? (old?.uncollected ?? null) : null),
});

function failedTests(state: RunState, known: readonly NodeId[]): readonly NodeId[] {
  const failed = [...state.failed].filter((test) => isFailure(finalResult(test)?.result.outcome ?? 'passed')).map(({ nodeid }) => nodeid);
  const unreached = known.filter((nodeid) => (state.tests.get(nodeid)?.accepted ?? null) === null);
  return [...new Set([...failed, ...unreached])].slice(0, MAX_FAILED);
}
