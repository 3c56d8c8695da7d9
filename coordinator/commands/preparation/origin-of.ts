// Finds out where a run comes from: its project, branch, command and CI job.

import type { RunOrigin } from '../../../shared/domain/report.ts';
import { safeUrl } from '../../../shared/settings/redis-url.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { ciJob } from '../../ci/job.ts';
import { checkoutOf } from '../../discovery/checkout.ts';

/** Never rejects: without git, the project is the directory. */
export async function originOf(workspace: string, { argv, env }: Pick<Edge, 'argv' | 'env'>): Promise<RunOrigin> {
  const { project, branch } = await checkoutOf(workspace);
  const job = ciJob(env);
  return {
    project,
    // A CI job checks out a commit, not a branch.
    branch: job?.branch ?? branch,
    command: shellCommand(['shardline', ...argv.map(withoutSecret)]),
    job: job?.url ?? null,
  };
}

/** `--redis=redis://:password@host` and `redis://:password@host` lose the password. */
const withoutSecret = (argument: string): string =>
  argument.replace(
    /^(--[a-z-]+=)?((?:rediss?|unix):\/\/.*)$/s,
    (_, option: string | undefined, url: string) => `${option ?? ''}${safeUrl(url)}`,
  );
