// `shardline ci`: the same line in every job of a pipeline. With a Redis, all jobs share one run; without, each runs its part.

import { ShardlineError } from '../../shared/errors.ts';
import type { CiSettings, RunSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { type CiJob, ciJob } from '../ci/job.ts';

/** Resolves with the exit code. Throws a ShardlineError, or an AggregateError of several, if there is nothing to report on. */
export async function ciCommand(settings: CiSettings, edge: Edge): Promise<number> {
  if (settings.run.redis === null) {
    const { runCommand } = await import('./run.ts');
    return await runCommand(ownPart(settings.run, edge), edge);
  }
  const { joinJobs } = await import('./jobs/join-jobs.ts');
  return await joinJobs(settings, edge);
}

/** The run of this job's part: as given, else by the provider's number of the job. */
function ownPart(run: RunSettings, { env, stderr }: Edge): RunSettings {
  const job = ciJob(env);
  const shard = run.shard ?? job?.part ?? null;
  if (shard !== null) return { ...run, shard };
  if (run.plan !== null) {
    const problem = `--plan needs the number of the part: ${withoutPart(job)}.`;
    throw new ShardlineError('bad-option', { problem, fix: 'Add --shard I/N, for example --shard 2/4.' });
  }
  stderr.write(`shardline: ${withoutPart(job)}; running the whole suite. Fix: add --shard I/N to run a part\n`);
  return run;
}

/** Why the provider does not name the part of this job. */
function withoutPart(job: CiJob | null): string {
  if (job === null) return 'found no CI provider';
  const isNumbered = job.place !== null && job.place.total > 1;
  return isNumbered ? `${job.provider} numbers different jobs together, as those of a matrix` : `${job.provider} does not number this job`;
}
