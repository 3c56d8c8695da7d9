// The tests of one live run: which are announced, which have a result, and how many have each outcome. countsAs decides which result of a
// test counts.

import type { TestResult } from '../../shared/domain/events.ts';
import type { AgentId, AttemptId, NodeId } from '../../shared/domain/ids.ts';
import { isFailure, type Outcome } from '../../shared/domain/outcome.ts';
import type { Totals } from '../../shared/domain/report.ts';
import { isoDate } from '../../shared/text/iso-date.ts';
import { countsAs } from '../core/state/results.ts';
import { fitTexts, newTextBudget } from '../core/state/text-budget.ts';
import type { GrowingColumns } from './page-columns.ts';

export interface LiveTests {
  announce(nodeids: readonly NodeId[]): void;
  /** Results of this attempt are results of a rerun. */
  expectRerun(attempt: AttemptId): void;
  /** Returns how the result counts; null if it changes nothing. */
  take(agent: AgentId, attempt: AttemptId, result: TestResult): ReturnType<typeof countsAs>;
  /** Number of tests that have a result. */
  finished(): number;
  /** Number of collected files whose tests all have a result. */
  filesDone(): number;
  /** Number of tests that failed in their latest result that counts. */
  failures(): number;
  totals(): Totals;
}

/** The current result of a test. */
interface LiveTest {
  /** Its index in the columns. */
  readonly place: number;
  readonly accepted: { readonly result: { readonly outcome: Outcome } };
  readonly reruns: { readonly attempt: AttemptId; readonly result: { readonly outcome: Outcome } }[];
}

export function createLiveTests(columns: GrowingColumns): LiveTests {
  const announced = new Set<NodeId>();
  /** Tests without a result, by file. */
  const open = new Map<string, number>();
  const tests = new Map<NodeId, LiveTest>();
  const rerunAttempts = new Set<AttemptId>();
  const counts: Record<Outcome, number> = { passed: 0, failed: 0, error: 0, skipped: 0, xfailed: 0, xpassed: 0 };
  const texts = newTextBudget();
  let duplicates = 0;
  let flaky = 0;

  const announce = (nodeid: NodeId): void => {
    if (announced.has(nodeid)) return;
    announced.add(nodeid);
    const file = fileOf(nodeid);
    open.set(file, (open.get(file) ?? 0) + 1);
  };

  const takeFirst = (agent: AgentId, result: TestResult): void => {
    const { nodeid, outcome } = result;
    counts[outcome] += 1;
    const file = fileOf(nodeid);
    open.set(file, (open.get(file) ?? 0) - 1);
    const place = columns.add(rowOf(agent, { ...result, ...fitTexts(texts, result) }));
    tests.set(nodeid, { place, accepted: { result: { outcome } }, reruns: [] });
  };

  const takeRerun = (test: LiveTest, attempt: AttemptId, { outcome, seconds }: TestResult): void => {
    counts[(test.reruns.at(-1) ?? test.accepted).result.outcome] -= 1;
    counts[outcome] += 1;
    if (!isFailure(outcome)) flaky += 1;
    test.reruns.push({ attempt, result: { outcome } });
    columns.addRerun(test.place, outcome, seconds);
  };

  return {
    announce(nodeids) {
      for (const nodeid of nodeids) announce(nodeid);
    },
    expectRerun: (attempt) => void rerunAttempts.add(attempt),
    take(agent, attempt, result) {
      announce(result.nodeid);
      columns.lane(agent, result.worker);
      const known = tests.get(result.nodeid);
      const as = countsAs(known ?? { accepted: null, reruns: [] }, attempt, rerunAttempts.has(attempt));
      if (as === null) duplicates += 1;
      if (as === 'rerun' && known !== undefined) takeRerun(known, attempt, result);
      if (as === 'first') takeFirst(agent, result);
      return as;
    },
    finished: () => tests.size,
    filesDone: () => [...open.values()].filter((count) => count === 0).length,
    failures: () => counts.failed + counts.error,
    totals: () => ({
      expected: announced.size,
      ...counts,
      flaky,
      notRun: announced.size - tests.size,
      notRunIsLeast: false,
      duplicatesDropped: duplicates,
    }),
  };
}

const fileOf = (nodeid: NodeId): string => nodeid.split('::', 1)[0] ?? '';

/** A test's first result as a row of the columns. */
function rowOf(agent: AgentId, result: TestResult): Parameters<GrowingColumns['add']>[0] {
  const { nodeid, file, line, outcome, seconds, worker, message, brief, sections } = result;
  const startedAt = isoDate(result.startedAt);
  const attempt = { agent, worker, startedAt, seconds, outcome, message, brief, sections };
  return { nodeid, file, line, outcome, seconds, flaky: false, attempts: [attempt] };
}
