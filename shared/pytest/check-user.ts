// Checks that another user can start pytest, before a run needs it.

import { execa } from 'execa';
import { reasonOf, ShardlineError } from '../errors.ts';
import { asUser, type OtherUser } from '../system/other-user.ts';
import { launchPath } from './plugin-path.ts';

const CHECK_MS = 30_000;

/** Throws `cannot-run-as` if `user` cannot read the workspace or shardline's plugin, or cannot run the interpreter. */
export async function checkUser(user: OtherUser, python: string, workspace: string): Promise<void> {
  const can = (cwd: string, file: string, ...args: readonly string[]) =>
    execa(file, args, { ...asUser(user, process.env), cwd, stdio: 'ignore', reject: false, timeout: CHECK_MS });
  const refuse = (problem: string, path: string): ShardlineError => {
    const fix = `Let it read ${path} and enter every folder above, or use one that it can read.`;
    return new ShardlineError('cannot-run-as', { user: user.name, problem, fix });
  };
  if ((await can('/', 'test', '-r', workspace, '-a', '-x', workspace)).failed) {
    throw refuse(`it cannot read the workspace ${workspace}`, workspace);
  }
  if ((await can('/', 'test', '-r', launchPath())).failed) throw refuse(`it cannot read shardline's plugin ${launchPath()}`, launchPath());
  const started = await can(workspace, python, '-c', '');
  if (started.failed) throw refuse(`it cannot run ${python}: ${reasonOf(started)}`, python);
}
