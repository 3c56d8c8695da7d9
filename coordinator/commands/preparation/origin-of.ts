// Finds out where a run comes from: its project, branch, command and CI job.

import type { RunOrigin } from '../../../shared/domain/report.ts';
import { safeArguments } from '../../../shared/settings/redis-url.ts';
import type { Edge } from '../../../shared/system/edge.ts';
import { checkoutOf } from '../../../shared/system/git-print.ts';
import { shellCommand } from '../../../shared/text/shell-quote.ts';
import { ciJob } from '../../ci/job.ts';

/** A longer command, such as one with a list of files, is cut. */
const COMMAND_CHARS = 2000;

/** Never rejects: without git, the project is the directory. */
export async function originOf(workspace: string, { argv, env }: Pick<Edge, 'argv' | 'env'>): Promise<RunOrigin> {
  const { project, branch } = await checkoutOf(workspace);
  const job = ciJob(env);
  const command = shellCommand(['shardline', ...safeArguments(argv)]);
  return {
    // A CI job checks out a commit, not a branch, and often into a directory with another name.
    project: job?.project ?? project,
    branch: job?.branch ?? branch,
    command: command.length > COMMAND_CHARS ? `${command.slice(0, COMMAND_CHARS)} […]` : command,
    job: job?.url ?? null,
  };
}
