// Finds the repository and commit of a workspace, for agents that fetch them. It only reads.

import { execa } from 'execa';
import { isCommitId, isInnerDirectory, isRepositoryAddress, type RunSource, withoutCredentials } from '../domain/run-source.ts';

const GIT_MS = 10_000;

/**
 * The checked-out commit, and the first of these addresses that exists: `named`, the remote `origin`, `otherwise`. null without git, without a
 * commit, and without an address. Never rejects.
 */
export async function gitSource(workspace: string, named: string | null, otherwise: string | null): Promise<RunSource | null> {
  const options = { cwd: workspace, stdin: 'ignore', reject: false, timeout: GIT_MS } as const;
  const [place, origin] = await Promise.all([
    execa('git', ['rev-parse', '--show-prefix', 'HEAD'], options),
    execa('git', ['remote', 'get-url', 'origin'], options),
  ]);
  const [directory = '', commit = ''] = place.failed ? [] : place.stdout.split('\n');
  const remote = origin.failed ? '' : origin.stdout.trim();
  const repository = withoutCredentials(named ?? (remote || (otherwise ?? '')));
  if (!isCommitId(commit) || !isRepositoryAddress(repository) || !isInnerDirectory(directory)) return null;
  return { repository, commit, directory };
}
