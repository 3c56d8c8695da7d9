// The fingerprint of a workspace's files: what git knows of them, and their contents where git does not suffice.

import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { FilesPrint } from '../domain/fingerprint.ts';
import { contentsPrint } from './contents-print.ts';
import { gitPrint } from './git-print.ts';

/** Of the coordinator's workspace. Agents without git need its contents, so they are read where such an agent may come. */
export async function printWorkspace(workspace: string, mayOthersCome: boolean): Promise<FilesPrint> {
  const [place, git, contents] = await Promise.all([
    placeOf(workspace),
    gitPrint(workspace),
    mayOthersCome ? contentsPrint(workspace) : null,
  ]);
  return { place, git, contents };
}

/** Of an agent's workspace, to be compared with the run's: reads no more than that needs. */
export async function printBeside(workspace: string, run: FilesPrint): Promise<FilesPrint> {
  const place = await placeOf(workspace);
  // Also while tests of the run write into it.
  if (place === run.place) return run;
  const git = run.git === null ? null : await gitPrint(workspace);
  return { place, git, contents: git === null ? await contentsPrint(workspace) : null };
}

/** The same for the same directory of the same running system, whatever path or container leads to it. */
async function placeOf(workspace: string): Promise<string> {
  const { dev, ino } = await stat(workspace, { bigint: true });
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return createHash('sha256')
    .update(`${boot.trim() || hostname()} ${dev} ${ino}`)
    .digest('hex')
    .slice(0, 12);
}
