// The fingerprint of a workspace's files: git's state, and a digest of contents if git is not enough.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { FilesPrint } from '../domain/suite/fingerprint.ts';
import { contentsPrint } from './contents-print.ts';
import { gitPrint } from './git-print.ts';
import type { OtherUser } from './other-user.ts';

/**
 * The fingerprint of the coordinator's workspace. Agents without git need the digest of contents, so it is taken only if such an agent may
 * join.
 */
export async function printWorkspace(workspace: string, mayOthersCome: boolean): Promise<FilesPrint> {
  const [place, git, contents] = await Promise.all([
    placeOf(workspace),
    gitPrint(workspace),
    mayOthersCome ? contentsPrint(workspace) : null,
  ]);
  return { place, git, contents };
}

/** The fingerprint of an agent's workspace for a comparison with the run's. Reads no more than the comparison needs, and runs git as `user`. */
export async function printBeside(workspace: string, run: FilesPrint, user: OtherUser | null = null): Promise<FilesPrint> {
  const place = await placeOf(workspace);
  // This also holds while tests of the run write into the workspace.
  if (place === run.place) return run;
  const git = run.git === null ? null : await gitPrint(workspace, user);
  return { place, git, contents: git === null ? await contentsPrint(workspace) : null };
}

/** Equal for the same directory of the same running system, whichever path or container leads to it. */
async function placeOf(workspace: string): Promise<string> {
  const { dev, ino } = await stat(workspace, { bigint: true });
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return createHash('sha256')
    .update(`${boot.trim() || hostname()} ${dev} ${ino}`)
    .digest('hex')
    .slice(0, 12);
}
