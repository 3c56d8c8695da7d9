// Lists the files that differ from a commit, according to git.

import { execa } from 'execa';
import { type TestFile, testFile } from '../../shared/domain/ids.ts';
import { messageOf, ShardlineError } from '../../shared/errors.ts';

const GIT_MS = 30_000;

/**
 * Files below `rootdir` that differ from the merge base of this branch and `ref`, committed or not, plus untracked files; relative to
 * `rootdir`. Throws `bad-changed-since`.
 */
export async function changedFiles(rootdir: string, ref: string, signal: AbortSignal): Promise<ReadonlySet<TestFile>> {
  const git = async (...args: string[]): Promise<readonly string[]> => {
    try {
      const { stdout } = await execa('git', args, { cwd: rootdir, stdin: 'ignore', timeout: GIT_MS, cancelSignal: signal });
      return stdout.split('\0').filter((name) => name !== '');
    } catch (thrown) {
      signal.throwIfAborted();
      const problem = messageOf(thrown).split('\n').slice(0, 2).join(' ');
      throw new ShardlineError('bad-changed-since', { ref, problem, rootdir }, { cause: thrown });
    }
  };
  // Resolve the name first, so that git cannot read it as an option.
  const [commit = ''] = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  const changed = await git('diff', '--name-only', '-z', '--relative', '--merge-base', commit.trim(), '--');
  const unknown = await git('ls-files', '--others', '--exclude-standard', '-z');
  return new Set([...changed, ...unknown].map(testFile));
}
