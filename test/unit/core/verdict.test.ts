import { expect, test } from 'vitest';
import { exitPrecedence, type Findings, firstExitCode, verdict } from '../../../coordinator/core/result/verdict.ts';
import { notRunReasons } from '../../../shared/domain/outcome.ts';

const totals = {
  expected: 3,
  passed: 3,
  failed: 0,
  error: 0,
  skipped: 0,
  xfailed: 0,
  xpassed: 0,
  flaky: 0,
  notRun: 0,
  notRunIsLeast: false,
  duplicatesDropped: 0,
};
const green: Findings = {
  totals,
  skippedModules: 0,
  collectErrors: 0,
  acceptsNoTests: false,
  notRun: [],
  isInterrupted: false,
  isInseparable: false,
  isUnproven: false,
  flakyFails: false,
  conflicts: 0,
  missingMessages: 0,
  coverage: { isMissed: false, isPartial: false },
};

test.each<[string, Partial<Findings>, string, number]>([
  ['every test passed', {}, 'passed', 0],
  ['nothing was collected', { totals: { ...totals, expected: 0, passed: 0 } }, 'no-tests', 5],
  ['every module skipped itself', { totals: { ...totals, expected: 2, passed: 0, skipped: 2 }, skippedModules: 2 }, 'no-tests', 5],
  ['nothing was collected, which hooks of the suite accept', { totals: { ...totals, expected: 0 }, acceptsNoTests: true }, 'no-tests', 0],
  ['a test failed, and hooks accept that none is collected', { totals: { ...totals, failed: 1 }, acceptsNoTests: true }, 'failed', 1],
  ['a test failed', { totals: { ...totals, failed: 1 } }, 'failed', 1],
  ['the limit of coverage was missed', { coverage: { isMissed: true, isPartial: false } }, 'failed', 1],
  ['coverage of something did not arrive', { coverage: { isMissed: false, isPartial: true } }, 'incomplete', 11],
  [
    'coverage is a part, as its tests are',
    { notRun: [{ reason: 'deadline' }], coverage: { isMissed: false, isPartial: true } },
    'deadline',
    10,
  ],
  ['a test had an error', { totals: { ...totals, error: 1 } }, 'failed', 1],
  ['a file could not be collected', { collectErrors: 1 }, 'failed', 1],
  ['nothing but a file that could not be collected', { totals: { ...totals, expected: 0 }, collectErrors: 1 }, 'failed', 1],
  ['its files depend on each other, and were collected one by one', { isInseparable: true }, 'incomplete', 11],
  ['messages of an agent are missing', { missingMessages: 1 }, 'incomplete', 11],
  ['somebody stopped it', { isInterrupted: true }, 'interrupted', 2],
  ['the deadline came', { notRun: [{ reason: 'deadline' }] }, 'deadline', 10],
  ['tests could not be run', { notRun: [{ reason: 'deadline' }, { reason: 'no-agent' }] }, 'incomplete', 11],
  ['a test failed and others could not be run', { totals: { ...totals, failed: 1 }, notRun: [{ reason: 'crash-limit' }] }, 'failed', 1],
  ['it was stopped after a failure', { totals: { ...totals, failed: 1 }, isInterrupted: true }, 'interrupted', 2],
])('when %s', (_when, found, word, exitCode) => {
  expect(verdict({ ...green, ...found })).toEqual({ verdict: word, exitCode });
});

test.each(notRunReasons)('a run with a test not run because of %s is never green', (reason) => {
  expect([0, 5]).not.toContain(verdict({ ...green, notRun: [{ reason }] }).exitCode);
});

test('uses the exit code that is first in the order of precedence', () => {
  for (const [index, first] of exitPrecedence.entries()) {
    for (const later of exitPrecedence.slice(index)) expect(firstExitCode([later, first])).toBe(first);
  }
});

test('treats a missing or an unknown exit code as an internal error', () => {
  expect(firstExitCode([])).toBe(3);
  expect(firstExitCode([0, 137])).toBe(3);
});
