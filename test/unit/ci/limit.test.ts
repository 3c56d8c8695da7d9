// Reads the time limit of a CI job from its environment.

import { expect, test } from 'vitest';
import { deadlineBeyondJob } from '../../../coordinator/ci/limit.ts';

const startedAt = Date.parse('2026-01-01T12:05:00Z');
const gitlab = { GITLAB_CI: 'true', CI_JOB_TIMEOUT: '3600', CI_JOB_STARTED_AT: '2026-01-01T12:00:00Z' };

test("GitLab's limit counts from the job's start", () => {
  expect(deadlineBeyondJob(gitlab, startedAt, 3300)).toBeNull();
  expect(deadlineBeyondJob(gitlab, startedAt, 3301)).toBe(
    'GitLab ends this job in 3300 s (CI_JOB_TIMEOUT), before the deadline of 3301 s: there may be no report. Fix: pass a shorter --deadline.',
  );
  expect(deadlineBeyondJob({ ...gitlab, CI_JOB_STARTED_AT: undefined }, startedAt, 3601)).toContain('after 3600 s');
});

test("reads Buildkite's limit in minutes, without the job's start", () => {
  expect(deadlineBeyondJob({ BUILDKITE: 'true', BUILDKITE_TIMEOUT: '10' }, startedAt, 600)).toBeNull();
  expect(deadlineBeyondJob({ BUILDKITE: 'true', BUILDKITE_TIMEOUT: '10' }, startedAt, 601)).toContain(
    'Buildkite ends this job after 600 s',
  );
  expect(deadlineBeyondJob({ BUILDKITE: 'true', BUILDKITE_TIMEOUT: 'false' }, startedAt, 1e9)).toBeNull();
});

test('finds no limit when no known CI provider sets one', () => {
  expect(deadlineBeyondJob({}, startedAt, 1e9)).toBeNull();
  expect(deadlineBeyondJob({ CI_JOB_TIMEOUT: '1' }, startedAt, 1e9)).toBeNull();
});
