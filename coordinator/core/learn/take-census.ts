// Builds the census that a run leaves for the next one.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import { isFailure } from '../../../shared/domain/outcome.ts';
import type { Census, FileCensus } from '../../../shared/domain/suite/census.ts';
import type { Inseparable, Load } from '../../../shared/domain/suite/suite-list.ts';
import { awaitsList, inseparableBecause, mismatchOf, mustNotRunTwice, unlocated } from '../state/collection/suite.ts';
import { finalResult } from '../state/results.ts';
import type { RunState } from '../state/run-state.ts';

/**
 * Combines what the run showed with the old census; null if the run showed nothing new.
 * Only a collection of the whole list can prove that files may be collected one by one, and only a new key revokes it. If a file held other
 * tests than the census says, the whole list decides: if the list now holds the same tests, something that the file reads has changed;
 * otherwise collecting the file alone made the difference.
 */
export function takeCensus(state: RunState, old: Census | null, contents: ReadonlyMap<TestFile, string>): Census | null {
  const { list, proof, inseparable } = state.suite;
  const isWhole = state.opened.spec.collect === 'suite' && list !== null && proof !== null;
  if (!isWhole) {
    if (old === null) return null;
    if (state.opened.spec.collect === 'suite') return { ...old, ...outcomesOf(state, old) };
    // The run cannot restart, so record the mismatch: the next run must not repeat it.
    const because = mismatchOf(state) !== null && mustNotRunTwice(state) ? inseparableBecause(state) : inseparable;
    const learned = because === null ? null : learn(because, old, contents);
    return learned === null ? null : { ...old, ...learned };
  }
  const files = new Map<TestFile, FileCensus>(old?.files);
  for (const [file, digest] of proof.digests) {
    const content = contents.get(file);
    if (content !== undefined) files.set(file, { content, digest });
  }
  const { problems, loads } = proof;
  const mismatch = state.opened.restarted?.mismatch ?? null;
  const held = new Map(proof.digests);
  if (mismatch !== null && !held.has(mismatch.file)) files.delete(mismatch.file);
  const alone =
    mismatch === null || mismatch.digest === (held.get(mismatch.file) ?? null)
      ? null
      : unlocated(`${mismatch.file} has ${mismatch.digest === null ? 'no' : 'other'} tests when it is collected by file`);
  const because = inseparable ?? alone;
  return {
    problems,
    ...(because === null ? keptReason(old) : newReason(because, contents)),
    companions: old?.companions ?? [],
    loads: combinedLoads(loads, old?.loads.filter(({ file }) => file === null || !contents.has(file)) ?? []),
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

/** Maximum number of test files that each worker imports before its first file. With more, collecting the whole list is as good. */
const MAX_COMPANIONS = 20;

/** Remembers the companions beside which a failed test passes; without new ones, or with too many, why the suite is inseparable. */
function learn(found: Inseparable, { companions: known }: Census, contents: ReadonlyMap<TestFile, string>): Partial<Census> | null {
  const companions = [...new Set([...known, ...found.companions])];
  if (companions.length > known.length && companions.length <= MAX_COMPANIONS) return { companions };
  // In a run without the companions, a test that needs them shows nothing new.
  return known.every((file) => contents.has(file)) ? newReason(found, contents) : null;
}

/** Maximum number of modules in a census. */
const MAX_MODULES = 20_000;

/** Adds what files outside this run loaded earlier: a run of a part of the suite loads fewer modules. */
function combinedLoads(now: readonly Load[], elsewhere: readonly Load[]): readonly Load[] {
  const named = new Set<string>();
  const combined: Load[] = [];
  for (const { file, modules } of [...now, ...elsewhere]) {
    const fresh = modules.filter((name) => !named.has(name)).slice(0, MAX_MODULES - named.size);
    for (const name of fresh) named.add(name);
    if (fresh.length > 0) combined.push({ file, modules: fresh });
  }
  return combined;
}

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
