// `shardline clean`: removes old runs of a workspace.

import { rm } from 'node:fs/promises';
import type { CleanSettings } from '../../shared/settings/settings.ts';
import type { Edge } from '../../shared/system/edge.ts';
import { isHeld } from '../../shared/system/hold-directory.ts';
import { runFolders } from '../../shared/system/run-place.ts';
import { plural } from '../../shared/text/safe-text.ts';

/** Keeps the last runs, those that are still on, and folders that are not runs. Resolves with 0. */
export async function cleanCommand({ workspace, keep }: CleanSettings, edge: Edge): Promise<number> {
  const runs = await runFolders(workspace);
  let removed = 0;
  for (const folder of runs.slice(keep)) {
    if (await isHeld(folder)) continue;
    await rm(folder, { recursive: true });
    removed += 1;
  }
  edge.stdout.write(`Removed ${plural(removed, 'run')}, kept ${runs.length - removed}.\n`);
  return 0;
}
