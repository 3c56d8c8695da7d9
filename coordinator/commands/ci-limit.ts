// Detects how long a CI provider lets this job run, if the environment states it.

export interface CiLimit {
  readonly provider: string;
  /** The environment variable that states the limit. */
  readonly variable: string;
  /** When the provider ends the job, in milliseconds since the epoch; null if only the length is known and not the start. */
  readonly endsAt: number | null;
  readonly seconds: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * GitLab CI: `CI_JOB_TIMEOUT` in seconds and `CI_JOB_STARTED_AT`, both predefined variables.
 * Buildkite: `BUILDKITE_TIMEOUT` in minutes, `false` for none; it does not state a job's start. GitHub Actions, CircleCI, Azure Pipelines
 * and Jenkins document no such variable. Returns null if the limit is unknown.
 */
export function ciLimit(env: Environment): CiLimit | null {
  const gitlab = positive(env.CI_JOB_TIMEOUT);
  if (env.GITLAB_CI !== undefined && gitlab !== null) {
    const startedAt = Date.parse(env.CI_JOB_STARTED_AT ?? '');
    const endsAt = Number.isNaN(startedAt) ? null : startedAt + gitlab * 1000;
    return { provider: 'GitLab', variable: 'CI_JOB_TIMEOUT', endsAt, seconds: gitlab };
  }
  const buildkite = positive(env.BUILDKITE_TIMEOUT);
  if (env.BUILDKITE !== undefined && buildkite !== null) {
    return { provider: 'Buildkite', variable: 'BUILDKITE_TIMEOUT', endsAt: null, seconds: buildkite * 60 };
  }
  return null;
}

/** Explains in one sentence that the job ends before the deadline; null if, as far as is known, it does not. */
export function deadlineBeyondJob(env: Environment, startedAt: number, deadlineSeconds: number): string | null {
  const limit = ciLimit(env);
  if (limit === null) return null;
  const leftSeconds = limit.endsAt === null ? limit.seconds : (limit.endsAt - startedAt) / 1000;
  if (deadlineSeconds <= leftSeconds) return null;
  const left = limit.endsAt === null ? `after ${limit.seconds} s` : `in ${Math.max(0, Math.round(leftSeconds))} s`;
  return `${limit.provider} ends this job ${left} (${limit.variable}), before the deadline of ${deadlineSeconds} s: there may be no report. Fix: pass a shorter --deadline.`;
}

function positive(text: string | undefined): number | null {
  const value = Number(text ?? '');
  return value > 0 && Number.isFinite(value) ? value : null;
}
