// The name of a suite, which is the same on every machine: where its repository comes from, and its place there.

import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { execa } from 'execa';

const GIT_MS = 10_000;

/** Without a repository that came from elsewhere, the name of the directory. For use in keys: letters, digits and `-`. */
export async function suiteName(workspace: string): Promise<string> {
  const git = async (...args: string[]): Promise<string> => {
    const { failed, stdout } = await execa('git', args, { cwd: workspace, stdin: 'ignore', reject: false, timeout: GIT_MS });
    return failed ? '' : stdout.trim();
  };
  const [origin, place] = await Promise.all([git('config', '--get', 'remote.origin.url'), git('rev-parse', '--show-prefix')]);
  const named = origin === '' ? basename(workspace) : `${withoutAccount(origin)} ${place}`;
  return `suite-${createHash('sha256').update(named).digest('hex').slice(0, 16)}`;
}

/** `https://token@host/a/b.git` and `git@host:a/b` name the same repository. */
export const withoutAccount = (origin: string): string =>
  origin
    .replace(/^[a-z+]+:\/\//, '')
    .replace(/^[^/@]*@/, '')
    .replace(/:(?!\d+\/)/, '/')
    .replace(/\.git$/, '');
