// Stores tests and their attempts as the columns that a page is drawn from. They only grow, so a page needs only the rows after those it
// has.

import { isFailure, type Outcome, outcomes } from '../../shared/domain/outcome.ts';
import type { ReportedAttempt, ReportedTest } from '../../shared/domain/report.ts';
import { harmless } from '../../shared/text/safe-text.ts';
import { skipReason } from '../../shared/text/skip-reason.ts';
import { type Columns, nameIn } from './page-data.ts';

/**
 * Keeps output only for tests that failed, were flaky or did not run through, because that is where a user looks for it. report.json has
 * all output.
 */
const isShownOf = (test: ReportedTest, attempt: ReportedAttempt): boolean => test.flaky || attempt.outcome !== 'passed';

export interface GrowingColumns {
  readonly columns: Columns;
  /** Returns the test's index. */
  add(test: ReportedTest): number;
  /** Records that the test at this index ran again. */
  addRerun(place: number, outcome: Outcome, seconds: number): void;
  addCollectError(file: string, nodeid: string, message: string): void;
  /** Returns a file's index. */
  file(path: string): number;
  /** Returns the index of an agent's xdist worker. */
  lane(agent: string, worker: string): number;
}

/** `startedAt` is the run's start in milliseconds since the epoch; the columns' instants count from it. */
export function growColumns(startedAt: number): GrowingColumns {
  const files = table();
  const texts = table();
  const lanes = table();
  const lanePairs: [string, string][] = [];
  const tests: Growing<Columns['tests']> = { name: [], file: [], line: [], outcome: [], ms: [], flaky: [], attempts: [], reruns: [] };
  const attempts: Growing<Columns['attempts']> = { lane: [], startedAt: [], ms: [], outcome: [], text: [], sections: [] };
  const collectErrors: [number, number, string][] = [];
  const text = (raw: string): number => texts.place(harmless(raw));
  const file = (path: string): number => files.place(harmless(path));
  const lane = (agent: string, worker: string): number => {
    const place = lanes.place(`${agent} ${worker}`);
    lanePairs[place] ??= [agent, harmless(worker)];
    return place;
  };
  const addAttempt = (attempt: ReportedAttempt, path: string, isShown: boolean): void => {
    const index = attempts.lane.length;
    attempts.lane.push(lane(attempt.agent, attempt.worker));
    attempts.startedAt.push(tenths(Date.parse(attempt.startedAt) - startedAt));
    attempts.ms.push(tenths(attempt.seconds * 1000));
    attempts.outcome.push(outcomes.indexOf(attempt.outcome));
    if (!isShown) return;
    const { message, outcome } = attempt;
    if (message !== null) attempts.text.push([index, text((outcome === 'skipped' ? skipReason(message, path) : null) ?? message)]);
    if (attempt.sections.length > 0) {
      attempts.sections.push([index, ...attempt.sections.flatMap((section) => [text(section.title), text(section.text)])]);
    }
  };
  return {
    columns: { files: files.values, lanes: lanePairs, texts: texts.values, tests, attempts, collectErrors },
    add(test) {
      const index = tests.name.length;
      tests.name.push(nameIn(test.nodeid, test.file));
      tests.file.push(file(test.file));
      tests.line.push(test.line ?? 0);
      tests.outcome.push(outcomes.indexOf(test.outcome));
      tests.ms.push(tenths(test.seconds * 1000));
      if (test.flaky) tests.flaky.push(index);
      if (test.attempts.length !== 1) tests.attempts.push([index, test.attempts.length]);
      for (const attempt of test.attempts) addAttempt(attempt, test.file, isShownOf(test, attempt));
      return index;
    },
    addRerun(place, outcome, seconds) {
      tests.reruns.push([place, outcomes.indexOf(outcome), tenths(seconds * 1000)]);
      if (!isFailure(outcome)) tests.flaky.push(place);
    },
    addCollectError(path, nodeid, message) {
      collectErrors.push([file(path), text(message), nodeid === path ? '' : nameIn(nodeid, path)]);
    },
    file,
    lane,
  };
}

export const tenths = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;

type Growing<Of> = { [Name in keyof Of]: Of[Name] extends readonly (infer Item)[] ? Item[] : never };

interface Table {
  readonly values: readonly string[];
  place(value: string): number;
}

/** Stores each distinct string once and returns its index. */
function table(): Table {
  const values: string[] = [];
  const places = new Map<string, number>();
  return {
    values,
    place(value) {
      const known = places.get(value);
      if (known !== undefined) return known;
      places.set(value, values.length);
      return values.push(value) - 1;
    },
  };
}
