// Warns if a CI provider is going to end this job before the deadline.

import { ciJob } from './job.ts';

/** Explains in one sentence that the job ends before the deadline; null if, as far as is known, it does not. */
export function deadlineBeyondJob(
  env: Readonly<Record<string, string | undefined>>,
  startedAt: number,
  deadlineSeconds: number,
): string | null {
  const job = ciJob(env);
  if (job === null || job.limit === null) return null;
  const { variable, seconds, endsAt } = job.limit;
  const leftSeconds = endsAt === null ? seconds : (endsAt - startedAt) / 1000;
  if (deadlineSeconds <= leftSeconds) return null;
  const left = endsAt === null ? `after ${seconds} s` : `in ${Math.max(0, Math.round(leftSeconds))} s`;
  return `${job.provider} ends this job ${left} (${variable}), before the deadline of ${deadlineSeconds} s: there may be no report. Fix: pass a shorter --deadline.`;
}
