// Learns durations from one run. A timing store keeps the history; estimate.ts uses it.

import type { NodeId, TestFile } from '../../../shared/domain/ids.ts';
import type { Needs } from '../../../shared/domain/needs.ts';
import type { FileTiming, Timings } from '../../../shared/domain/suite/timings.ts';
import { sum } from '../../../shared/numbers.ts';
import { measureFile } from '../state/measured-file.ts';
import type { FileProgress } from '../state/records.ts';
import type { RunState } from '../state/run-state.ts';
import { learnLastRuns } from './last-runs.ts';

/** Trust a slower measurement quickly: if the plan ignores it, the file delays the end of the next run … */
const SLOWER_WEIGHT = 0.75;
/** … and a faster one slowly: it may be luck, or only some of the file's tests were selected. */
const FASTER_WEIGHT = 0.2;

/**
 * The new value of each file that this run measured, ready to save; no other file. A file that was collected whole and ran every test
 * forgets tests it no longer has. For any other file only the tests that ran are learned, and its total never falls.
 */
export function learn(old: Timings, state: RunState): Timings {
  const measured = Map.groupBy(
    [...state.shards.values()].flatMap((record) => [...record.files.values()]),
    (progress) => progress.file,
  );
  const learned = new Map<TestFile, FileTiming>();
  for (const [file, parts] of measured) {
    const known = old.get(file) ?? null;
    const timing = learnFile(known, parts);
    if (timing === null) continue;
    const needs = learnNeeds(known?.needs ?? new Map(), parts);
    const lastRuns = learnLastRuns(known?.lastRuns ?? new Map(), parts, isWhole(parts));
    learned.set(file, { ...timing, lastRuns, ...(needs.size === 0 ? {} : { needs }) });
  }
  return learned;
}

function learnFile(old: FileTiming | null, parts: readonly FileProgress[]): Omit<FileTiming, 'lastRuns'> | null {
  const measured = measureFile(parts);
  if (measured === null) return null;
  const collectSeconds = blend(old?.collectSeconds ?? null, measured.collectSeconds);
  const fixtureSeconds = blend(old?.fixtureSeconds ?? null, measured.fixtureSeconds);
  const blended = [...measured.tests].map(([id, seconds]) => [id, blend(old?.tests.get(id) ?? null, seconds)] as const);
  if (isWhole(parts)) {
    const seconds = sum(measured.tests.values()) + measured.collectSeconds + measured.fixtureSeconds;
    return { seconds: blend(old?.seconds ?? null, seconds), collectSeconds, fixtureSeconds, tests: new Map(blended) };
  }
  const tests = new Map([...(old?.tests ?? []), ...blended]);
  const seconds = Math.max(old?.seconds ?? 0, collectSeconds + fixtureSeconds + sum(tests.values()));
  return { seconds, collectSeconds, fixtureSeconds, tests };
}

/** What the file's tests need now, by this collection; tests that it did not select keep what is known of them. */
function learnNeeds(old: ReadonlyMap<NodeId, Needs>, parts: readonly FileProgress[]): ReadonlyMap<NodeId, Needs> {
  const learned = new Map(isWhole(parts) ? [] : old);
  for (const { tests, needs } of parts) {
    for (const nodeid of tests.keys()) learned.delete(nodeid);
    for (const [nodeid, own] of needs) learned.set(nodeid, own);
  }
  return learned;
}

/** True if every test of the file ran, so that others no longer exist. */
const isWhole = (parts: readonly FileProgress[]): boolean => parts.some(isMeasuredWhole) || parts.every(isMeasuredPart);

/** True if the file was planned whole, not by test, and no test lacks an outcome. */
const isMeasuredWhole = ({ selectors, collectSeconds, openTests, collectFailed }: FileProgress): boolean =>
  selectors.some((selector) => selector.kind === 'file') && collectSeconds !== null && openTests === 0 && !collectFailed;

/** True if it is a complete part of a split file. All parts together make up the file. */
const isMeasuredPart = ({ selectors, collectSeconds, openTests, collectFailed }: FileProgress): boolean =>
  selectors.some((selector) => selector.kind === 'part') && collectSeconds !== null && openTests === 0 && !collectFailed;

/** Averages a measurement into history, in seconds; `oldSeconds` is null without history. */
export function blend(oldSeconds: number | null, measuredSeconds: number): number {
  if (oldSeconds === null) return measuredSeconds;
  return oldSeconds + (measuredSeconds - oldSeconds) * (measuredSeconds > oldSeconds ? SLOWER_WEIGHT : FASTER_WEIGHT);
}
