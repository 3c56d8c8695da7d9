// Prints what pytest's own options request at the end of a run: `-r` and `--durations`, in pytest's words and order.

import type { Outcome } from '../../../shared/domain/outcome.ts';
import type { Report, ReportedAttempt, ReportedTest } from '../../../shared/domain/report.ts';
import { oneLine } from '../../../shared/text/safe-text.ts';
import { skipReason } from '../../../shared/text/skip-reason.ts';

/** Failures and errors are not in this list, because they are always shown. */
const OUTCOMES: Readonly<Record<string, Outcome>> = { p: 'passed', s: 'skipped', x: 'xfailed', X: 'xpassed' };

/** One line for each test with an outcome that `-r` names. Skipped tests are folded by place and reason. */
export function askedLines({ asked, tests }: Pick<Report, 'asked' | 'tests'>): string[] {
  return [...(asked?.outcomes ?? '')].flatMap((letter) => {
    const outcome = OUTCOMES[letter];
    const found = outcome === undefined ? [] : tests.filter((test) => test.outcome === outcome);
    if (outcome === 'skipped') return skippedLines(found);
    return found.map(({ nodeid, attempts }) => {
      const reason = outcome === 'passed' ? '' : (attempts.at(-1)?.message ?? '');
      return `${WORDS[outcome ?? 'passed']} ${oneLine(nodeid)}${reason === '' ? '' : ` - ${oneLine(reason)}`}`;
    });
  });
}

const WORDS: Readonly<Partial<Record<Outcome, string>>> = { passed: 'PASSED', xfailed: 'XFAIL', xpassed: 'XPASS' };

function skippedLines(tests: readonly ReportedTest[]): string[] {
  const folded = Map.groupBy(tests, skippedAt);
  return [...folded].map(([at, those]) => `SKIPPED [${those.length}] ${at}`);
}

function skippedAt({ file, attempts }: ReportedTest): string {
  const message = attempts.at(-1)?.message ?? '';
  return oneLine(skipReason(message, file) ?? `${file}: ${message}`);
}

/** The tests that `-rP` shows: passed tests that printed something. */
export const passedWithOutput = ({ asked, tests }: Pick<Report, 'asked' | 'tests'>): readonly ReportedTest[] =>
  asked?.outcomes.includes('P') === true
    ? tests.filter(({ outcome, attempts }) => outcome === 'passed' && (attempts.at(-1)?.sections ?? []).length > 0)
    : [];

/** The slowest phases of all tests on all agents, as `--durations` and `--durations-min` select them. Empty without `--durations`. */
export function durationLines({ asked, tests }: Pick<Report, 'asked' | 'tests'>): string[] {
  if (asked === null || asked.durations === null) return [];
  const phases = tests.flatMap(({ nodeid, attempts }) => attempts.flatMap(phasesOf).map((phase) => ({ ...phase, nodeid })));
  const slowest = phases.sort((left, right) => right.seconds - left.seconds);
  const listed = asked.durations === 0 ? slowest : slowest.slice(0, asked.durations);
  const shown = listed.filter(({ seconds }) => seconds >= asked.leastSeconds);
  const hidden = listed.length - shown.length;
  if (listed.length === 0) return [];
  return [
    asked.durations === 0 ? 'slowest durations' : `slowest ${asked.durations} durations`,
    ...shown.map(({ seconds, when, nodeid }) => `${seconds.toFixed(2)}s ${when.padEnd(8)} ${oneLine(nodeid)}`),
    ...(hidden === 0 ? [] : [`(${hidden} durations < ${asked.leastSeconds}s hidden.)`]),
    '',
  ];
}

/** A test whose outcome was decided in set-up has no call phase. */
function phasesOf({
  seconds,
  setupSeconds = 0,
  teardownSeconds = 0,
}: ReportedAttempt): { readonly when: string; readonly seconds: number }[] {
  const call = Math.max(0, seconds - setupSeconds - teardownSeconds);
  const all = [
    { when: 'setup', seconds: setupSeconds },
    { when: 'call', seconds: call },
    { when: 'teardown', seconds: teardownSeconds },
  ];
  return all.filter((phase) => phase.seconds > 1e-9);
}
