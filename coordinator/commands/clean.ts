// `shardline clean`: removes old runs of a workspace.

import { rm } from 'node:fs/promises';
import type { CleanSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { isHeld } from '../../shared/system/files/hold-directory.ts';
import { removeEmpty } from '../../shared/system/files/make-directory.ts';
import { leftFolders, runFolders } from '../../shared/system/run-place.ts';
import { plural } from '../../shared/text/safe-text.ts';

/** Keeps the last runs, those that are still on, and folders that are not runs, unless they are empty. Resolves with 0. */
export async function cleanCommand({ workspace, keep }: CleanSettings, edge: Edge): Promise<number> {
  const runs = await runFolders(workspace);
  let removed = 0;
  for (const folder of runs.slice(keep)) {
    if (await isHeld(folder)) continue;
    await rm(folder, { recursive: true });
    removed += 1;
  }
  let empty = 0;
  for (const folder of await leftFolders(workspace)) if (!(await isHeld(folder)) && (await removeEmpty(folder))) empty += 1;
  const folders = empty === 0 ? '' : ` and ${empty === 1 ? '1 empty directory' : `${empty} empty directories`}`;
  edge.stdout.write(`Removed ${plural(removed, 'run')}${folders}, kept ${runs.length - removed}.\n`);
  return 0;
}
