// Whether a signed verdict is one of this job's run, or an earlier one that somebody has stored again.

import { expect, test } from 'vitest';
import { newVerdict } from '../../../coordinator/commands/jobs/membership.ts';
import { runId } from '../../../shared/domain/ids.ts';
import { NO_VERIFIER } from '../../../shared/wire/signature.ts';
import { CLOCK_TOLERANCE_MS } from '../../../shared/wire/trust/certificate.ts';

const joinedAt = Date.UTC(2026, 0, 2);
const run = runId('ci-group-1');
const signed = { joinedAt, run, trust: { signer: null, verifier: { ...NO_VERIFIER, isStrict: true } } };
const ended = (endedAt: number | null) =>
  ({ run, exitCode: 0, line: 'passed', failedOn: null, again: null, files: null, endedAt, reportDigest: null }) as const;

test('takes a verdict that ended after the job joined, as far as clocks agree', () => {
  for (const endedAt of [joinedAt + 1000, joinedAt - CLOCK_TOLERANCE_MS])
    expect(newVerdict(signed, ended(endedAt))).toEqual(ended(endedAt));
});

test('refuses the signed verdict of an earlier run of the same name', () => {
  for (const endedAt of [joinedAt - CLOCK_TOLERANCE_MS - 1, 0, null])
    expect(() => newVerdict(signed, ended(endedAt))).toThrow(/older than this job/);
});

test('takes every verdict where nothing is verified', () => {
  expect(newVerdict({ ...signed, trust: { signer: null, verifier: NO_VERIFIER } }, ended(null))).toEqual(ended(null));
});
