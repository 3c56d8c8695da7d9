// `shardline ci`: the same line in every job of a pipeline. With a Redis, all jobs share one run; without, each runs its part.

import { ShardlineError } from '../../shared/errors.ts';
import type { CiSettings, RunSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { ciJob } from '../ci/job.ts';

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
  const place = job !== null && job.place !== null && job.place.total > 1 ? job.place : null;
  const shard = run.shard ?? place;
  if (shard !== null) return { ...run, shard };
  const provider = job === null ? 'this is no job of a known CI provider' : `${job.provider} does not number this job`;
  if (run.plan !== null) {
    const problem = `--plan needs the number of the part, and ${provider}.`;
    throw new ShardlineError('bad-option', { problem, fix: 'Add for example --shard 2/4.' });
  }
  stderr.write(`shardline: running the whole suite: ${provider}. Fix: to run a part, add for example --shard 2/4\n`);
  return run;
}
