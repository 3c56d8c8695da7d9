import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exitPrecedence, firstExitCode, verdict } from '../../coordinator/core/result/verdict.ts';
import { notRunReasons } from '../../shared/domain/outcome.ts';

// Mostly zero: otherwise hardly any run would be without a fault.
const counts = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 2 }) });
const findings = fc.record({
  totals: fc.record({
    expected: counts,
    passed: counts,
    failed: counts,
    error: counts,
    skipped: counts,
    xfailed: counts,
    xpassed: counts,
    flaky: counts,
    notRun: counts,
    notRunIsLeast: fc.boolean(),
    duplicatesDropped: counts,
  }),
  skippedModules: counts,
  collectErrors: counts,
  acceptsNoTests: fc.boolean(),
  notRun: fc.array(fc.record({ reason: fc.constantFrom(...notRunReasons) }), { maxLength: 3 }),
  isInterrupted: fc.boolean(),
  isInseparable: fc.boolean(),
  isUnproven: fc.boolean(),
  flakyFails: fc.boolean(),
  conflicts: fc.nat(2),
  missingMessages: fc.nat(2),
  coverage: fc.record({ isMissed: fc.boolean(), isPartial: fc.constant(false) }),
});

test('uses the first exit code in the order 4, 3, 2, 1, 11, 10, 5, 0, in whatever order they are given', () => {
  expect(exitPrecedence).toEqual([4, 3, 2, 1, 11, 10, 5, 0]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...exitPrecedence), { minLength: 1 }), (codes) => {
      const first = firstExitCode(codes);
      expect(codes).toContain(first);
      for (const code of codes) expect(exitPrecedence.indexOf(first)).toBeLessThanOrEqual(exitPrecedence.indexOf(code));
    }),
  );
});

test('a run passes, with exit code 0, exactly when nothing is missing, failed or stopped', () => {
  fc.assert(
    fc.property(findings, (found) => {
      const { totals, skippedModules, collectErrors, notRun, isInterrupted, isInseparable, isUnproven, flakyFails, coverage } = found;
      const failures = totals.failed + totals.error + found.conflicts + (flakyFails ? totals.flaky : 0) + Number(coverage.isMissed);
      const isSpotless =
        failures + collectErrors + notRun.length === 0 &&
        !isInterrupted &&
        !isInseparable &&
        !isUnproven &&
        found.missingMessages === 0 &&
        totals.expected > skippedModules;
      const result = verdict(found);
      const isAccepted = result.verdict === 'no-tests' && found.acceptsNoTests;
      expect(result.exitCode === 0).toBe(isSpotless || isAccepted);
      expect(result.verdict === 'passed').toBe(isSpotless);
    }),
  );
});

test('one more finding never weakens the exit code', () => {
  fc.assert(
    fc.property(findings, fc.constantFrom(...notRunReasons), (found, reason) => {
      const before = exitPrecedence.indexOf(verdict(found).exitCode);
      const worse = [
        { ...found, isInterrupted: true },
        { ...found, collectErrors: found.collectErrors + 1 },
        { ...found, conflicts: found.conflicts + 1 },
        { ...found, missingMessages: found.missingMessages + 1 },
        { ...found, coverage: { ...found.coverage, isMissed: true } },
        { ...found, notRun: [...found.notRun, { reason }] },
      ];
      for (const each of worse) expect(exitPrecedence.indexOf(verdict(each).exitCode)).toBeLessThanOrEqual(before);
    }),
  );
});
